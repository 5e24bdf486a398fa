//! `mlflow.delete_run`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::outputs::Deleted;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Deletes a run: MLflow marks it, and keeps it until its garbage collection. Made for `cleanup`: what is not there
/// is no failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
}

pub(super) struct DeleteRun;

impl Action for DeleteRun {
    const NAME: &'static str = "mlflow.delete_run";
    type Params = Params;
    type Output = Deleted;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Deleted, Failure> {
        let client = Client::new(cx)?;
        client
            .delete("POST", "runs/delete", &json!({ "run_id": params.run_id }))
            .await
    }
}
