//! `kube.can_i`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::session::{At, Session, reach};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Asks the API server whether somebody may do something, without doing it (a SelfSubjectAccessReview, as whoever `as`
/// says). "No" is an answer, not a failure; that the server could not find out is one, and so is a "no" to a verb or a
/// resource that does not exist, which the server gives to everybody.
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
        if !allowed {
            known_verb(&params.verb)?;
            known_resource(&session, (resource, group, subresource), &params.verb).await?;
        }
        Ok(Output {
            allowed,
            denied: status.get("denied").and_then(Json::as_bool).unwrap_or(false),
            reason: said("reason"),
        })
    }
}

/// The verbs of Kubernetes itself: those of calls, and those that are only asked about.
const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "*",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "attest",
    "proxy",
];
/// Verbs on what is no resource of the server: users, groups, signers.
const ON_NAMES: &[&str] = &["impersonate", "approve", "sign", "attest"];

/// That a verb nobody may do is one that can be done.
fn known_verb(verb: &str) -> Result<(), Failure> {
    if VERBS.contains(&verb) {
        return Ok(());
    }
    let failure = Failure::new(
        Class::BadParameter,
        format!("`{verb}` is no verb of Kubernetes, so that it is not allowed says nothing"),
    );
    Err(match crate::diag::did_you_mean(verb, VERBS.iter().copied()) {
        Some(help) => failure.help(help),
        None => failure,
    })
}

/// That a resource nobody may touch is one that the server has.
async fn known_resource(
    session: &Session<'_>,
    (resource, group, sub): (&str, &str, &str),
    verb: &str,
) -> Result<(), Failure> {
    if resource == "*" || ON_NAMES.contains(&verb) {
        return Ok(());
    }
    let asked = if group.is_empty() {
        resource.to_owned()
    } else {
        format!("{resource}.{group}")
    };
    let kind = session.kind(&asked, None).await?;
    let nothing = |what: &str| {
        Failure::new(
            Class::BadParameter,
            format!("the server has no resource `{what}`, so that it is not allowed says nothing"),
        )
    };
    if kind.plural != resource || kind.group != group {
        return Err(nothing(&asked).help(format!("did you mean `{}`?", kind.resource(None))));
    }
    // Some are only names in rules: all of a node's, and `finalizers`, which protect their owner.
    let only_in_rules = resource == "nodes" || matches!(sub, "" | "*" | "finalizers");
    if only_in_rules || kind.subresources.iter().any(|s| s == sub) {
        return Ok(());
    }
    let known = kind.subresources.join(", ");
    Err(nothing(&format!("{asked}/{sub}")).help(format!("its subresources are {known}")))
}

fn power() -> Capability {
    Capability::Kube {
        verb: "create".to_owned(),
        resource: "selfsubjectaccessreviews.authorization.k8s.io".to_owned(),
        namespace: None,
    }
}
