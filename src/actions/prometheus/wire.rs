//! Prometheus' JSON, as far as it is read. Versions add keys, so unknown ones are passed over.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value as Json;

use super::measured::Labels;

/// A moment in seconds, and the text of a number.
pub(super) type Point = (f64, String);

/// What an instant query gives: the kind decides the form of the result.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Instant {
    pub result_type: String,
    pub result: Json,
}

#[derive(Deserialize)]
pub(super) struct VectorRow {
    pub metric: Labels,
    /// Missing in a row that is a native histogram.
    pub value: Option<Point>,
}

/// What a range query gives.
#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Ranged {
    Matrix(Vec<MatrixRow>),
}

#[derive(Deserialize)]
pub(super) struct MatrixRow {
    pub metric: Labels,
    #[serde(default)]
    pub values: Vec<Point>,
    /// There when the row is a native histogram.
    #[serde(default)]
    pub histograms: Vec<Json>,
}

#[derive(Deserialize)]
pub(super) struct RuleGroups {
    pub groups: Vec<GroupRow>,
}

#[derive(Deserialize)]
pub(super) struct GroupRow {
    pub name: String,
    /// Seconds.
    pub interval: f64,
    pub rules: Vec<RuleRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RuleRow {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub query: String,
    pub health: String,
    #[serde(default)]
    pub last_error: String,
    pub last_evaluation: Option<Timestamp>,
    pub state: Option<String>,
    /// Seconds.
    #[serde(default)]
    pub duration: f64,
    #[serde(default)]
    pub labels: Labels,
    #[serde(default)]
    pub alerts: Vec<AlertRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertRow {
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Labels,
    pub state: String,
    pub active_at: Option<Timestamp>,
    pub value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetRows {
    pub active_targets: Vec<TargetRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TargetRow {
    pub labels: Labels,
    pub scrape_url: String,
    #[serde(default)]
    pub last_error: String,
    pub last_scrape: Option<Timestamp>,
    pub health: String,
    /// `15s`; older versions leave it out.
    pub scrape_interval: Option<String>,
}

/// Go's zero time stands for "never".
pub(super) fn ever(at: Option<Timestamp>) -> Option<Timestamp> {
    at.filter(|at| at.as_second() > 0)
}
