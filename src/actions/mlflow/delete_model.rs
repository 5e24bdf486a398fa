//! `mlflow.delete_model`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::outputs::Deleted;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Deletes a registered model with all its versions and aliases. Made for `cleanup`: what is not there
/// is no failure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
}

pub(super) struct DeleteModel;

impl Action for DeleteModel {
    const NAME: &'static str = "mlflow.delete_model";
    type Params = Params;
    type Output = Deleted;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Deleted, Failure> {
        let client = Client::new(cx)?;
        client
            .delete(
                "DELETE",
                "registered-models/delete",
                &json!({ "name": params.model }),
            )
            .await
    }
}
