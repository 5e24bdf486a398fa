//! `mlflow.promote`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::lookup::{self, Number};
use super::outputs::Version;
use super::set_tags;
use super::wire::{Done, VersionAnswer};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Promotes a version of a registered model: sets its tags, moves it to a stage, points an alias at it, in this
/// order, and reads back what came of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
    /// The version's number.
    version: Number,
    /// The stage to move it to.
    #[serde(default)]
    stage: Option<Stage>,
    /// The alias to point at it.
    #[serde(default)]
    alias: Option<String>,
    /// Tags to set on it.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// Whether versions that are in the stage now go to `Archived`.
    #[serde(default = "yes")]
    archive_existing: bool,
}

/// A stage of MLflow's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Stage {
    None,
    Staging,
    Production,
    Archived,
}

/// What came of it, as MLflow says afterwards.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Promoted {
    /// The version that was promoted.
    version: Version,
    /// The version the alias pointed at before, when it was another one.
    previous: Option<String>,
    /// Versions that were in the stage before and are archived now.
    archived: Vec<String>,
}

pub(super) struct Promote;

impl Action for Promote {
    const NAME: &'static str = "mlflow.promote";
    type Params = Params;
    type Output = Promoted;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let problem = |key: &str, message: String, help: &str| ParamProblem {
            pointer: if key.is_empty() {
                String::new()
            } else {
                format!("/{key}")
            },
            key: None,
            message,
            help: Some(help.to_owned()),
        };
        let mut problems = Vec::new();
        if ["stage", "alias"].iter().all(|k| params.get(k).is_none()) {
            problems.push(problem(
                "",
                "a promotion needs a `stage` or an `alias`".to_owned(),
                "to set tags only, use mlflow.set_tags",
            ));
        }
        if params.get("archive_existing").is_some() && params.get("stage").is_none() {
            problems.push(problem(
                "archive_existing",
                "`archive_existing` means nothing without a `stage`".to_owned(),
                "an alias moves by itself: it points at one version only",
            ));
        }
        if let Some(alias) = params.get("alias").and_then(Json::as_str).filter(|a| reserved(a)) {
            problems.push(problem(
                "alias",
                format!("MLflow keeps the alias `{alias}` for itself"),
                "any name but `latest` and `v1`, `v2`, ... will do",
            ));
        }
        problems
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Promoted, Failure> {
        let client = Client::new(cx)?;
        let (model, number) = (params.model.as_str(), params.version.0.as_str());
        let previous = match &params.alias {
            Some(alias) => match lookup::aliased(&client, model, alias).await {
                Ok(version) => Some(version.version).filter(|v| v != number),
                Err(none) if none.class == Class::NotFound => None,
                Err(other) => return Err(other),
            },
            None => None,
        };
        let target = json!({ "name": model, "version": number });
        set_tags::set(&client, "model-versions/set-tag", &target, &params.tags).await?;
        let mut archived = Vec::new();
        if let Some(stage) = params.stage {
            let before = in_stage(&client, model, stage).await?;
            let mut body = target.clone();
            body["stage"] = json!(stage);
            // MLflow refuses to archive when the stage is one that nobody serves from.
            let serving = matches!(stage, Stage::Staging | Stage::Production);
            body["archive_existing_versions"] = json!(params.archive_existing && serving);
            client
                .post::<VersionAnswer>("model-versions/transition-stage", &body)
                .await?;
            for other in before.into_iter().filter(|v| v != number) {
                if lookup::version(&client, model, &other).await?.stage == "Archived" {
                    archived.push(other);
                }
            }
        }
        if let Some(alias) = &params.alias {
            let body = json!({ "name": model, "alias": alias, "version": number });
            client.post::<Done>("registered-models/alias", &body).await?;
        }
        Ok(Promoted {
            version: lookup::version(&client, model, number).await?,
            previous,
            archived,
        })
    }
}

/// Numbers of the versions that are in a stage.
async fn in_stage(client: &Client<'_>, model: &str, stage: Stage) -> Result<Vec<String>, Failure> {
    let filter = format!("name={}", lookup::quoted(model)?);
    let stage = json!(stage);
    let all = lookup::versions(client, &filter, None).await?;
    Ok(all
        .into_iter()
        .filter(|v| stage == v.stage)
        .map(|v| v.version)
        .collect())
}

/// Aliases MLflow refuses: `latest`, and `v` with a number.
fn reserved(alias: &str) -> bool {
    alias == "latest"
        || alias
            .strip_prefix('v')
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn yes() -> bool {
    true
}
