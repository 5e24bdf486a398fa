//! `kserve.metadata`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::{self, Client};
use super::protocol::Protocol;
use super::tensor::{Promise, Tensor};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::tools::http::Response;

/// Reads what a model says of itself: its versions and the names, datatypes and shapes of its tensors. V2 only: V1 has
/// no metadata.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The model's name.
    #[schemars(length(min = 1))]
    model: String,
    /// One of its versions, where the server has several.
    #[serde(default)]
    #[schemars(length(min = 1))]
    version: Option<String>,
}

/// What the model and its server say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The model's name.
    model: String,
    /// The versions the server has of it; empty when it says nothing of versions.
    versions: Vec<String>,
    /// The framework; empty when it is not said.
    platform: String,
    /// The tensors it takes; empty when it says nothing of them.
    inputs: Vec<Promise>,
    /// The tensors it gives; empty when it says nothing of them.
    outputs: Vec<Promise>,
    /// The server's name: `kserve`, `triton`.
    server: String,
    /// The server's version.
    server_version: String,
}

/// What a model says of itself.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Model {
    pub name: String,
    #[serde(default)]
    versions: Option<Vec<String>>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    pub inputs: Vec<Promise>,
    #[serde(default)]
    pub outputs: Vec<Promise>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
    version: String,
}

impl Model {
    /// Asks the model.
    ///
    /// # Errors
    /// As [`Client::get`]; class `unreadable_answer` for an answer of another shape or of another model.
    pub(super) async fn ask(client: &Client<'_>, name: &str, version: Option<&str>) -> Result<Self, Failure> {
        let response = client.get(Protocol::V2.model(name, version)).await?;
        let model: Self = read(&response)?;
        if model.name != name {
            return Err(response.unreadable(&format!("it is of the model `{}`, not `{name}`", model.name)));
        }
        Ok(model)
    }

    /// Whether it takes these tensors, as far as it says anything of what it takes.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn takes(&self, tensors: &[Tensor]) -> Result<(), String> {
        agree(tensors, &self.inputs, "takes")
    }

    /// Whether it may give these tensors.
    ///
    /// # Errors
    /// What differs.
    pub(super) fn gives(&self, tensors: &[Tensor]) -> Result<(), String> {
        agree(tensors, &self.outputs, "gives")
    }
}

fn agree(tensors: &[Tensor], promises: &[Promise], verb: &str) -> Result<(), String> {
    if promises.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = promises.iter().map(|p| p.name.as_str()).collect();
    for tensor in tensors {
        let Some(promise) = promises.iter().find(|p| p.name == tensor.name) else {
            return Err(format!(
                "there is a tensor `{}`, and the model {verb} only: {}",
                tensor.name,
                names.join(", ")
            ));
        };
        tensor.keeps(promise)?;
    }
    match names
        .iter()
        .find(|name| !tensors.iter().any(|t| t.name == **name))
    {
        Some(missing) => Err(format!(
            "the model {verb} a tensor `{missing}`, and there is none"
        )),
        None => Ok(()),
    }
}

fn read<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    let fields = client::object(response)?;
    serde_json::from_value(serde_json::Value::Object(fields))
        .map_err(|e| response.unreadable(&format!("it is not what the protocol promises: {e}")))
}

pub(super) struct Metadata;

impl Action for Metadata {
    const NAME: &'static str = "kserve.metadata";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach([])
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx, Protocol::V2)?;
        let model = Model::ask(&client, &params.model, params.version.as_deref()).await?;
        let server: Server = read(&client.get("v2".to_owned()).await?)?;
        Ok(Output {
            model: model.name,
            versions: model.versions.unwrap_or_default(),
            platform: model.platform.unwrap_or_default(),
            inputs: model.inputs,
            outputs: model.outputs,
            server: server.name,
            server_version: server.version,
        })
    }
}
