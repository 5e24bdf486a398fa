//! `istio.canary`

mod argo;
mod flagger;
mod kserve;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::Object;
use crate::action::{Action, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::value::Ratio;

/// Reads how far a canary is, in one form for every controller: a Flagger `Canary`, an Argo `Rollout`, a KServe
/// `InferenceService`. A status that is older than its object is inconclusive: it may be of the rollout before.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The object, as JSON: `${{ canary }}` of a step `canary` that does `kube.get`, `${{ manifest.data }}` of `file.read`.
    object: Json,
}

/// Which controller it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Flagger.
    Flagger,
    /// Argo Rollouts.
    ArgoRollouts,
    /// KServe in its Knative mode.
    Kserve,
}

/// How far the canary is, whatever the controller calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is no canary.
    Idle,
    /// It is being rolled out, or is about to be.
    Progressing,
    /// It waits for somebody.
    Paused,
    /// It has become the version that everybody gets.
    Promoted,
    /// It was given up, and gets no traffic.
    RolledBack,
    /// It was given up or broke, and still gets traffic, or it is not known to get none.
    Failed,
    /// The controller uses a word that is not known here.
    Unknown,
}

/// How far the canary is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Which controller it belongs to.
    tool: Tool,
    /// The object's name.
    name: String,
    /// The object's namespace.
    namespace: Option<String>,
    /// How far it is.
    state: State,
    /// The controller's own word for it.
    phase: String,
    /// The canary's share of the traffic, where the object says it.
    canary_share: Option<Ratio>,
    /// The version that is stable, as the controller names it.
    stable: Option<String>,
    /// The version that is the canary, as the controller names it.
    canary: Option<String>,
    /// How many checks of the controller's own failed (Flagger).
    failed_checks: Option<u64>,
    /// What the controller says to it; empty when nothing.
    message: String,
    /// Whether the status is older than the object; nothing when the controller does not say (Flagger).
    stale: Option<bool>,
}

/// What a controller's file reads from an object.
struct Reading {
    tool: Tool,
    state: State,
    phase: String,
    canary_share: Option<Ratio>,
    stable: Option<String>,
    canary: Option<String>,
    failed_checks: Option<u64>,
    message: String,
    /// The generation of the object that the status is of, when the controller says it.
    observed: Option<i64>,
}

/// The kinds that are read, and by what.
const KINDS: &[(&str, &str)] = &[flagger::KIND, argo::KIND, kserve::KIND];

pub(super) struct Canary;

impl Action for Canary {
    const NAME: &'static str = "istio.canary";
    type Params = Params;
    type Output = Output;

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let object = Object::of(params.object, KINDS)?;
        let reading = match object.kind.as_str() {
            "Canary" => flagger::read(&object)?,
            "Rollout" => argo::read(&object)?,
            _ => kserve::read(&object)?,
        };
        let stale = reading
            .observed
            .zip(object.metadata.generation)
            .map(|(seen, now)| seen != now);
        if stale == Some(true) {
            unsure(
                cx,
                "fresh",
                "the status is of this object",
                &format!(
                    "the status of {} is of generation {}, the object of {}",
                    object.shown(),
                    reading.observed.unwrap_or_default(),
                    object.metadata.generation.unwrap_or_default(),
                ),
            );
        }
        if reading.state == State::Unknown {
            let why = format!("{} is in the unknown phase `{}`", object.shown(), reading.phase);
            unsure(cx, "phase", "the phase is known", &why);
        }
        Ok(Output {
            tool: reading.tool,
            name: object.metadata.name,
            namespace: object.metadata.namespace,
            state: reading.state,
            phase: reading.phase,
            canary_share: reading.canary_share,
            stable: reading.stable,
            canary: reading.canary,
            failed_checks: reading.failed_checks,
            message: reading.message,
            stale,
        })
    }
}

fn unsure(cx: &Context, id: &str, text: &str, why: &str) {
    cx.checks.add(OwnCheck {
        id: id.to_owned(),
        text: text.to_owned(),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(Verdict::Inconclusive, why),
    });
}
