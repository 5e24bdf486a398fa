//! `mlflow.set_tags`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::lookup::{self, Number};
use super::wire::{Done, pairs};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Sets tags on a run, on a registered model, or on one version of it; tags that are not named stay as they are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run to tag; this or `model`.
    #[serde(default)]
    run_id: Option<String>,
    /// The registered model to tag; this or `run_id`.
    #[serde(default)]
    model: Option<String>,
    /// The version of the model to tag; without it the model itself is tagged.
    #[serde(default)]
    version: Option<Number>,
    /// The tags.
    #[schemars(length(min = 1))]
    tags: BTreeMap<String, String>,
}

/// The tags, read back.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tagged {
    /// All tags it has now.
    tags: BTreeMap<String, String>,
}

pub(super) struct SetTags;

impl Action for SetTags {
    const NAME: &'static str = "mlflow.set_tags";
    type Params = Params;
    type Output = Tagged;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut problems = lookup::one_of(params, &["run_id", "model"]);
        if params.get("version").is_some() && params.get("model").is_none() {
            problems.push(ParamProblem {
                pointer: "/version".to_owned(),
                key: Some("version".to_owned()),
                message: "`version` needs the `model` it is a version of".to_owned(),
                help: None,
            });
        }
        problems
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Tagged, Failure> {
        let client = Client::new(cx)?;
        let (call, target) = match (&params.run_id, &params.model, &params.version) {
            (Some(run), _, _) => ("runs/set-tag", json!({ "run_id": run })),
            (None, Some(model), None) => ("registered-models/set-tag", json!({ "name": model })),
            (None, Some(model), Some(Number(version))) => (
                "model-versions/set-tag",
                json!({ "name": model, "version": version }),
            ),
            (None, None, _) => {
                return Err(Failure::new(
                    crate::action::Class::BadParameter,
                    "give either `run_id` or `model`",
                ));
            }
        };
        set(&client, call, &target, &params.tags).await?;
        let tags = match (&params.run_id, &params.model, &params.version) {
            (Some(run), _, _) => lookup::run(&client, run).await?.tags,
            (_, Some(model), Some(Number(version))) => lookup::version(&client, model, version).await?.tags,
            (_, model, _) => pairs(
                lookup::model(&client, model.as_deref().unwrap_or_default())
                    .await?
                    .tags,
            ),
        };
        Ok(Tagged { tags })
    }
}

/// Sets tags one after the other, as MLflow's API has it.
pub(super) async fn set(
    client: &Client<'_>,
    call: &str,
    target: &Json,
    tags: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    for (key, value) in tags {
        let mut body = target.clone();
        body["key"] = json!(key);
        body["value"] = json!(value);
        client.post::<Done>(call, &body).await?;
    }
    Ok(())
}
