//! `kube.job`

use std::ops::ControlFlow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::create::create;
use super::manifest::{self, Manifest};
use super::object::{conditions, moment, text_at};
use super::pods::{self, NodeFacts, PodRun};
use super::session::{At, Session, on, on_cluster, reach};
use super::wait::Held;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::parse_json;
use crate::tools::kube::{Kind, watch};
use crate::value::{Duration, Moment};

/// Makes a Job and waits until it is done, for as long as the step may take (`timeout`). A Job that fails is a failure of
/// class `exit_code`; one that is not done in time one of class `timeout`, with the reason why its pods do not run.
///
/// Times that the cluster keeps are whole seconds. For shorter ones let the container measure, and leave what it measured
/// as JSON in its termination message (`/dev/termination-log`): it is `result`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    what: Manifest,
    #[serde(flatten)]
    at: At,
}

/// How it went.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The Job's name.
    name: String,
    /// Its namespace.
    namespace: String,
    /// The node its last pod ran on.
    node: NodeFacts,
    /// How long the last pod's container ran: whole seconds, without scheduling and pulling.
    duration: Duration,
    /// From the making of the Job to the start of that container: whole seconds.
    queued: Duration,
    /// From the making of the Job until it was seen to be done, by specrun's own clock.
    took: Duration,
    /// When the Job was made.
    created: Moment,
    /// The exit code of the last pod's container.
    exit_code: i64,
    /// What that container left as its termination message, when it is JSON.
    result: Option<Json>,
    /// Every pod, in the order in which they started.
    pods: Vec<PodRun>,
}

pub(super) struct Job;

impl Action for Job {
    const NAME: &'static str = "kube.job";
    type Params = Params;
    type Output = Output;
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        // A Job, also when it stands in a file.
        let namespace = params
            .pointer("/manifest/metadata/namespace")
            .and_then(Json::as_str);
        let at = namespace.map_or_else(|| params.clone(), |n| serde_json::json!({ "namespace": n }));
        let mut calls: Vec<Capability> = on(&at, "jobs.batch", &["create", "list", "watch"]).collect();
        calls.extend(on(&at, "pods", &["list"]));
        calls.extend(on_cluster("nodes", &["get"]));
        reach(params, calls)
    }

    fn capabilities_of_files(&self, params: &Json, read: &dyn Fn(&str) -> Option<String>) -> Vec<Capability> {
        self.capabilities(&manifest::opened(params, read))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        manifest::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let wanted = params.what.read(&session).await?;
        let [wanted] = wanted.as_slice() else {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "the manifest holds {} objects, and one Job is needed",
                    wanted.len()
                ),
            ));
        };
        if wanted.kind.kind != "Job" || wanted.kind.group != "batch" {
            return Err(Failure::new(
                Class::BadParameter,
                format!("the manifest holds a {}, and a Job is needed", wanted.kind.kind),
            ));
        }
        let namespace = wanted.namespace.clone().unwrap_or_default();
        let began = std::time::Instant::now();
        let created = create(&session, wanted, false).await?;
        let uid = text_at(&created, "/metadata/uid").unwrap_or_default().to_owned();
        let run = Running {
            session: &session,
            name: wanted.name.clone(),
            namespace,
            pod: session.kind("Pod", Some("v1")).await?,
        };
        let (job, took) = match run.done(&wanted.kind, &uid).await {
            Ok(job) => (job, began.elapsed()),
            Err(f) if f.class == Class::Timeout => return Err(run.late(f).await),
            Err(other) => return Err(other),
        };
        let mut output = run.output(&created, took).await;
        if let Some(why) = finished(&job)
            .filter(|(kind, _)| *kind == "Failed")
            .map(|(_, why)| why)
        {
            let mut failure = Failure::new(Class::ExitCode, format!("the Job {} failed: {why}", wanted.name));
            if let Ok(output) = &mut output {
                failure.exit_code = i32::try_from(output.exit_code).ok();
                for pod in &output.pods {
                    failure = failure.detail(format!(
                        "{} on {}: exit code {}, {}: {}",
                        pod.name,
                        pod.node.as_deref().unwrap_or("no node"),
                        pod.exit_code
                            .map_or_else(|| "unknown".to_owned(), |c| c.to_string()),
                        pod.reason.as_deref().unwrap_or("no reason"),
                        pod.message.as_deref().unwrap_or("no message"),
                    ));
                }
            }
            return Err(failure);
        }
        output
    }
}

