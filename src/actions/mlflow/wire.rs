//! MLflow's JSON, as far as it is read. Empty lists are left out by the server, hence the defaults.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::outputs::{Dataset, Run, Version};
use crate::action::{Class, Failure};
use crate::value::Moment;

/// An answer of which nothing is read: MLflow gives `{}`.
#[derive(Deserialize)]
pub(super) struct Done {}

#[derive(Deserialize)]
pub(super) struct Pair {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

#[derive(Deserialize)]
pub(super) struct RunAnswer {
    pub run: RunRow,
}

#[derive(Deserialize)]
pub(super) struct RunsAnswer {
    #[serde(default)]
    pub runs: Vec<RunRow>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RunRow {
    pub info: RunInfo,
    #[serde(default)]
    data: RunData,
    #[serde(default)]
    inputs: RunInputs,
    #[serde(default)]
    outputs: RunOutputs,
}

#[derive(Deserialize)]
pub(super) struct RunInfo {
    pub run_id: String,
    #[serde(default)]
    run_name: String,
    pub experiment_id: String,
    status: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    start_time: i64,
    end_time: Option<i64>,
    #[serde(default)]
    artifact_uri: String,
    lifecycle_stage: String,
}

#[derive(Default, Deserialize)]
struct RunData {
    #[serde(default)]
    metrics: Vec<MetricRow>,
    #[serde(default)]
    params: Vec<Pair>,
    #[serde(default)]
    tags: Vec<Pair>,
}

#[derive(Deserialize)]
pub(super) struct MetricRow {
    pub key: String,
    pub value: Number,
    #[serde(default)]
    pub timestamp: i64,
    #[serde(default)]
    pub step: i64,
}

/// A metric's value: protocol buffers write what is no finite number as text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Finite(f64),
    Text(String),
}

impl Number {
    /// The number, or the word for what it is instead. MLflow's databases hold infinity as the largest number.
    pub(super) fn read(&self) -> Result<f64, String> {
        match self {
            Self::Finite(v) if *v == f64::MAX => Err("Infinity".to_owned()),
            Self::Finite(v) if *v == f64::MIN => Err("-Infinity".to_owned()),
            Self::Finite(v) => Ok(*v),
            Self::Text(word) => Err(word.clone()),
        }
    }
}

#[derive(Default, Deserialize)]
struct RunInputs {
    #[serde(default)]
    dataset_inputs: Vec<DatasetInput>,
}

#[derive(Deserialize)]
struct DatasetInput {
    #[serde(default)]
    tags: Vec<Pair>,
    dataset: DatasetRow,
}

#[derive(Deserialize)]
struct DatasetRow {
    name: String,
    digest: String,
    #[serde(default)]
    source_type: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    schema: String,
    #[serde(default)]
    profile: String,
}

#[derive(Default, Deserialize)]
struct RunOutputs {
    #[serde(default)]
    model_outputs: Vec<ModelOutput>,
}

#[derive(Deserialize)]
struct ModelOutput {
    model_id: String,
}

#[derive(Deserialize)]
pub(super) struct VersionAnswer {
    pub model_version: VersionRow,
}

#[derive(Deserialize)]
pub(super) struct VersionsAnswer {
    #[serde(default)]
    pub model_versions: Vec<VersionRow>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct VersionRow {
    name: String,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(default = "no_stage")]
    current_stage: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    run_id: String,
    status: String,
    #[serde(default)]
    tags: Vec<Pair>,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct ModelAnswer {
    pub registered_model: ModelRow,
}

#[derive(Deserialize)]
pub(super) struct ModelRow {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<Pair>,
    #[serde(default)]
    pub aliases: Vec<AliasRow>,
}

#[derive(Deserialize)]
pub(super) struct AliasRow {
    pub alias: String,
    pub version: String,
}

#[derive(Deserialize)]
pub(super) struct FilesAnswer {
    #[serde(default)]
    pub files: Vec<FileRow>,
    #[serde(default)]
    pub next_page_token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct FileRow {
    pub path: String,
    #[serde(default)]
    pub is_dir: bool,
    #[serde(default)]
    pub file_size: Option<u64>,
}

impl RunRow {
    /// The run as checks see it.
    ///
    /// # Errors
    /// Class `unreadable_answer` for a time outside the calendar.
    pub(super) fn read(self) -> Result<Run, Failure> {
        let mut metrics = BTreeMap::new();
        let mut not_finite = BTreeMap::new();
        for row in self.data.metrics {
            match row.value.read() {
                Ok(number) => drop(metrics.insert(row.key, number)),
                Err(word) => drop(not_finite.insert(row.key, word)),
            }
        }
        let tags = pairs(self.data.tags);
        Ok(Run {
            git_commit: tags.get("mlflow.source.git.commit").cloned(),
            run_id: self.info.run_id,
            name: self.info.run_name,
            experiment_id: self.info.experiment_id,
            status: self.info.status,
            deleted: self.info.lifecycle_stage == "deleted",
            user: self.info.user_id,
            started: moment(self.info.start_time)?,
            ended: self.info.end_time.filter(|t| *t != 0).map(moment).transpose()?,
            artifact_uri: self.info.artifact_uri,
            metrics,
            not_finite,
            params: pairs(self.data.params),
            tags,
            datasets: self
                .inputs
                .dataset_inputs
                .into_iter()
                .map(DatasetInput::read)
                .collect(),
            logged_models: self
                .outputs
                .model_outputs
                .into_iter()
                .map(|m| m.model_id)
                .collect(),
        })
    }
}

impl DatasetInput {
    /// Source, schema and profile are JSON in a text; what is not JSON stays text.
    fn read(self) -> Dataset {
        let source = embedded(self.dataset.source);
        let schema = embedded(self.dataset.schema);
        let profile = embedded(self.dataset.profile);
        Dataset {
            name: self.dataset.name,
            digest: self.dataset.digest,
            source_type: self.dataset.source_type,
            uri: ["uri", "url", "path"]
                .iter()
                .find_map(|k| source[k].as_str())
                .map(str::to_owned),
            source,
            context: self
                .tags
                .into_iter()
                .find(|t| t.key == "mlflow.data.context")
                .map(|t| t.value),
            columns: schema["mlflow_colspec"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|c| c["name"].as_str().map(str::to_owned))
                .collect(),
            rows: profile["num_rows"].as_u64(),
        }
    }
}

impl VersionRow {
    /// The version as checks see it.
    ///
    /// # Errors
    /// Class `unreadable_answer` for a time outside the calendar.
    pub(super) fn read(self) -> Result<Version, Failure> {
        let mut aliases = self.aliases;
        aliases.sort();
        Ok(Version {
            model: self.name,
            version: self.version,
            stage: self.current_stage,
            status: self.status,
            run_id: Some(self.run_id).filter(|id| !id.is_empty()),
            logged_model: self
                .source
                .strip_prefix("models:/")
                .filter(|id| id.starts_with("m-") && !id.contains('/'))
                .map(str::to_owned),
            source: self.source,
            description: self.description,
            tags: pairs(self.tags),
            aliases,
            created: moment(self.creation_timestamp)?,
            updated: moment(self.last_updated_timestamp)?,
        })
    }
}

pub(super) fn pairs(rows: Vec<Pair>) -> BTreeMap<String, String> {
    rows.into_iter().map(|p| (p.key, p.value)).collect()
}

/// MLflow's times are milliseconds since 1970.
///
/// # Errors
/// Class `unreadable_answer` when there is no such day.
pub(super) fn moment(milliseconds: i64) -> Result<Moment, Failure> {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(Moment)
        .map_err(|_| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("MLflow gave the time {milliseconds} ms, which no calendar has"),
            )
        })
}

fn embedded(text: String) -> Json {
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

fn no_stage() -> String {
    "None".to_owned()
}
