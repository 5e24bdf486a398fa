//! The loopback server as an MLflow, with recorded answers.

use serde_json::Value as Json;

use crate::action::{Context, DynAction, Failure};
use crate::actions::fake;
pub use crate::actions::fake::{Answer, Fake, context};
use crate::tools::Endpoint;

/// A server that takes calls of MLflow's API by their short names.
pub async fn start() -> Fake {
    Fake::start("mlflow", "/api/2.0/mlflow/").await
}

/// The answer of `tests/recorded/mlflow-3.17/NAME.json`.
pub fn recorded(name: &str) -> Answer {
    let file = format!(
        "{}/tests/recorded/mlflow-3.17/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let record: Json = serde_json::from_str(&text).unwrap();
    let response = &record["response"];
    Answer {
        status: response["status"].as_u64().unwrap().try_into().unwrap(),
        content_type: response["headers"]["content-type"]
            .as_str()
            .unwrap_or("text/plain")
            .to_owned(),
        body: match &response["body"] {
            Json::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        },
    }
}

/// What a recorded answer says.
pub fn said(name: &str) -> Json {
    serde_json::from_slice(&recorded(name).body).unwrap()
}

/// Runs an action of the family.
pub async fn run(action: &str, params: Json, cx: &Context) -> Result<Json, Failure> {
    fake::run("mlflow", action, params, cx).await
}

/// The action with this name.
pub fn find(name: &str) -> &'static dyn DynAction {
    crate::actions::REGISTRY.get(&format!("mlflow.{name}")).unwrap()
}

/// An endpoint at a port where nothing listens.
pub fn endpoint() -> Endpoint {
    fake::closed("mlflow")
}
