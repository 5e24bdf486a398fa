//! Flagger's `Canary`.

use serde::Deserialize;

use super::super::object::Object;
use super::{Reading, State, Tool};
use crate::action::Failure;
use crate::value::Ratio;

pub(super) const KIND: (&str, &str) = ("Canary", "flagger.app");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    phase: String,
    #[serde(default)]
    canary_weight: f64,
    #[serde(default)]
    failed_checks: u64,
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

pub(super) fn read(object: &Object) -> Result<Reading, Failure> {
    let status: Status = object.part("status", &object.status)?;
    let state = match status.phase.as_str() {
        "Initialized" => State::Idle,
        "Initializing" | "Progressing" | "Promoting" | "Finalising" => State::Progressing,
        "Waiting" | "WaitingPromotion" => State::Paused,
        "Succeeded" => State::Promoted,
        "Failed" if status.canary_weight == 0.0 => State::RolledBack,
        "Failed" | "Terminating" | "Terminated" => State::Failed,
        _ => State::Unknown,
    };
    let promoted = status.conditions.into_iter().find(|c| c.kind == "Promoted");
    Ok(Reading {
        tool: Tool::Flagger,
        state,
        phase: status.phase,
        canary_share: Some(Ratio(status.canary_weight / 100.0)),
        stable: None,
        canary: None,
        failed_checks: Some(status.failed_checks),
        message: promoted.map(|c| c.message).unwrap_or_default(),
        // Flagger does not say which generation its status is of.
        observed: None,
    })
}
