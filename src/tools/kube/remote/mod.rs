//! Programs in pods: told what to do over their attached input, heard through their logs.
//!
//! Each pod is one of a Job of its own that is never repeated. What it is told goes over a connection and is kept in no
//! object of the cluster, so it may be a secret and of any size; when the connection breaks, the input ends, and a program
//! that ends with its input leaves nothing that goes on by itself. What it says comes through the log in checked frames
//! ([`Framed`]), which can be read again after an interruption, and asked for again when the log has lost them. A pod that
//! is lost is told of with its last lines.
//!
//! Not here: what is said. And nothing is cleaned up when this is dropped; see [`remove`].

mod frame;
mod member;

pub use frame::{AROUND, Framed};
pub use member::{Member, Said};

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::call::{Call, Identity};
use super::cluster::Cluster;
use super::kinds::Kind;
use super::watch::{Scope, Seen, watch};
use crate::check::{Class, Failure};
use crate::tools::Capability;
use crate::tools::http::Until;

/// The container's name.
const CONTAINER: &str = "specrun";
/// Reasons for which a container waits for ever.
const HOPELESS: [&str; 6] = [
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// What is to run, once for each name.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub namespace: String,
    /// The Jobs' names.
    pub names: Vec<String>,
    /// Of the Jobs and their pods; together they are those of no other Job.
    pub labels: Vec<(&'static str, String)>,
    pub image: String,
    /// What the image's program is told in its arguments.
    pub args: Vec<String>,
    /// What each asks of its node: `{cpu: "1"}`.
    pub resources: BTreeMap<String, String>,
    pub node_selector: BTreeMap<String, String>,
    /// The service account that the pods may call the cluster as; none: they cannot.
    pub account: Option<String>,
    /// Whether they have a folder to write to, `/tmp`.
    pub scratch: bool,
    /// How many seconds a pod that is deleted gets to end in good order.
    pub grace: u64,
    /// The cluster itself ends it after so many seconds, whatever became of who started it.
    pub seconds: u64,
}

impl Wanted {
    /// What selects its Jobs and pods.
    #[must_use]
    pub fn selector(&self) -> String {
        let all: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        all.join(",")
    }

    fn job(&self, name: &str) -> Json {
        let labels: Map<String, Json> = self
            .labels
            .iter()
            .map(|(k, v)| ((*k).to_owned(), json!(v)))
            .collect();
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": self.seconds,
                "ttlSecondsAfterFinished": 600,
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "restartPolicy": "Never",
                        "terminationGracePeriodSeconds": self.grace,
                        "serviceAccountName": self.account.as_deref().unwrap_or("default"),
                        "automountServiceAccountToken": self.account.is_some(),
                        "enableServiceLinks": false,
                        "nodeSelector": self.node_selector,
                        "securityContext": {"runAsNonRoot": true, "runAsUser": 65_534, "runAsGroup": 65_534,
                                            "seccompProfile": {"type": "RuntimeDefault"}},
                        "volumes": if self.scratch { json!([{"name": "scratch", "emptyDir": {}}]) } else { json!([]) },
                        "containers": [{
                            "name": CONTAINER,
                            "image": self.image,
                            "imagePullPolicy": "IfNotPresent",
                            "args": self.args,
                            "stdin": true,
                            // Who hangs up has said all there was to say.
                            "stdinOnce": true,
                            "resources": {"requests": self.resources},
                            "volumeMounts": if self.scratch { json!([{"name": "scratch", "mountPath": "/tmp"}]) } else { json!([]) },
                            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                                                "capabilities": {"drop": ["ALL"]}},
                        }],
                    },
                },
            },
        })
    }
}

