//! Where pods ran, for how long, how they ended, and why they do not.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::{conditions, moment, text_at};
use super::session::{Session, on, text};
use super::spot;
use crate::action::{Class, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::Kind;
use crate::value::{Duration, Moment};

/// Which pod.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Which {
    /// The pod's name.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub pod: Option<String>,
    /// The first running pod with these labels instead: `app=web`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub labels: Option<String>,
}

impl Which {
    /// That exactly one of the two is given.
    pub(super) fn problems(params: &Json) -> Vec<ParamProblem> {
        super::session::one_of(params, "pod", "labels")
            .into_iter()
            .collect()
    }

    /// What finding it needs.
    pub(super) fn power(params: &Json) -> impl Iterator<Item = Capability> + '_ {
        let verbs: &[&str] = if text(params, "pod").is_some() {
            &[]
        } else {
            &["list"]
        };
        on(params, "pods", verbs)
    }

    /// Its name.
    ///
    /// # Errors
    /// Class `not_found` when none with the labels runs.
    pub(super) async fn name(&self, session: &Session<'_>, kind: &Arc<Kind>) -> Result<String, Failure> {
        if let Some(pod) = &self.pod {
            return Ok(pod.clone());
        }
        let labels = self.labels.as_deref().unwrap_or_default();
        let found = session.all(&session.scope(kind, None, Some(labels))).await?;
        let mut names: Vec<&str> = found
            .iter()
            .filter(|p| text_at(p, "/status/phase") == Some("Running"))
            .filter(|p| p.pointer("/metadata/deletionTimestamp").is_none())
            .filter_map(|p| text_at(p, "/metadata/name"))
            .collect();
        names.sort_unstable();
        names.first().map(|name| (*name).to_owned()).ok_or_else(|| {
            Failure::new(
                Class::NotFound,
                format!("of {} pods with {labels} none is running", found.len()),
            )
        })
    }
}

/// A pod of a job.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PodRun {
    /// Its name.
    pub name: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// The node it was bound to; nothing while it is bound to none.
    pub node: Option<String>,
    /// The exit code of its first container that ended badly, else of its first; nothing while it runs.
    pub exit_code: Option<i64>,
    /// Why the container ended or waits: `Completed`, `OOMKilled`, `ErrImagePull`.
    pub reason: Option<String>,
    /// What the container left in its termination message.
    pub message: Option<String>,
    /// When its container started, in whole seconds.
    pub started: Option<Moment>,
    /// When its container ended, in whole seconds.
    pub finished: Option<Moment>,
    /// How often its containers were started again.
    pub restarts: u64,
    /// What its containers ask for, in all, by resource: `nvidia.com/gpu: "1"`; of several containers the first
    /// amount of each.
    pub requests: BTreeMap<String, String>,
}

/// A node as a pod's place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NodeFacts {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its taints: `spot=true:NoSchedule`.
    pub taints: Vec<String>,
    /// `spot`, `on-demand`, or `unknown` when no label of a provider says it.
    pub capacity: String,
    /// The label that says that it is a spot node, and whose it is.
    pub spot_by: Option<String>,
    /// Its instance type, when a label says it.
    pub instance_type: Option<String>,
    /// Its zone, when a label says it.
    pub zone: Option<String>,
}

/// What is known of a pod's run.
pub(super) fn run_of(pod: &Json) -> PodRun {
    let text = |at: &str| text_at(pod, at).filter(|t| !t.is_empty()).map(str::to_owned);
    let statuses = || {
        pod.pointer("/status/containerStatuses")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
    };
    let ended = |c: &&Json| c.pointer("/state/terminated").is_some();
    let code = |c: &Json| c.pointer("/state/terminated/exitCode").and_then(Json::as_i64);
    let shown = statuses()
        .filter(ended)
        .find(|c| code(c).is_some_and(|n| n != 0))
        .or_else(|| statuses().next());
    let at = |key: &str| {
        shown.and_then(|c| {
            ["terminated", "waiting", "running"]
                .iter()
                .find_map(|state| c.pointer(&format!("/state/{state}/{key}")))
        })
    };
    let mut requests = BTreeMap::new();
    for container in pod
        .pointer("/spec/containers")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        for (name, amount) in container
            .pointer("/resources/requests")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            let amount = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
            requests.entry(name.clone()).or_insert(amount);
        }
    }
    PodRun {
        name: text("/metadata/name").unwrap_or_default(),
        phase: text("/status/phase").unwrap_or_default(),
        node: text("/spec/nodeName"),
        exit_code: shown.and_then(code),
        reason: at("reason").and_then(Json::as_str).map(str::to_owned),
        message: at("message").and_then(Json::as_str).map(str::to_owned),
        started: moment(at("startedAt")),
        finished: moment(at("finishedAt")),
        restarts: statuses()
            .filter_map(|c| c.get("restartCount").and_then(Json::as_u64))
            .sum(),
        requests,
    }
}

impl PodRun {
    /// How long its container ran.
    pub(super) fn duration(&self) -> Option<Duration> {
        let (started, finished) = (self.started?, self.finished?);
        Some(Duration(finished.0.duration_since(started.0).as_secs_f64()))
    }
}

/// What is known of a node; nothing when nobody may look at nodes.
pub(super) async fn node(session: &Session<'_>, name: &str) -> Result<Option<NodeFacts>, Failure> {
    let kind = session.kind("Node", Some("v1")).await?;
    let node = match session.get(&kind, name, None).await {
        Ok(node) => node,
        Err(f) if matches!(f.class, Class::Forbidden | Class::NotFound) => return Ok(None),
        Err(other) => return Err(other),
    };
    let labels: BTreeMap<String, String> = node
        .pointer("/metadata/labels")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
        .collect();
    let label = |names: &[&str]| names.iter().find_map(|n| labels.get(*n).cloned());
    Ok(Some(NodeFacts {
        name: name.to_owned(),
        taints: node
            .pointer("/spec/taints")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .map(|t| {
                let part = |key: &str| t.get(key).and_then(Json::as_str).unwrap_or_default();
                format!("{}={}:{}", part("key"), part("value"), part("effect"))
            })
            .collect(),
        capacity: spot::capacity(&labels).to_owned(),
        spot_by: spot::by(&labels),
        instance_type: label(&[
            "node.kubernetes.io/instance-type",
            "beta.kubernetes.io/instance-type",
        ]),
        zone: label(&[
            "topology.kubernetes.io/zone",
            "failure-domain.beta.kubernetes.io/zone",
        ]),
        labels,
    }))
}

/// Why a pod does not run, in the words of the cluster; none when it runs or has ended.
pub(super) fn waiting(pod: &Json) -> Option<String> {
    let name = text_at(pod, "/metadata/name").unwrap_or_default();
    if let Some(unscheduled) = conditions(pod)
        .into_iter()
        .find(|c| c.r#type == "PodScheduled" && c.status == "False")
    {
        return Some(format!(
            "{name} is not scheduled: {}: {}",
            unscheduled.reason.unwrap_or_default(),
            unscheduled.message.unwrap_or_default()
        ));
    }
    let run = run_of(pod);
    match run.phase.as_str() {
        "Succeeded" | "Failed" => None,
        phase => Some(format!(
            "{name} is {phase}{}",
            run.reason
                .map(|r| format!(
                    ": {r}{}",
                    run.message.map(|m| format!(": {m}")).unwrap_or_default()
                ))
                .unwrap_or_default()
        )),
    }
}
