//! `kube.get`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::object::Object;
use super::session::{At, Session, on_kind, reach};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads one object. That it is absent is a failure of class `not_found`; that the server does not know its kind one of
/// class `missing`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The kind, as `kubectl` takes it: `Deployment`, `deployments`, `deploy`, `deployments.apps`.
    #[schemars(length(min = 1))]
    kind: String,
    /// The version of the API: `apps/v1`. Without it the version that the server prefers.
    #[serde(default)]
    #[schemars(length(min = 1))]
    api_version: Option<String>,
    /// The object's name.
    #[schemars(length(min = 1))]
    name: String,
    #[serde(flatten)]
    at: At,
}

pub(super) struct Get;

impl Action for Get {
    const NAME: &'static str = "kube.get";
    type Params = Params;
    type Output = Object;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["get"], None))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Object, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind(&params.kind, params.api_version.as_deref()).await?;
        Object::read(&session.get(&kind, &params.name, None).await?)
    }
}
