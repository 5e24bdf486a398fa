//! The API's JSON, as far as it is read, and the runs that checks see. Empty lists are left out by the server.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::action::{Class, Failure};
use crate::value::Moment;

/// States that no later one follows.
const FINAL: [&str; 4] = ["SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"];

/// An answer of which nothing is read.
#[derive(Deserialize)]
pub(super) struct Done {}

#[derive(Deserialize)]
pub(super) struct Experiments {
    #[serde(default)]
    pub experiments: Vec<Experiment>,
}

#[derive(Deserialize)]
pub(super) struct Experiment {
    pub experiment_id: String,
    #[serde(default)]
    pub display_name: String,
}

#[derive(Deserialize)]
pub(super) struct RunsRow {
    #[serde(default)]
    pub runs: Vec<RunRow>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RunRow {
    run_id: String,
    #[serde(default)]
    experiment_id: String,
    #[serde(default)]
    display_name: String,
    /// Left out until the server has looked at the run.
    #[serde(default = "unspecified")]
    state: String,
    created_at: Option<String>,
    finished_at: Option<String>,
    error: Option<ErrorRow>,
    runtime_config: Option<RuntimeConfig>,
    run_details: Option<Details>,
}

#[derive(Deserialize)]
struct ErrorRow {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct RuntimeConfig {
    #[serde(default)]
    parameters: Map<String, Json>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    task_details: Vec<TaskRow>,
}

#[derive(Deserialize)]
struct TaskRow {
    #[serde(default)]
    display_name: String,
    #[serde(default = "unspecified")]
    state: String,
    start_time: Option<String>,
    end_time: Option<String>,
    error: Option<ErrorRow>,
    #[serde(default)]
    outputs: BTreeMap<String, Ids>,
}

#[derive(Deserialize)]
struct Ids {
    #[serde(default)]
    artifact_ids: Vec<String>,
}

/// A run on an API server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RemoteRun {
    /// Its id.
    pub run_id: String,
    /// Its name, for people.
    pub name: String,
    /// The experiment it belongs to.
    pub experiment_id: String,
    /// `PENDING`, `RUNNING`, `SUCCEEDED`, `SKIPPED`, `FAILED`, `CANCELING`, `CANCELED`, `PAUSED`, or
    /// `RUNTIME_STATE_UNSPECIFIED` while the server has not looked at it.
    pub state: String,
    /// When it was submitted.
    pub created: Option<Moment>,
    /// When it ended; nothing while it runs.
    pub finished: Option<Moment>,
    /// Why it failed; empty when it did not.
    pub error: String,
    /// What it was given.
    pub parameters: Map<String, Json>,
    /// Its steps, in the order of the server.
    pub steps: Vec<RemoteStep>,
}

/// A step of a run on an API server.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RemoteStep {
    /// Its name; the server lists the pipeline itself (`root`) and its drivers too.
    pub name: String,
    /// As of the run.
    pub state: String,
    /// When it started.
    pub started: Option<Moment>,
    /// When it ended.
    pub finished: Option<Moment>,
    /// Why it failed; empty when it did not.
    pub error: String,
    /// The ids of its artifacts, by the name of the output.
    pub artifacts: BTreeMap<String, Vec<String>>,
}

impl RunRow {
    /// # Errors
    /// Class `unreadable_answer` for a time that is none, and for a run without an id.
    pub(super) fn read(self) -> Result<RemoteRun, Failure> {
        if self.run_id.is_empty() {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the API server gives a run without an id",
            ));
        }
        let tasks = self.run_details.map(|d| d.task_details).unwrap_or_default();
        Ok(RemoteRun {
            run_id: self.run_id,
            name: self.display_name,
            experiment_id: self.experiment_id,
            state: self.state,
            created: moment(self.created_at)?,
            finished: moment(self.finished_at)?,
            error: self.error.map(|e| e.message).unwrap_or_default(),
            parameters: self.runtime_config.map(|c| c.parameters).unwrap_or_default(),
            steps: tasks.into_iter().map(TaskRow::read).collect::<Result<_, _>>()?,
        })
    }
}

impl TaskRow {
    fn read(self) -> Result<RemoteStep, Failure> {
        Ok(RemoteStep {
            name: self.display_name,
            state: self.state,
            started: moment(self.start_time)?,
            finished: moment(self.end_time)?,
            error: self.error.map(|e| e.message).unwrap_or_default(),
            artifacts: self
                .outputs
                .into_iter()
                .map(|(name, ids)| (name, ids.artifact_ids))
                .collect(),
        })
    }
}

impl RemoteRun {
    /// Whether no other state follows.
    pub(super) fn ended(&self) -> bool {
        FINAL.contains(&self.state.as_str())
    }

    /// The states of its steps, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let step = |s: &RemoteStep| match s.error.as_str() {
            "" => format!("{}: {}", s.name, s.state),
            error => format!("{}: {}: {error}", s.name, s.state),
        };
        self.steps.iter().map(step).collect()
    }
}

/// A time; a run that has not ended has the first moment of 1970.
fn moment(text: Option<String>) -> Result<Option<Moment>, Failure> {
    let Some(text) =
        text.filter(|t| !t.is_empty() && !t.starts_with("1970-01-01T00:00:00") && !t.starts_with("0001-"))
    else {
        return Ok(None);
    };
    let at = text.parse::<jiff::Timestamp>();
    at.map(|t| Some(Moment(t))).map_err(|e| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("the API server gives `{text}` as a time: {e}"),
        )
    })
}

fn unspecified() -> String {
    "RUNTIME_STATE_UNSPECIFIED".to_owned()
}
