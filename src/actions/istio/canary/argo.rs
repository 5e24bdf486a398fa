//! Argo's `Rollout`.

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::object::Object;
use super::{Reading, State, Tool};
use crate::action::Failure;
use crate::value::Ratio;

pub(super) const KIND: (&str, &str) = ("Rollout", "argoproj.io");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: String,
    #[serde(default)]
    abort: bool,
    #[serde(default)]
    message: String,
    #[serde(default, rename = "stableRS")]
    stable: Option<String>,
    #[serde(default)]
    current_pod_hash: Option<String>,
    /// A text here, where all others have a number.
    observed_generation: Option<Json>,
    #[serde(default)]
    canary: CanaryStatus,
}

#[derive(Default, Deserialize)]
struct CanaryStatus {
    weights: Option<Weights>,
}

#[derive(Deserialize)]
struct Weights {
    canary: Weight,
}

#[derive(Deserialize)]
struct Weight {
    weight: f64,
}

pub(super) fn read(object: &Object) -> Result<Reading, Failure> {
    let status: Status = object.part("status", &object.status)?;
    let observed = match &status.observed_generation {
        Some(Json::Number(n)) => n.as_i64(),
        Some(Json::String(text)) => text.parse().ok(),
        _ => None,
    };
    if observed.is_none() && status.observed_generation.is_some() {
        return Err(object.odd("`status.observedGeneration` is no number"));
    }
    let weight = status.canary.weights.map(|w| w.canary.weight);
    let stable_only = status.stable.is_some() && status.stable == status.current_pod_hash;
    let state = match status.phase.as_str() {
        // Without traffic routing there are no weights, and aborting takes the canary's pods away.
        _ if status.abort && weight.unwrap_or(0.0) == 0.0 => State::RolledBack,
        _ if status.abort => State::Failed,
        "Healthy" if stable_only => State::Promoted,
        "Healthy" | "Progressing" => State::Progressing,
        "Paused" => State::Paused,
        "Degraded" => State::Failed,
        _ => State::Unknown,
    };
    Ok(Reading {
        tool: Tool::ArgoRollouts,
        state,
        phase: status.phase,
        canary_share: weight.map(|w| Ratio(w / 100.0)),
        stable: status.stable,
        canary: status.current_pod_hash.filter(|_| !stable_only),
        failed_checks: None,
        message: status.message,
        observed,
    })
}
