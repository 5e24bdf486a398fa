//! `kube.events`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::{moment, text_at};
use super::session::{At, Session, on, reach};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Moment;

/// Reads the events of a namespace: what controllers, the scheduler and the nodes say they did. Servers keep them for an
/// hour or so, and join those that are alike. None is an answer, too.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// Only about objects of this kind, as it is written in manifests: `Pod`, `HorizontalPodAutoscaler`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    kind: Option<String>,
    /// Only about the object of this name.
    #[serde(default)]
    #[schemars(length(min = 1))]
    name: Option<String>,
    /// Only with this reason: `FailedScheduling`, `SuccessfulRescale`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    reason: Option<String>,
    /// Only those that last happened after this moment.
    #[serde(default)]
    since: Option<Moment>,
    #[serde(flatten)]
    at: At,
}

/// The events, the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many there are.
    count: u64,
    /// Each of them.
    events: Vec<Event>,
}

/// One event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event {
    /// `Normal` or `Warning`.
    r#type: String,
    /// A word for programs.
    reason: String,
    /// A sentence for people; its wording changes between versions of Kubernetes.
    message: String,
    /// The kind of the object it is about.
    kind: String,
    /// The name of that object.
    name: String,
    /// Who says so: `default-scheduler`.
    source: String,
    /// How often it happened.
    times: u64,
    /// When it first happened.
    first: Option<Moment>,
    /// When it last happened.
    last: Option<Moment>,
}

pub(super) struct Events;

impl Action for Events {
    const NAME: &'static str = "kube.events";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on(params, "events", &["list"]))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind("Event", Some("v1")).await?;
        let mut scope = session.scope(&kind, None, None);
        let fields: Vec<String> = [
            ("involvedObject.kind", &params.kind),
            ("involvedObject.name", &params.name),
            ("reason", &params.reason),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some(format!("{field}={}", value.as_ref()?)))
        .collect();
        scope.fields = (!fields.is_empty()).then(|| fields.join(","));
        let mut events: Vec<Event> = session
            .all(&scope)
            .await?
            .iter()
            .map(read)
            .filter(|e| {
                params
                    .since
                    .is_none_or(|since| e.last.is_some_and(|last| last >= since))
            })
            .collect();
        events.sort_by_key(|e| e.last);
        Ok(Output {
            count: events.len() as u64,
            events,
        })
    }
}

/// Old controllers fill `lastTimestamp` and `count`, new ones `eventTime` and `series`.
fn read(json: &Json) -> Event {
    let text = |at: &str| text_at(json, at).unwrap_or_default().to_owned();
    let first_of = |paths: &[&str]| paths.iter().find_map(|at| moment(json.pointer(at)));
    Event {
        r#type: text("/type"),
        reason: text("/reason"),
        message: text("/message"),
        kind: text("/involvedObject/kind"),
        name: text("/involvedObject/name"),
        source: text_at(json, "/source/component")
            .filter(|s| !s.is_empty())
            .map_or_else(|| text("/reportingComponent"), str::to_owned),
        times: ["/series/count", "/count"]
            .iter()
            .find_map(|at| json.pointer(at).and_then(Json::as_u64))
            .unwrap_or(1)
            .max(1),
        first: first_of(&["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"]),
        last: first_of(&[
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]),
    }
}
