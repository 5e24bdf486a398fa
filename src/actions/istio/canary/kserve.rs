//! KServe's `InferenceService` in its Knative mode, where a canary is a share of the traffic of one predictor.

use serde::Deserialize;

use super::super::object::Object;
use super::{Reading, State, Tool};
use crate::action::Failure;
use crate::value::Ratio;

pub(super) const KIND: (&str, &str) = ("InferenceService", "serving.kserve.io");

#[derive(Deserialize)]
struct Spec {
    predictor: PredictorSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PredictorSpec {
    canary_traffic_percent: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    observed_generation: Option<i64>,
    components: Components,
}

#[derive(Deserialize)]
struct Components {
    predictor: Predictor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predictor {
    #[serde(default)]
    traffic: Vec<Traffic>,
    latest_created_revision: Option<String>,
    latest_ready_revision: Option<String>,
    latest_rolledout_revision: Option<String>,
    previous_rolledout_revision: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traffic {
    revision_name: Option<String>,
    #[serde(default)]
    percent: f64,
    #[serde(default)]
    latest_revision: bool,
}

pub(super) fn read(object: &Object) -> Result<Reading, Failure> {
    let spec: Spec = object.part("spec", &object.spec)?;
    let status: Status = object.part("status", &object.status)?;
    let predictor = status.components.predictor;
    if predictor.traffic.is_empty() {
        return Err(
            object.odd("`status.components.predictor.traffic` is empty, as in the raw deployment mode")
        );
    }
    let latest = predictor.latest_ready_revision;
    let to_latest = predictor
        .traffic
        .iter()
        .filter(|t| t.latest_revision || (latest.is_some() && t.revision_name == latest))
        .map(|t| t.percent)
        .sum::<f64>();
    let wanted = spec.predictor.canary_traffic_percent.unwrap_or(100.0);
    // Until the newest revision is ready, everything goes to the one before, which then still is the latest that is ready.
    let created = predictor.latest_created_revision;
    let waits = created.is_some() && created != latest;
    let state = match wanted {
        0.0 if to_latest == wanted => State::RolledBack,
        100.0 if to_latest == wanted && !waits => State::Promoted,
        _ => State::Progressing,
    };
    let stable = if to_latest < 100.0 {
        // While a canary is out, the revision that was rolled out last is the stable one.
        predictor
            .latest_rolledout_revision
            .filter(|r| Some(r) != latest.as_ref())
            .or(predictor.previous_rolledout_revision)
    } else {
        latest.clone()
    };
    Ok(Reading {
        tool: Tool::Kserve,
        state,
        phase: format!("{to_latest}% to the latest revision, {wanted}% wanted"),
        canary_share: Some(Ratio(to_latest / 100.0)),
        stable,
        message: match &created {
            Some(created) if waits => format!("the revision {created} is not ready"),
            _ => String::new(),
        },
        canary: latest.filter(|_| to_latest < 100.0),
        failed_checks: None,
        observed: status.observed_generation,
    })
}
