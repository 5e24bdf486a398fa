//! `mlflow.get_experiment`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::wire::{Pair, pairs};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads one experiment by its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The experiment's name.
    name: String,
}

/// An experiment: a folder of runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Experiment {
    /// The id MLflow gave it.
    pub experiment_id: String,
    /// Its name.
    pub name: String,
    /// Whether it was deleted: MLflow keeps deleted experiments and still gives them.
    pub deleted: bool,
    /// Where the files of its runs are kept.
    pub artifact_location: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

pub(super) struct GetExperiment;

impl Action for GetExperiment {
    const NAME: &'static str = "mlflow.get_experiment";
    type Params = Params;
    type Output = Experiment;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Experiment, Failure> {
        by_name(&Client::new(cx)?, &params.name).await
    }
}

/// The experiment with this name.
pub(super) async fn by_name(client: &Client<'_>, name: &str) -> Result<Experiment, Failure> {
    let row = client
        .get::<Answer>("experiments/get-by-name", &[("experiment_name", name)])
        .await?
        .experiment;
    Ok(Experiment {
        experiment_id: row.experiment_id,
        name: row.name,
        deleted: row.lifecycle_stage == "deleted",
        artifact_location: row.artifact_location,
        tags: pairs(row.tags),
    })
}

#[derive(Deserialize)]
struct Answer {
    experiment: Row,
}

#[derive(Deserialize)]
struct Row {
    experiment_id: String,
    name: String,
    lifecycle_stage: String,
    #[serde(default)]
    artifact_location: String,
    #[serde(default)]
    tags: Vec<Pair>,
}
