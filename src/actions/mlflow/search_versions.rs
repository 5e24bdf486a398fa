//! `mlflow.search_versions`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::lookup;
use super::outputs::Version;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Searches versions of registered models: those that fit all that is given. No version is no failure: check
/// `count`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Only versions of this model.
    #[serde(default)]
    model: Option<String>,
    /// Only versions that came from this run.
    #[serde(default)]
    run_id: Option<String>,
    /// Only versions with these tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// How many of the first versions are enough; without it more than 1000 are an error.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

/// The versions that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The versions, with their aliases.
    versions: Vec<Version>,
    /// How many there are.
    count: usize,
}

pub(super) struct SearchVersions;

impl Action for SearchVersions {
    const NAME: &'static str = "mlflow.search_versions";
    type Params = Params;
    type Output = Found;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Found, Failure> {
        let client = Client::new(cx)?;
        let mut parts = Vec::new();
        if let Some(model) = &params.model {
            parts.push(format!("name={}", lookup::quoted(model)?));
        }
        if let Some(run) = &params.run_id {
            parts.push(format!("run_id={}", lookup::quoted(run)?));
        }
        for (key, value) in &params.tags {
            parts.push(format!("tags.`{key}`={}", lookup::quoted(value)?));
        }
        let versions = lookup::versions(&client, &parts.join(" and "), params.limit).await?;
        Ok(Found {
            count: versions.len(),
            versions,
        })
    }
}
