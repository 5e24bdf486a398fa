//! Alerts as Alertmanager has them, and which of them a step means.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Moment;

/// Labels or annotations.
pub type Labels = BTreeMap<String, String>;

/// An alert that Alertmanager has and that is not resolved.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alert {
    /// The label `alertname`.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// `active`; `suppressed` when it is silenced, inhibited or muted; `unprocessed` at first.
    pub state: String,
    /// Ids of the silences that keep it from notifying.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that keep it from notifying.
    pub inhibited_by: Vec<String>,
    /// Time intervals that keep it from notifying (Alertmanager 0.28 and later).
    pub muted_by: Vec<String>,
    /// The receivers it is routed to.
    pub receivers: Vec<String>,
    /// Since when it has fired; the time it was pending is not included.
    pub starts_at: Moment,
    /// When it counts as resolved unless it is sent again.
    pub ends_at: Moment,
    /// What its labels make it known by.
    pub fingerprint: String,
}

/// Alertmanager's JSON of an alert.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    status: Status,
    receivers: Vec<Receiver>,
    starts_at: jiff::Timestamp,
    ends_at: jiff::Timestamp,
    fingerprint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    state: String,
    #[serde(default)]
    silenced_by: Vec<String>,
    #[serde(default)]
    inhibited_by: Vec<String>,
    #[serde(default)]
    muted_by: Vec<String>,
}

#[derive(Deserialize)]
struct Receiver {
    name: String,
}

impl From<Row> for Alert {
    fn from(row: Row) -> Self {
        Self {
            name: row.labels.get("alertname").cloned().unwrap_or_default(),
            labels: row.labels,
            annotations: row.annotations,
            state: row.status.state,
            silenced_by: row.status.silenced_by,
            inhibited_by: row.status.inhibited_by,
            muted_by: row.status.muted_by,
            receivers: row.receivers.into_iter().map(|r| r.name).collect(),
            starts_at: Moment(row.starts_at),
            ends_at: Moment(row.ends_at),
            fingerprint: row.fingerprint,
        }
    }
}

impl Alert {
    /// Whether it is of this name, has these labels and goes to this receiver; what is not given is not asked.
    pub fn fits(&self, name: Option<&str>, labels: &Labels, receiver: Option<&str>) -> bool {
        name.is_none_or(|name| name == self.name)
            && labels.iter().all(|(k, v)| self.labels.get(k) == Some(v))
            && receiver.is_none_or(|wanted| self.receivers.iter().any(|r| r == wanted))
    }
}
