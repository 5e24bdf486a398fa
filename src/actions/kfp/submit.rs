//! `kfp.submit`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::client::{Client, id};
use super::ir::Ir;
use super::wire::{RemoteRun, RunRow};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// The largest compiled pipeline.
const LARGEST: u64 = 16 << 20;

/// Starts a run on an API server: of a compiled pipeline, or of a version the server has. It does not wait: `kfp.wait`
/// does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The compiled pipeline, relative to the spec's folder: `${{ compiled.path }}`. This, or `pipeline_id`.
    #[serde(default)]
    file: Option<String>,
    /// The id of a pipeline the server has; with `version_id`.
    #[serde(default)]
    pipeline_id: Option<String>,
    /// The id of its version.
    #[serde(default)]
    version_id: Option<String>,
    /// The experiment, by name; it must exist.
    #[serde(default = "usual")]
    experiment: String,
    /// The namespace of the experiment, on a server with several.
    #[serde(default)]
    namespace: Option<String>,
    /// The run's name; without it the prefix of this run of specrun.
    #[serde(default)]
    name: Option<String>,
    /// Values for the pipeline's parameters.
    #[serde(default)]
    arguments: Map<String, Json>,
    /// Where its artifacts go; without it where the server puts them.
    #[serde(default)]
    pipeline_root: Option<String>,
    /// The service account its steps run as; without it the server's.
    #[serde(default)]
    service_account: Option<String>,
}

pub(super) struct Submit;

impl Action for Submit {
    const NAME: &'static str = "kfp.submit";
    type Params = Params;
    type Output = RemoteRun;

    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = super::server();
        if let Some(file) = params.get("file").and_then(Json::as_str) {
            let path = if file.contains("${{") { "?" } else { file };
            all.push(Capability::Read {
                path: path.to_owned(),
            });
        }
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let has = |key: &str| params.get(key).is_some();
        let problem = |key: &str, message: &str| ParamProblem {
            pointer: if key.is_empty() {
                String::new()
            } else {
                format!("/{key}")
            },
            key: (!key.is_empty()).then(|| key.to_owned()),
            message: message.to_owned(),
            help: None,
        };
        match (has("file"), has("pipeline_id"), has("version_id")) {
            (true, false, false) | (false, true, true) => Vec::new(),
            (true, ..) => vec![problem(
                "file",
                "a run is of a `file`, or of a `pipeline_id` with a `version_id`, not of both",
            )],
            (false, true, false) => vec![problem("pipeline_id", "`pipeline_id` needs the `version_id`")],
            (false, false, true) => vec![problem("version_id", "`version_id` needs the `pipeline_id`")],
            (false, false, false) => vec![problem("", "one of `file`, `pipeline_id` is missing")],
        }
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<RemoteRun, Failure> {
        let client = Client::new(cx)?;
        let mut body = json!({
            "display_name": params.name.unwrap_or_else(|| cx.prefix.clone()),
            "runtime_config": { "parameters": params.arguments },
        });
        if let Some(root) = params.pipeline_root {
            body["runtime_config"]["pipeline_root"] = root.into();
        }
        if let Some(account) = params.service_account {
            body["service_account"] = account.into();
        }
        match (params.file, params.pipeline_id, params.version_id) {
            (Some(file), ..) => body["pipeline_spec"] = compiled(&file, cx)?,
            (None, Some(pipeline), Some(version)) => {
                body["pipeline_version_reference"] =
                    json!({ "pipeline_id": id(&pipeline)?, "pipeline_version_id": id(&version)? });
            }
            _ => {
                return Err(Failure::new(
                    Class::BadParameter,
                    "give `file`, or `pipeline_id` and `version_id`",
                ));
            }
        }
        let experiment = client
            .experiment(&params.experiment, params.namespace.as_deref())
            .await?;
        body["experiment_id"] = experiment.into();
        client.post::<RunRow>("runs", Some(&body)).await?.read()
    }
}

/// The compiled pipeline as JSON, checked before it is sent.
fn compiled(file: &str, cx: &Context) -> Result<Json, Failure> {
    let content = cx.tools.files.read(&cx.base_dir, file, LARGEST)?;
    let text = String::from_utf8_lossy(&content.bytes);
    Ir::read(&text)?;
    let first = serde_yaml::Deserializer::from_str(&text).next();
    first
        .and_then(|document| Json::deserialize(document).ok())
        .ok_or_else(|| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("`{file}` is no compiled pipeline"),
            )
        })
}

fn usual() -> String {
    "Default".to_owned()
}
