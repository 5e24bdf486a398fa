//! `kserve.explain`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::{self, Client};
use super::protocol::Protocol;
use super::rows::Rows;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// Asks a model's explainer. The protocol is V1: V2 has no explanations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The model's name.
    #[schemars(length(min = 1))]
    model: String,
    /// The rows to explain, in one request: a list, or a file of JSON lines.
    rows: Rows,
}

/// An explanation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What the explainer says; its form is the explainer's own.
    explanations: Json,
    /// How many rows were sent.
    rows: u64,
    /// From the start of the exchange to the last byte of the answer.
    elapsed: Duration,
}

pub(super) struct Explain;

impl Action for Explain {
    const NAME: &'static str = "kserve.explain";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reach(super::infer::file(params, "rows"))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let rows = params.rows.read(cx)?;
        let count = rows.len() as u64;
        let body = json!({ "instances": rows });
        let client = Client::new(cx, Protocol::V1)?;
        let path = format!("{}:explain", Protocol::V1.model(&params.model, None));
        let response = client.post(path, body.to_string().into_bytes()).await?;
        let mut fields = client::object(&response)?;
        // Some explainers say everything at the top.
        let explanations = fields.remove("explanations").unwrap_or(Json::Object(fields));
        if matches!(&explanations, Json::Object(o) if o.is_empty()) || explanations.is_null() {
            return Err(response.unreadable("it explains nothing"));
        }
        Ok(Output {
            explanations,
            rows: count,
            elapsed: Duration(response.elapsed.as_secs_f64()),
        })
    }
}
