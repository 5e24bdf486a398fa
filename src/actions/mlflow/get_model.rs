//! `mlflow.get_model`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::lookup;
use super::outputs::Version;
use super::wire::pairs;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads a registered model with its aliases and all its versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
}

/// A registered model.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Model {
    /// Its name.
    model: String,
    /// The description, empty when there is none.
    description: String,
    /// The model's own tags.
    tags: BTreeMap<String, String>,
    /// The version each alias points at.
    aliases: BTreeMap<String, String>,
    /// Its versions, the newest first.
    versions: Vec<Version>,
}

pub(super) struct GetModel;

impl Action for GetModel {
    const NAME: &'static str = "mlflow.get_model";
    type Params = Params;
    type Output = Model;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Model, Failure> {
        let client = Client::new(cx)?;
        let row = lookup::model(&client, &params.model).await?;
        let filter = format!("name={}", lookup::quoted(&params.model)?);
        let mut versions = lookup::versions(&client, &filter, None).await?;
        versions.sort_by_key(|v| std::cmp::Reverse(v.version.parse::<u64>().unwrap_or(0)));
        Ok(Model {
            model: row.name,
            description: row.description,
            tags: pairs(row.tags),
            aliases: row.aliases.into_iter().map(|a| (a.alias, a.version)).collect(),
            versions,
        })
    }
}
