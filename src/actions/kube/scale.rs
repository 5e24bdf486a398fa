//! `kube.scale`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::session::{At, Session, on_kind, reach};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Asks for a number of replicas. That they are asked for does not say that they are ready: `kube.wait` does.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The kind: `Deployment`, `StatefulSet`, or any other with a subresource `scale`.
    #[schemars(length(min = 1))]
    kind: String,
    /// The version of the API: `apps/v1`. Without it the version that the server prefers.
    #[serde(default)]
    #[schemars(length(min = 1))]
    api_version: Option<String>,
    /// The object's name.
    #[schemars(length(min = 1))]
    name: String,
    /// How many are wanted.
    replicas: u32,
    #[serde(flatten)]
    at: At,
}

/// What was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many are asked for now.
    replicas: u64,
    /// How many were asked for before.
    before: u64,
    /// How many there are at this moment, ready or not.
    current: u64,
}

pub(super) struct Scale;

impl Action for Scale {
    const NAME: &'static str = "kube.scale";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on_kind(params, &["get", "patch"], Some("scale")))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind(&params.kind, params.api_version.as_deref()).await?;
        if !kind.subresources.iter().any(|s| s == "scale") {
            return Err(Failure::new(
                Class::BadParameter,
                format!("a {} cannot be scaled: it has no subresource `scale`", kind.kind),
            ));
        }
        let namespace = session.namespace_of(&kind);
        let before = session.get(&kind, &params.name, Some("scale")).await?;
        let call = Call::new("PATCH", kind.path(namespace, Some(&params.name), Some("scale")))
            .power(kind.power("patch", namespace, Some("scale")))
            .query("fieldManager", "specrun")
            .body(
                "application/merge-patch+json",
                json!({"spec": {"replicas": params.replicas}}),
            );
        let after = session.ask(call).await?;
        // Zero is left out in JSON of Kubernetes.
        let count = |json: &Json, pointer: &str| json.pointer(pointer).and_then(Json::as_u64).unwrap_or(0);
        if after.get("spec").is_none() {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the answer is no scale: it has no `spec`",
            ));
        }
        Ok(Output {
            replicas: count(&after, "/spec/replicas"),
            before: count(&before, "/spec/replicas"),
            current: count(&after, "/status/replicas"),
        })
    }
}
