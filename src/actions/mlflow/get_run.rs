//! `mlflow.get_run`

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::Client;
use super::lookup;
use super::outputs::Run;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads one run: status, metrics, parameters, tags, data sets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
}

pub(super) struct GetRun;

impl Action for GetRun {
    const NAME: &'static str = "mlflow.get_run";
    type Params = Params;
    type Output = Run;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Run, Failure> {
        lookup::run(&Client::new(cx)?, &params.run_id).await
    }
}
