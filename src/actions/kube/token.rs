//! `kube.token`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::object::{moment, text_at};
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::kube::Call;
use crate::value::{Duration, Moment, Secret};

/// Asks for a token of a service account (TokenRequest), to act with it: `as: "${{ intern.identity }}"`. The token
/// itself stays in memory: it is in no output, and ends with the run.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The service account's name.
    #[schemars(length(min = 1))]
    service_account: String,
    /// How long it is valid; API servers refuse less than 10 minutes.
    #[serde(default = "valid")]
    valid: Duration,
    /// For whom it is meant; without it for the API server.
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(flatten)]
    at: At,
}

/// The token, by a name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What stands for the token in `as`.
    identity: String,
    /// Who it says one is: `system:serviceaccount:ml:intern`.
    user: String,
    /// Until when it is valid.
    expires: Option<Moment>,
}

pub(super) struct Token;

impl Action for Token {
    const NAME: &'static str = "kube.token";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params, on(params, "serviceaccounts/token", &["create"]))
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let namespace = session.namespace().to_owned();
        let kind = session.kind("ServiceAccount", Some("v1")).await?;
        let name = &params.service_account;
        let mut spec = json!({"expirationSeconds": params.valid.0.round() as i64});
        if !params.audiences.is_empty() {
            spec["audiences"] = json!(params.audiences);
        }
        let call = Call::new("POST", kind.path(Some(&namespace), Some(name), Some("token")))
            .power(kind.power("create", Some(&namespace), Some("token")))
            .json(json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}));
        let answer = session.ask(call).await?;
        let Some(token) = text_at(&answer, "/status/token").filter(|t| !t.is_empty()) else {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the answer is no token request: it has no `status.token`",
            ));
        };
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let secret = Secret::new(format!("token of {user}"), token.to_owned());
        Ok(Output {
            identity: cx.tools.kube.keep_token(&user, secret),
            expires: moment(answer.pointer("/status/expirationTimestamp")),
            user,
        })
    }
}

const fn valid() -> Duration {
    Duration(600.0)
}
