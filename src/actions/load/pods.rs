//! Workers of a load in pods of a cluster.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::params::{Pods, Workers};
use crate::action::{Class, Context, Failure, Undo};
use crate::actions::kube::{DELETE, OWNER, marks};
use crate::tools::Capability;
use crate::tools::http::Until;
use crate::tools::kube::remote::{self, Wanted};
use crate::tools::load::{Fleet, Job};

/// The label of everything that is made for a load, and what tells one load from another.
const WORK: &str = "specrun.io/work";
const LOAD: &str = "load";
const TURN: &str = "specrun.io/load";
/// The cluster ends the pods so long after the step must have ended, if nobody else does.
const LONGER: u64 = 60;
/// So long before the step's deadline waiting ends, so that it can still be said what was waited for.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long deleting the Jobs may take: less than a step that is stopped is given.
const TO_REMOVE: Duration = Duration::from_millis(1500);

/// The Jobs of one load.
pub struct Jobs<'a> {
    wanted: Wanted,
    cx: &'a Context,
}

impl<'a> Jobs<'a> {
    /// What is to be made; nothing is yet.
    ///
    /// # Errors
    /// When there is no cluster or no image, and for services that no pod can reach.
    pub async fn of(job: &Job, pods: &Pods, turn: u32, cx: &'a Context) -> Result<Self, Failure> {
        let endpoint = cx.endpoint("kube", "the cluster")?;
        let image = pods
            .image
            .clone()
            .or_else(|| endpoint.settings.get("image")?.as_str().map(str::to_owned));
        let image = image.ok_or_else(|| {
            Failure::new(Class::Missing, "no image is named for the workers of the load").help(
                "make one with the project's Dockerfile, and name it as `image` of the endpoint `kube` in the environment \
                 file, or of `workers`",
            )
        })?;
        for peer in &job.peers {
            if let Some(own) = peer.addresses.iter().find(|a| a.ip().is_loopback()) {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!(
                        "workers in pods cannot reach {}: {own} is the pod itself there",
                        peer.authority
                    ),
                )
                .help("give an address that the cluster's pods reach, as `kube.endpoint` gives it for a service"));
            }
        }
        let cluster = cx.tools.kube.cluster(Some(endpoint), &cx.until()).await?;
        let namespace = pods.namespace.as_deref().unwrap_or_else(|| cluster.namespace());
        let id = Sha256::digest(format!(
            "{}\0{}\0{}\0{turn}",
            cx.prefix,
            cx.step.as_str(),
            cx.attempt
        ));
        let number = id.iter().take(4).fold(0_u32, |n, b| (n << 8) | u32::from(*b));
        let id = format!("{number:08x}");
        let mut labels = marks(cx).to_vec();
        labels.extend([(WORK, LOAD.to_owned()), (TURN, id.clone())]);
        let asked = [("cpu", &pods.cpu), ("memory", &pods.memory)];
        Ok(Self {
            wanted: Wanted {
                namespace: namespace.to_owned(),
                names: (1..=pods.kubernetes)
                    .map(|n| format!("{}-{id}-{n}", cx.prefix))
                    .collect(),
                labels,
                image,
                args: vec!["load-worker".to_owned(), "framed".to_owned()],
                resources: asked
                    .into_iter()
                    .filter_map(|(name, amount)| Some((name.to_owned(), amount.clone()?)))
                    .collect(),
                node_selector: pods.node_selector.clone(),
                account: None,
                scratch: false,
                // As the first process of its container a worker does not hear that it shall end.
                grace: 1,
                seconds: cx
                    .deadline
                    .saturating_duration_since(Instant::now())
                    .as_secs()
                    .saturating_add(LONGER),
            },
            cx,
        })
    }

    /// Workers that are connected and wait for the start.
    ///
    /// # Errors
    /// When a pod does not come up, or cannot reach the service.
    pub async fn fleet(&self, job: &Job) -> Result<Fleet, Failure> {
        let mut until = self.cx.until();
        until.deadline = until.deadline.checked_sub(LAST_WORDS).unwrap_or(until.deadline);
        let tools = &self.cx.tools;
        let cluster = tools.kube.cluster(tools.endpoints.get("kube"), &until).await?;
        (self.cx.progress)(format!(
            "starting {} pods in {}",
            self.wanted.names.len(),
            self.wanted.namespace
        ));
        let members = remote::start(&cluster, &self.wanted, &until, &until).await?;
        let fleet = Fleet::of_pods(members, job).await?;
        let left = self.cx.deadline.saturating_duration_since(Instant::now());
        match job.planned() {
            Some(needed) if needed + fleet.lead().as_secs_f64() > left.as_secs_f64() => Err(Failure::new(
                Class::Timeout,
                format!(
                    "the pods were there so late that the step has {:.1} s left, and the load takes {needed:.1} s",
                    left.as_secs_f64()
                ),
            )
            .help("give the step a longer `timeout`")),
            _ => Ok(fleet),
        }
    }

    /// Deletes them, also when the run is being stopped.
    ///
    /// # Errors
    /// As [`remote::remove`].
    pub async fn remove(&self) -> Result<(), Failure> {
        let until = Until {
            deadline: Instant::now() + TO_REMOVE,
            cancel: tokio_util::sync::CancellationToken::new(),
        };
        let tools = &self.cx.tools;
        let cluster = tools.kube.cluster(tools.endpoints.get("kube"), &until).await?;
        remote::remove(&cluster, &self.wanted, &until).await
    }
}

/// What workers in pods call.
pub fn capabilities(workers: Option<&Json>) -> Vec<Capability> {
    let Some(pods) = workers.filter(|w| w.is_object()) else {
        return Vec::new();
    };
    let namespace = pods
        .get("namespace")
        .and_then(Json::as_str)
        .filter(|n| !n.contains("${{"))
        .unwrap_or("?");
    remote::capabilities(namespace)
}

/// What takes away the Jobs that a load left.
pub fn undo(workers: Option<&Json>) -> Option<Undo> {
    let pods = workers.filter(|w| w.is_object())?;
    let mut params = json!({
        "kind": "Job",
        "api_version": "batch/v1",
        "labels": format!("{OWNER}=${{{{ run.prefix }}}},{WORK}={LOAD}"),
        "dependents": "foreground",
    });
    if let Some(namespace) = pods.get("namespace") {
        params["namespace"] = namespace.clone();
    }
    Some(Undo {
        action: DELETE,
        params,
    })
}

impl Workers {
    /// How many there are; none is specrun itself.
    pub const fn count(&self) -> u32 {
        match self {
            Self::Here(n) => *n,
            Self::There(pods) => pods.kubernetes,
        }
    }
}
