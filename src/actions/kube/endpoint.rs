//! `kube.endpoint`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::condition::Goal;
use super::object::text_at;
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// Finds the address of a service, and how many of its pods are ready behind it. An address does not say that anybody
/// answers there: look at `ready`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// Whose address.
    #[serde(default)]
    kind: EndpointKind,
    /// Its name.
    #[schemars(length(min = 1))]
    name: String,
    /// The port of a Service, by name or number; without it its only or first one.
    #[serde(default)]
    port: Option<Port>,
    #[serde(flatten)]
    at: At,
}

/// What has an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
enum EndpointKind {
    /// The cluster's own address of a Service, which only machines of the cluster reach.
    #[default]
    Service,
    /// The URL in the status of a KServe InferenceService.
    InferenceService,
}

/// A port by name or number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Name(String),
}

/// The address.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The URL: `http://10.96.12.7:80`.
    url: String,
    /// Whether it can answer: of a Service that a pod behind it is ready, of an InferenceService its condition `Ready`
    /// about the newest change.
    ready: bool,
    /// What is missing, when it is not ready.
    missing: Option<String>,
    /// How many ready addresses are behind a Service; of an InferenceService not known here.
    ready_addresses: Option<u64>,
}

pub(super) struct Endpoint;

impl Action for Endpoint {
    const NAME: &'static str = "kube.endpoint";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        if params.get("kind").and_then(Json::as_str) == Some("InferenceService") {
            return reach(
                params,
                on(params, "inferenceservices.serving.kserve.io", &["get"]),
            );
        }
        reach(
            params,
            on(params, "services", &["get"]).chain(on(params, "endpoints", &["get"])),
        )
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        match params.kind {
            EndpointKind::Service => service(&session, &params).await,
            EndpointKind::InferenceService => inference_service(&session, &params.name).await,
        }
    }
}

async fn service(session: &Session<'_>, params: &Params) -> Result<Output, Failure> {
    let kind = session.kind("Service", Some("v1")).await?;
    let service = session.get(&kind, &params.name, None).await?;
    let none = |why: String| Failure::new(Class::BadParameter, format!("the service {}: {why}", params.name));
    let host = text_at(&service, "/spec/clusterIP").unwrap_or_default();
    if matches!(host, "" | "None") {
        return Err(none(
            "has no address of its own (headless, or of type ExternalName)".to_owned(),
        ));
    }
    let ports = service.pointer("/spec/ports").and_then(Json::as_array);
    let number = |port: &Json| port.get("port").and_then(Json::as_u64);
    let port = ports
        .into_iter()
        .flatten()
        .find(|p| match &params.port {
            None => true,
            Some(Port::Number(n)) => number(p) == Some(u64::from(*n)),
            Some(Port::Name(name)) => p.get("name").and_then(Json::as_str) == Some(name),
        })
        .ok_or_else(|| none("has no such port".to_owned()))?;
    let number = number(port).ok_or_else(|| none("its port has no number".to_owned()))?;
    let scheme = if number == 443 || text_at(port, "/name") == Some("https") {
        "https"
    } else {
        "http"
    };
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let endpoints = session.kind("Endpoints", Some("v1")).await?;
    let ready = match session.get(&endpoints, &params.name, None).await {
        Ok(endpoints) => endpoints
            .get("subsets")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(|s| s.get("addresses").and_then(Json::as_array))
            .map(|a| a.len() as u64)
            .sum(),
        Err(f) if f.class == Class::NotFound => 0,
        Err(other) => return Err(other),
    };
    Ok(Output {
        url: format!("{scheme}://{host}:{number}"),
        ready: ready > 0,
        missing: (ready == 0).then(|| "no pod behind it is ready".to_owned()),
        ready_addresses: Some(ready),
    })
}

async fn inference_service(session: &Session<'_>, name: &str) -> Result<Output, Failure> {
    let kind = session.kind("inferenceservices.serving.kserve.io", None).await?;
    let service = session.get(&kind, name, None).await?;
    let goal = Goal {
        condition: Some("Ready".to_owned()),
        ..Goal::default()
    };
    let missing = goal.missing(&service);
    let url = text_at(&service, "/status/url").ok_or_else(|| {
        Failure::new(
            Class::Unavailable,
            format!(
                "the InferenceService {name} has no address yet: {}",
                missing.clone().unwrap_or_default()
            ),
        )
    })?;
    Ok(Output {
        url: url.to_owned(),
        ready: missing.is_none(),
        missing,
        ready_addresses: None,
    })
}
