//! `mlflow.delete_version`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::lookup::Number;
use super::outputs::Deleted;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Deletes one version of a registered model. Made for `cleanup`: what is not there
/// is no failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
    /// The version's number.
    version: Number,
}

pub(super) struct DeleteVersion;

impl Action for DeleteVersion {
    const NAME: &'static str = "mlflow.delete_version";
    type Params = Params;
    type Output = Deleted;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Deleted, Failure> {
        let client = Client::new(cx)?;
        let version = json!({ "name": params.model, "version": params.version.0 });
        client.delete("DELETE", "model-versions/delete", &version).await
    }
}