/// What is called for pods in a namespace.
#[must_use]
pub fn capabilities(namespace: &str) -> Vec<Capability> {
    let mut all = vec![Capability::Endpoint {
        family: "kube".to_owned(),
    }];
    for (resource, verbs) in [
        ("jobs.batch", &["create", "delete"][..]),
        ("pods", &["get", "list", "watch"]),
        ("pods/attach", &["create", "get"]),
        ("pods/log", &["get"]),
    ] {
        all.extend(verbs.iter().map(|verb| Capability::Kube {
            verb: (*verb).to_owned(),
            resource: resource.to_owned(),
            namespace: Some(namespace.to_owned()),
        }));
    }
    all
}

/// The kinds that are needed; every server has them.
pub(super) struct Kinds {
    job: Arc<Kind>,
    pod: Arc<Kind>,
}

impl Kinds {
    async fn of(cluster: &Cluster, until: &Until) -> Result<Self, Failure> {
        Ok(Self {
            job: cluster.kind("Job", Some("batch/v1"), until).await?,
            pod: cluster.kind("Pod", Some("v1"), until).await?,
        })
    }
}

/// Makes the Jobs and waits until each has a pod that runs and listens, at most as long as `until`; they are spoken to
/// until `work`. When it fails some of them may be there.
///
/// # Errors
/// What the API server refuses; class `missing` for an image that cannot be had, `timeout` with the reasons why pods do
/// not run.
pub async fn start(
    cluster: &Arc<Cluster>,
    wanted: &Wanted,
    until: &Until,
    work: &Until,
) -> Result<Vec<Member>, Failure> {
    let kinds = Kinds::of(cluster, until).await?;
    let namespace = Some(wanted.namespace.as_str());
    for name in &wanted.names {
        let call = Call::new("POST", kinds.job.path(namespace, None, None))
            .power(kinds.job.power("create", namespace, None))
            .query("fieldManager", "specrun")
            .json(wanted.job(name));
        cluster.ask(&call, until).await?;
    }
    let pods = running(cluster, &kinds, wanted, until).await?;
    let mut members = Vec::new();
    for pod in pods {
        members.push(Member::attach(cluster, &kinds.pod, &wanted.namespace, pod, until, work).await?);
    }
    Ok(members)
}

/// Deletes the Jobs with their pods. Those that are gone already are no failure; it does not wait until they are.
///
/// # Errors
/// The first that could not be deleted; the others are tried all the same.
pub async fn remove(cluster: &Cluster, wanted: &Wanted, until: &Until) -> Result<(), Failure> {
    let kinds = Kinds::of(cluster, until).await?;
    let namespace = Some(wanted.namespace.as_str());
    let mut first = Ok(());
    for name in &wanted.names {
        let call = Call::new("DELETE", kinds.job.path(namespace, Some(name), None))
            .power(kinds.job.power("delete", namespace, None))
            .json(json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}));
        match cluster.ask(&call, until).await {
            Err(f) if f.class != Class::NotFound => first = first.and(Err(f)),
            _ => {}
        }
    }
    first
}

