//! `kube.patch`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::object::Object;
use super::session::{At, Session, on_kind, reach, text};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Changes a part of an object.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The kind, as `kubectl` takes it.
    #[schemars(length(min = 1))]
    kind: String,
    /// The version of the API: `apps/v1`. Without it the version that the server prefers.
    #[serde(default)]
    #[schemars(length(min = 1))]
    api_version: Option<String>,
    /// The object's name.
    #[schemars(length(min = 1))]
    name: String,
    /// The change: for `merge` and `strategic` the part of the object, for `json` a list of operations.
    patch: Json,
    /// How it is read.
    #[serde(default)]
    r#type: Type,
    /// The part of the object that is changed on its own: `status`, `scale`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    subresource: Option<String>,
    #[serde(flatten)]
    at: At,
}

/// How a patch is read.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Type {
    /// What is there is replaced, null removes, lists are replaced whole (RFC 7396).
    #[default]
    Merge,
    /// A list of operations (RFC 6902).
    Json,
    /// Lists are merged by the keys of their items; only for kinds that Kubernetes itself brings.
    Strategic,
}

pub(super) struct Patch;

impl Action for Patch {
    const NAME: &'static str = "kube.patch";
    type Params = Params;
    type Output = Object;
    /// A list of operations may append.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["patch"], text(params, "subresource")))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Object, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind(&params.kind, params.api_version.as_deref()).await?;
        let namespace = session.namespace_of(&kind);
        let sub = params.subresource.as_deref();
        let content_type = match params.r#type {
            Type::Merge => "application/merge-patch+json",
            Type::Json => "application/json-patch+json",
            Type::Strategic => "application/strategic-merge-patch+json",
        };
        let call = Call::new("PATCH", kind.path(namespace, Some(&params.name), sub))
            .power(kind.power("patch", namespace, sub))
            .query("fieldManager", "specrun")
            .body(content_type, params.patch);
        Object::read(&session.ask(call).await?)
    }
}
