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
/// hour or so, and join those that are alike. None is an answer, too. That the namespace is not there is a failure of class
/// `not_found`, that the server does not know the kind one of class `missing`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// Only about objects of this kind, as `kubectl` takes it: `Pod`, `HorizontalPodAutoscaler`, `hpa`.
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
    /// Only those that last happened after this moment. Most events have whole seconds: one of the same second counts.
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
        // No event is about a kind that is written in another way, and none at all looks like a good answer.
        let about = match &params.kind {
            Some(name) => Some(session.kind(name, None).await?.kind.clone()),
            None => None,
        };
        let fields: Vec<String> = [
            ("involvedObject.kind", &about),
            ("involvedObject.name", &params.name),
            ("reason", &params.reason),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some(format!("{field}={}", value.as_ref()?)))
        .collect();
        scope.fields = (!fields.is_empty()).then(|| fields.join(","));
        let mut events: Vec<Event> = session.all(&scope).await?.iter().map(read).collect();
        if events.is_empty() {
            session.inhabited(scope.namespace.as_deref()).await?;
        }
        if let Some(since) = params.since {
            events.retain(|e| e.last.is_some_and(|last| may_follow(last, since)));
        }
        events.sort_by_key(|e| e.last);
        Ok(Output {
            count: events.len() as u64,
            events,
        })
    }
}

/// Whether what is stamped so may have happened after a moment: a stamp of whole seconds is up to a second early.
fn may_follow(stamp: Moment, since: Moment) -> bool {
    let whole = stamp.0.subsec_nanosecond() == 0;
    stamp >= since || (whole && stamp.0.as_second() == since.0.as_second())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_whole_seconds_may_be_of_any_moment_of_its_second() {
        let at = |text: &str| Moment(text.parse().unwrap());
        let since = at("2026-11-26T10:00:00.5Z");
        assert!(may_follow(at("2026-11-26T10:00:00Z"), since));
        assert!(may_follow(at("2026-11-26T10:00:01Z"), since));
        assert!(!may_follow(at("2026-11-26T09:59:59Z"), since));
        // One that is exact is believed.
        assert!(!may_follow(at("2026-11-26T10:00:00.25Z"), since));
        assert!(may_follow(at("2026-11-26T10:00:00.75Z"), since));
    }
}
