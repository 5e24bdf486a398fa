//! `kube.forward`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::text_at;
use super::pods::Which;
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Opens a port of this machine (on 127.0.0.1) that leads to a port of a pod, until the run ends. For clusters whose
/// services cannot be reached from here.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Which,
    /// The pod's port.
    #[schemars(range(min = 1))]
    port: u16,
    #[serde(flatten)]
    at: At,
}

/// The port.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The port on 127.0.0.1.
    port: u16,
    /// The same as a URL: `http://127.0.0.1:40123`.
    url: String,
}

pub(super) struct Forward;

impl Action for Forward {
    const NAME: &'static str = "kube.forward";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(
            params,
            on(params, "pods", &["get"])
                .chain(on(params, "pods/portforward", &["create", "get"]))
                .chain(Which::power(params)),
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
        for verb in ["create", "get"] {
            cx.tools
                .kube
                .judge(&kind.power(verb, Some(namespace), Some("portforward")))?;
        }
        // A port that leads nowhere would only be noticed by who connects.
        let found = session.get(&kind, &pod, None).await?;
        let phase = text_at(&found, "/status/phase").unwrap_or("nobody knows what");
        if phase != "Running" {
            return Err(Failure::new(
                Class::Unavailable,
                format!("the pod {pod} is not running: it is {phase}"),
            ));
        }
        let to = (namespace, pod.as_str(), params.port);
        let port = cx
            .tools
            .kube
            .forward(&session.cluster, &session.identity, to, &session.until)
            .await?;
        Ok(Output {
            port,
            url: format!("http://127.0.0.1:{port}"),
        })
    }
}
