//! `mlflow.register`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::lookup;
use super::outputs::{Run, Version};
use super::wire::VersionAnswer;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// Registers what a run logged as a new version of a model, and waits until MLflow calls it `READY`. The model is
/// made when it does not exist.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name; start it with `${{ run.prefix }}` when the spec makes it.
    model: String,
    /// The run it comes from.
    run_id: String,
    /// The logged model to take, when the run logged several (MLflow 3).
    #[serde(default)]
    logged_model: Option<String>,
    /// The folder among the run's files that holds the model, when the run has no logged models (MLflow 2).
    #[serde(default = "model_folder")]
    path: String,
    /// What people read about the version.
    #[serde(default)]
    description: Option<String>,
    /// Tags of the version.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

pub(super) struct Register;

impl Action for Register {
    const NAME: &'static str = "mlflow.register";
    type Params = Params;
    type Output = Version;
    /// Each time makes another version.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Version, Failure> {
        let client = Client::new(cx)?;
        let run = lookup::run(&client, &params.run_id).await?;
        let mut body = source(&run, &params)?;
        match client
            .post::<Json>("registered-models/create", &json!({ "name": params.model }))
            .await
        {
            Ok(_) => {}
            Err(there) if there.class == Class::Conflict => {}
            Err(other) => return Err(other),
        }
        body["name"] = json!(params.model);
        body["run_id"] = json!(params.run_id);
        body["tags"] = lookup::key_values(&params.tags);
        if let Some(description) = &params.description {
            body["description"] = json!(description);
        }
        let made = client
            .post::<VersionAnswer>("model-versions/create", &body)
            .await?
            .model_version
            .read()?;
        ready(&client, cx, made).await
    }
}

/// Where the version's files are: MLflow 3 keeps models beside their run, MLflow 2 among the run's files.
fn source(run: &Run, params: &Params) -> Result<Json, Failure> {
    let id = match (&params.logged_model, run.logged_models.as_slice()) {
        (Some(id), known) if known.contains(id) => Some(id),
        (Some(id), _) => {
            return Err(Failure::new(
                Class::BadParameter,
                format!("run {} did not log the model {id}", run.run_id),
            )
            .help(format!("it logged {}", list(&run.logged_models))));
        }
        (None, []) => None,
        (None, [one]) => Some(one),
        (None, several) => {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "run {} logged {} models: which one is meant?",
                    run.run_id,
                    several.len()
                ),
            )
            .help(format!("name one as `logged_model`: {}", list(several))));
        }
    };
    Ok(match id {
        Some(id) => json!({ "source": format!("models:/{id}"), "model_id": id }),
        None => json!({ "source": format!("{}/{}", run.artifact_uri, params.path) }),
    })
}

/// Waits until the registry has taken the version in.
async fn ready(client: &Client<'_>, cx: &Context, mut version: Version) -> Result<Version, Failure> {
    loop {
        match version.status.as_str() {
            "READY" => return Ok(version),
            "FAILED_REGISTRATION" => {
                return Err(Failure::new(
                    Class::Invalid,
                    format!(
                        "MLflow could not register {} version {}",
                        version.model, version.version
                    ),
                ));
            }
            status if Instant::now() >= cx.deadline => {
                return Err(Failure::new(
                    Class::Timeout,
                    format!("{} version {} is still {status}", version.model, version.version),
                ));
            }
            _ => {}
        }
        tokio::select! {
            () = cx.cancel.cancelled() => return Err(Failure::new(Class::Cancelled, "the run was stopped")),
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
        version = lookup::version(client, &version.model, &version.version).await?;
    }
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() {
        "none".to_owned()
    } else {
        ids.join(", ")
    }
}

fn model_folder() -> String {
    "model".to_owned()
}
