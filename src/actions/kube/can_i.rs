//! `kube.can_i`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::session::{At, Session, reach};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Asks the API server whether somebody may do something, without doing it (a SelfSubjectAccessReview, as whoever `as`
/// says). "No" is an answer, not a failure; that the server could not find out is one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// What is done: `create`, `get`, `list`, `watch`, `update`, `patch`, `delete`, `*`.
    #[schemars(length(min = 1))]
    verb: String,
    /// To what, as roles name it: `pods`, `deployments.apps`, `inferenceservices.serving.kserve.io`, `pods/log`.
    #[schemars(length(min = 1))]
    resource: String,
    /// To this one object only.
    #[serde(default)]
    #[schemars(length(min = 1))]
    name: Option<String>,
    /// In all namespaces.
    #[serde(default)]
    all_namespaces: bool,
    #[serde(flatten)]
    at: At,
}

/// What the server says.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether it may be done.
    allowed: bool,
    /// Whether something forbids it expressly, rather than nothing allowing it.
    denied: bool,
    /// The rule that decided, in the server's words; empty when none did.
    reason: String,
}

pub(super) struct CanI;

impl Action for CanI {
    const NAME: &'static str = "kube.can_i";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, [power()])
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let (resource, subresource) = match params.resource.split_once('/') {
            Some((resource, sub)) => (resource, sub),
            None => (params.resource.as_str(), ""),
        };
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let namespace = if params.all_namespaces {
            ""
        } else {
            session.namespace()
        };
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": params.verb, "group": group, "resource": resource, "subresource": subresource,
                "namespace": namespace, "name": params.name.unwrap_or_default(),
            }},
        });
        let call = Call::new("POST", "apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .power(power())
            .json(review);
        let answer = session.ask(call).await?;
        let status = answer.get("status").unwrap_or(&Json::Null);
        let Some(allowed) = status.get("allowed").and_then(Json::as_bool) else {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the answer is no review: it has no `status.allowed`",
            ));
        };
        let said = |key: &str| {
            status
                .get(key)
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let error = said("evaluationError");
        if !allowed && !error.is_empty() {
            return Err(Failure::new(
                Class::Server,
                format!("whether it is allowed could not be found out: {error}"),
            ));
        }
        Ok(Output {
            allowed,
            denied: status.get("denied").and_then(Json::as_bool).unwrap_or(false),
            reason: said("reason"),
        })
    }
}

fn power() -> Capability {
    Capability::Kube {
        verb: "create".to_owned(),
        resource: "selfsubjectaccessreviews.authorization.k8s.io".to_owned(),
        namespace: None,
    }
}