struct Running<'a> {
    session: &'a Session<'a>,
    name: String,
    namespace: String,
    pod: Arc<Kind>,
}

impl Running<'_> {
    /// The Job once it is complete or has failed.
    async fn done(&self, kind: &Arc<Kind>, uid: &str) -> Result<Json, Failure> {
        let mut scope = self.session.scope(kind, Some(&self.name), None);
        scope.namespace = Some(self.namespace.clone());
        let mut held = Held::default();
        let mut done = None;
        watch(&self.session.cluster, &scope, &self.session.until, &mut |seen| {
            held.take(seen);
            let Some(job) = held.objects.get(uid) else {
                // Somebody else deleted it.
                return ControlFlow::Break(());
            };
            if finished(job).is_some() {
                done = Some(job.clone());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .await?;
        done.ok_or_else(|| {
            Failure::new(
                Class::Server,
                format!("the Job {} was deleted before it was done", self.name),
            )
        })
    }

    async fn pods(&self) -> Result<Vec<Json>, Failure> {
        let mut scope = self
            .session
            .scope(&self.pod, None, Some(&format!("job-name={}", self.name)));
        scope.namespace = Some(self.namespace.clone());
        self.session.all(&scope).await
    }

    async fn output(&self, job: &Json, took: std::time::Duration) -> Result<Output, Failure> {
        let mut pods: Vec<PodRun> = self.pods().await?.iter().map(pods::run_of).collect();
        pods.sort_by(|a, b| (a.started, &a.name).cmp(&(b.started, &b.name)));
        let odd = |what: &str| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the Job {} is done, but {what}", self.name),
            )
        };
        let created = moment(job.pointer("/metadata/creationTimestamp"))
            .ok_or_else(|| odd("nobody knows when it was made"))?;
        let last = pods
            .last()
            .ok_or_else(|| odd("none of its pods is left to say where it ran"))?;
        let node = last
            .node
            .as_deref()
            .ok_or_else(|| odd("its last pod ran on no node"))?;
        let node = pods::node(self.session, node)
            .await?
            .unwrap_or_else(|| NodeFacts {
                name: node.to_owned(),
                labels: std::collections::BTreeMap::new(),
                taints: Vec::new(),
                capacity: "unknown".to_owned(),
                spot_by: None,
                instance_type: None,
                zone: None,
            });
        let started = last
            .started
            .ok_or_else(|| odd("its last pod says not when it started"))?;
        Ok(Output {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            node,
            duration: last
                .duration()
                .ok_or_else(|| odd("its last pod says not how long it ran"))?,
            queued: Duration(started.0.duration_since(created.0).as_secs_f64().max(0.0)),
            took: Duration(took.as_secs_f64()),
            created,
            exit_code: last
                .exit_code
                .ok_or_else(|| odd("its last pod has no exit code"))?,
            result: last.message.as_ref().and_then(|m| parse_json(m.as_bytes()).ok()),
            pods,
        })
    }

    /// Why it is not done.
    async fn late(&self, timeout: Failure) -> Failure {
        let mut failure = Failure::new(
            Class::Timeout,
            format!(
                "the Job {} of {} was not done within {:.1} s",
                self.name,
                self.namespace,
                self.session.began.elapsed().as_secs_f64()
            ),
        );
        failure.details = timeout.details;
        // What is left of the step's time is for this one question.
        let mut scope = self
            .session
            .scope(&self.pod, None, Some(&format!("job-name={}", self.name)));
        scope.namespace = Some(self.namespace.clone());
        let until = crate::tools::http::Until {
            deadline: self.session.cx.deadline,
            cancel: self.session.cx.cancel.clone(),
        };
        match crate::tools::kube::all(&self.session.cluster, &scope, &until).await {
            Ok((pods, _)) if pods.is_empty() => failure.detail("it has no pods"),
            Ok((pods, _)) => pods
                .iter()
                .filter_map(pods::waiting)
                .fold(failure, Failure::detail),
            Err(f) => failure.detail(format!("why is not known: {f}")),
        }
    }
}

/// How a Job ended: `Complete` or `Failed`, and why. Newer servers add conditions of other types.
fn finished(job: &Json) -> Option<(&'static str, String)> {
    let all = conditions(job);
    ["Complete", "Failed"].into_iter().find_map(|wanted| {
        let found = all.iter().find(|c| c.r#type == wanted && c.status == "True")?;
        let parts = [found.reason.clone(), found.message.clone()];
        Some((wanted, parts.into_iter().flatten().collect::<Vec<_>>().join(": ")))
    })
}
