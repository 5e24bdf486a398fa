//! `kserve.ready`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{self, Client};
use super::metadata::Model;
use super::protocol::Protocol;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::Response;

/// Asks whether a model can answer. The model itself is asked, by name, and not the server, which calls itself ready
/// with no model at all. A model that is not there is `not_found`, one that is not ready yet `unavailable`: with
/// `within: 60s` both are waited for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The model's name.
    #[schemars(length(min = 1))]
    model: String,
    /// One of its versions, where the server has several (V2 only).
    #[serde(default)]
    #[schemars(length(min = 1))]
    version: Option<String>,
    /// The protocol.
    #[serde(default)]
    protocol: Protocol,
}

/// A model that is ready.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The model's name, as the server says it.
    model: String,
    /// Always true: a model that is not ready is a failure.
    ready: bool,
}

pub(super) struct Ready;

impl Action for Ready {
    const NAME: &'static str = "kserve.ready";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach([])
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        no_version_in_v1(params).into_iter().collect()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx, params.protocol)?;
        let (model, version) = (&params.model, params.version.as_deref());
        let response = client.get(params.protocol.ready(model, version)).await?;
        if params.protocol == Protocol::V2 && response.body.trim_ascii().is_empty() {
            // Triton says 200 and nothing else, which anything could say: the model has to give its name too.
            Model::ask(&client, model, version).await?;
        } else {
            said(&response, model)?;
        }
        Ok(Output {
            model: params.model,
            ready: true,
        })
    }
}

/// The problem of a version where the protocol has none.
pub(super) fn no_version_in_v1(params: &Json) -> Option<ParamProblem> {
    let v1 = params.get("protocol").and_then(Json::as_str) == Some("v1");
    (v1 && params.get("version").is_some()).then(|| ParamProblem {
        pointer: String::new(),
        key: Some("version".to_owned()),
        message: "the protocol V1 knows no versions".to_owned(),
        help: Some("take `version` out, or use V2".to_owned()),
    })
}

fn said(response: &Response, model: &str) -> Result<(), Failure> {
    let fields = client::object(response)?;
    let not_ready = |state: &str| {
        let mut failure = Failure::new(
            Class::Unavailable,
            format!("{}: the model `{model}` is not ready{state}", response.request),
        );
        failure.status = Some(response.status);
        Err(failure)
    };
    // TensorFlow Serving's form of V1 has a state for each version, and no name.
    if let Some(Json::Array(versions)) = fields.get("model_version_status") {
        let states: Vec<&str> = versions
            .iter()
            .filter_map(|v| v.get("state").and_then(Json::as_str))
            .collect();
        return if states.contains(&"AVAILABLE") {
            Ok(())
        } else {
            not_ready(&format!(": {}", states.join(", ")))
        };
    }
    match fields.get("name").and_then(Json::as_str) {
        Some(name) if name == model => {}
        Some(other) => {
            return Err(response.unreadable(&format!("it is of the model `{other}`, not `{model}`")));
        }
        None => return Err(response.unreadable("it names no model")),
    }
    match fields.get("ready") {
        Some(Json::Bool(true)) => Ok(()),
        Some(Json::String(text)) if text.eq_ignore_ascii_case("true") => Ok(()),
        Some(Json::Bool(false) | Json::String(_)) => not_ready(""),
        _ => Err(response.unreadable("it does not say whether the model is ready")),
    }
}
