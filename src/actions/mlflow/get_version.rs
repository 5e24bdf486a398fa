//! `mlflow.get_version`

use schemars::JsonSchema;
use serde::Deserialize;

use super::client::Client;
use super::lookup::{self, Number};
use super::outputs::Version;
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Reads one version of a registered model, by its number or by an alias. An alias that does not exist is
/// `not_found`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
    /// The version's number; this or `alias`.
    #[serde(default)]
    version: Option<Number>,
    /// The alias that points at the version; this or `version`.
    #[serde(default)]
    alias: Option<String>,
}

pub(super) struct GetVersion;

impl Action for GetVersion {
    const NAME: &'static str = "mlflow.get_version";
    type Params = Params;
    type Output = Version;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        lookup::one_of(params, &["version", "alias"])
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Version, Failure> {
        let client = Client::new(cx)?;
        lookup::named(
            &client,
            &params.model,
            params.version.as_ref(),
            params.alias.as_deref(),
        )
        .await
    }
}
