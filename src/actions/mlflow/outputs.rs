//! What several actions give: runs, versions, data sets, in the form that checks refer to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::value::Moment;

/// A training run.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Run {
    /// The id MLflow gave it.
    pub run_id: String,
    /// Its name, for people.
    pub name: String,
    /// The experiment it belongs to.
    pub experiment_id: String,
    /// `RUNNING`, `SCHEDULED`, `FINISHED`, `FAILED` or `KILLED`.
    pub status: String,
    /// Whether it was deleted: MLflow keeps deleted runs and still gives them.
    pub deleted: bool,
    /// Who started it, as the client said.
    pub user: String,
    /// When it started.
    pub started: Moment,
    /// When it ended; nothing while it runs.
    pub ended: Option<Moment>,
    /// Where its files are, as MLflow names it.
    pub artifact_uri: String,
    /// The last value of each metric that is a number.
    pub metrics: BTreeMap<String, f64>,
    /// Metrics whose last value is no finite number: `NaN`, `Infinity` or `-Infinity`.
    pub not_finite: BTreeMap<String, String>,
    /// Parameters, always text.
    pub params: BTreeMap<String, String>,
    /// Tags, MLflow's own (`mlflow.`...) among them.
    pub tags: BTreeMap<String, String>,
    /// The data sets it used.
    pub datasets: Vec<Dataset>,
    /// Ids of the models it logged (MLflow 3); their files are not among the run's.
    pub logged_models: Vec<String>,
    /// The commit of the code, from the tag `mlflow.source.git.commit`.
    pub git_commit: Option<String>,
}

/// A data set as a run logged it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Dataset {
    /// Its name.
    pub name: String,
    /// The digest of its content, as the client that logged it computed it.
    pub digest: String,
    /// What kind of place it came from: `s3`, `http`, `local`, `code`, ...
    pub source_type: String,
    /// Where it came from: the JSON that MLflow keeps as text, read.
    pub source: Json,
    /// The address in the source, when it has one.
    pub uri: Option<String>,
    /// What the run used it for: `training`, `eval`, ...
    pub context: Option<String>,
    /// Names of its columns, when its schema has some.
    pub columns: Vec<String>,
    /// How many rows it has, when its profile says so.
    pub rows: Option<u64>,
}

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Version {
    /// The model's name.
    pub model: String,
    /// The version, as text: `3`.
    pub version: String,
    /// `None`, `Staging`, `Production` or `Archived`.
    pub stage: String,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    pub status: String,
    /// The run it came from.
    pub run_id: Option<String>,
    /// Where its files are: `models:/m-...`, `runs:/...` or an address.
    pub source: String,
    /// The logged model it was made from (MLflow 3).
    pub logged_model: Option<String>,
    /// The description, empty when there is none.
    pub description: String,
    /// The version's tags.
    pub tags: BTreeMap<String, String>,
    /// The aliases that point at it, in alphabetical order.
    pub aliases: Vec<String>,
    /// When it was registered.
    pub created: Moment,
    /// When its stage or description last changed; tags and aliases do not move it.
    pub updated: Moment,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// Whether it was there.
    pub deleted: bool,
}
