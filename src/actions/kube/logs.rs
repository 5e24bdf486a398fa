//! `kube.logs`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::pods::Which;
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::Call;
use crate::value::{Bytes, Duration};

/// Reads what a container of a pod printed.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Which,
    /// The container; needed when the pod has several.
    #[serde(default)]
    #[schemars(length(min = 1))]
    container: Option<String>,
    /// Only the last lines.
    #[serde(default)]
    tail: Option<u32>,
    /// Only what is younger than this.
    #[serde(default)]
    since: Option<Duration>,
    /// Of the container before its last restart.
    #[serde(default)]
    previous: bool,
    /// The most that is read.
    #[serde(default = "most")]
    max: Bytes,
    #[serde(flatten)]
    at: At,
}

/// What it printed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The text. Bytes that are no UTF-8 are replaced.
    text: String,
    /// Its lines.
    lines: Vec<String>,
}

pub(super) struct Logs;

impl Action for Logs {
    const NAME: &'static str = "kube.logs";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(
            params,
            on(params, "pods/log", &["get"]).chain(Which::power(params)),
        )
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        Which::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind("Pod", Some("v1")).await?;
        let namespace = session.namespace();
        let pod = params.which.name(&session, &kind).await?;
        let mut call = Call::new("GET", kind.path(Some(namespace), Some(&pod), Some("log")))
            .power(kind.power("get", Some(namespace), Some("log")))
            .maybe_query("container", params.container.clone())
            .maybe_query("tailLines", params.tail.map(|n| n.to_string()))
            .maybe_query(
                "sinceSeconds",
                params.since.map(|d| format!("{:.0}", d.0.ceil().max(1.0))),
            )
            .maybe_query("previous", params.previous.then_some("true"))
            .identity(&session.identity);
        call.limits.body = params.max.0 as u64;
        let response = session.cluster.send(&call, &session.until).await?;
        // A log is plain text; a page of a proxy is not.
        let kind = response.header("content-type").unwrap_or("text/plain");
        if !kind.starts_with("text/plain") {
            return Err(response.unreadable("it is no log: those are plain text"));
        }
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if response.status != 200 {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!("{}: HTTP {} instead of a log", response.request, response.status),
            ));
        }
        Ok(Output {
            lines: text.lines().map(str::to_owned).collect(),
            text,
        })
    }
}

const fn most() -> Bytes {
    Bytes(16_777_216.0)
}