/// The name of a running pod of each Job, in the order of the Jobs.
async fn running(
    cluster: &Cluster,
    kinds: &Kinds,
    wanted: &Wanted,
    until: &Until,
) -> Result<Vec<String>, Failure> {
    let scope = Scope {
        kind: Arc::clone(&kinds.pod),
        namespace: Some(wanted.namespace.clone()),
        name: None,
        labels: Some(wanted.selector()),
        fields: None,
        identity: Identity::Endpoint,
    };
    let mut pods: BTreeMap<String, Json> = BTreeMap::new();
    let mut found: Result<Vec<String>, Failure> = Ok(Vec::new());
    let watched = watch(cluster, &scope, until, &mut |seen| {
        match seen {
            Seen::Listed(all) => pods = all.iter().map(|p| (name_of(p), p.clone())).collect(),
            Seen::Changed(pod) => {
                pods.insert(name_of(pod), pod.clone());
            }
            Seen::Deleted(pod) => {
                pods.remove(&name_of(pod));
            }
        }
        if let Some(failure) = pods.values().find_map(hopeless) {
            found = Err(failure);
            return ControlFlow::Break(());
        }
        let each: Option<Vec<String>> = wanted
            .names
            .iter()
            .map(|job| {
                pods.iter()
                    .find(|(_, p)| label(p, "job-name") == Some(job) && runs(p))
            })
            .map(|found| found.map(|(name, _)| name.clone()))
            .collect();
        match each {
            Some(each) => {
                found = Ok(each);
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    })
    .await;
    match watched {
        Ok(()) => found,
        Err(f) if f.class == Class::Timeout => {
            let up = pods.values().filter(|p| runs(p)).count();
            let mut failure = Failure::new(
                Class::Timeout,
                format!(
                    "{up} of {} pods ran before the step's time was over",
                    wanted.names.len()
                ),
            );
            failure.details = f.details;
            if pods.is_empty() {
                failure = failure.detail("the Jobs have no pods yet: does the cluster's quota allow them?");
            }
            Err(pods.values().filter(|p| !runs(p)).fold(failure, |failure, pod| {
                failure.detail(format!("{}: {}", name_of(pod), state(pod)))
            }))
        }
        Err(other) => Err(other),
    }
}

/// The failure of a pod that will never listen.
fn hopeless(pod: &Json) -> Option<Failure> {
    let told = |class, what: &str| {
        Some(Failure::new(
            class,
            format!("the pod {} {what}: {}", name_of(pod), state(pod)),
        ))
    };
    let waits = container(pod)
        .and_then(|c| c.pointer("/state/waiting/reason"))
        .and_then(Json::as_str);
    if waits.is_some_and(|reason| HOPELESS.contains(&reason)) {
        return told(Class::Missing, "cannot start");
    }
    let phase = pod.pointer("/status/phase").and_then(Json::as_str);
    if matches!(phase, Some("Failed" | "Succeeded")) {
        return told(Class::ExitCode, "ended before it was told anything").map(|f| {
            f.help("is the image one of specrun, of this version? Its entry point is the program `specrun`")
        });
    }
    None
}

fn runs(pod: &Json) -> bool {
    container(pod).is_some_and(|c| c.pointer("/state/running").is_some())
        && pod.pointer("/metadata/deletionTimestamp").is_none()
}

fn container(pod: &Json) -> Option<&Json> {
    pod.pointer("/status/containerStatuses/0")
}

fn name_of(pod: &Json) -> String {
    let name = pod.pointer("/metadata/name").and_then(Json::as_str);
    name.unwrap_or_default().to_owned()
}

fn label<'a>(pod: &'a Json, name: &str) -> Option<&'a str> {
    pod.pointer("/metadata/labels")?.get(name)?.as_str()
}

/// What a pod is doing, in the cluster's words.
fn state(pod: &Json) -> String {
    let text = |json: &Json, at: &str| json.pointer(at).and_then(Json::as_str).map(str::to_owned);
    let mut parts: Vec<String> = text(pod, "/status/phase").into_iter().collect();
    for (key, value) in container(pod)
        .and_then(|c| c.get("state")?.as_object())
        .into_iter()
        .flatten()
    {
        if key != "running" {
            parts.extend(text(value, "/reason"));
            parts.extend(text(value, "/message"));
        }
        if let Some(code) = value.get("exitCode") {
            parts.push(format!("exit code {code}"));
        }
    }
    let conditions = pod.pointer("/status/conditions").and_then(Json::as_array);
    for condition in conditions.into_iter().flatten() {
        if text(condition, "/type").as_deref() == Some("PodScheduled")
            && text(condition, "/status").as_deref() == Some("False")
        {
            parts.push("not scheduled".to_owned());
            parts.extend(text(condition, "/message"));
        }
    }
    parts.extend(text(pod, "/status/reason"));
    parts.extend(text(pod, "/status/message"));
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        parts.push("it is being deleted".to_owned());
    }
    parts.dedup();
    parts.join(", ")
}
