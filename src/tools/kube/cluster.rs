//! A cluster: sending calls to its API server and reading the answers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::BodyExt as _;
use hyper::header;
use hyper::http::request::Builder;
use kube::client::Body as Wire;
use serde_json::Value as Json;
use tokio::sync::Mutex;
use url::Url;

use super::call::{Call, Identity};
use super::config::Settings;
use super::kinds::{Kind, Kinds};
use super::lines::Lines;
use super::refusal;
use crate::check::{Class, Failure};
use crate::tools::http::{
    Bound, Inflate, Limits, Lookup, Phase, Response, Until, addresses, body_failure, client_failure,
    judge_url, received, within,
};
use crate::tools::{Capability, Grants, Redactor};

/// A connection to one API server.
pub struct Cluster {
    /// With the credentials of the endpoint, and without any.
    acting: kube::Client,
    anonymous: kube::Client,
    config: kube::Config,
    url: Url,
    namespace: String,
    identity: Identity,
    grants: Arc<Grants>,
    redactor: Arc<Redactor>,
    kinds: Mutex<Kinds>,
}

impl Cluster {
    /// Builds the clients. A name is resolved and judged here, and its address kept, so that the address that was
    /// judged is the one that is connected to.
    pub(super) async fn open(
        settings: Settings,
        grants: Arc<Grants>,
        redactor: Arc<Redactor>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, Failure> {
        let Settings { mut config, identity } = settings;
        let bad = |why: String| {
            Failure::new(
                Class::BadParameter,
                format!("the address of the API server cannot be used: {why}"),
            )
        };
        let url = Url::parse(&config.cluster_url.to_string()).map_err(|e| bad(e.to_string()))?;
        judge_url(&grants, &url, Some("kube"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        if url.domain().is_some() {
            let found = addresses(&grants, lookup.as_ref(), &host, false)
                .await
                .map_err(|e| client_failure(&e, Phase::Head, &format!("the API server {url}")))?;
            if let Some(address) = found.first() {
                config.tls_server_name.get_or_insert(host);
                config.cluster_url = pinned(&url, *address).parse().map_err(|e| bad(format!("{e}")))?;
            }
        }
        let namespace = config.default_namespace.clone();
        let mut nobody = config.clone();
        nobody.auth_info = kube::config::AuthInfo::default();
        Ok(Self {
            acting: build(config.clone(), &url)?,
            anonymous: build(nobody, &url)?,
            config,
            url,
            namespace,
            identity,
            grants,
            redactor,
            kinds: Mutex::default(),
        })
    }

    /// The namespace of whoever names none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A client of the kube crate that acts as somebody, for what is more than one request and its answer.
    pub(super) fn client(&self, identity: &Identity) -> Result<kube::Client, Failure> {
        judge_url(&self.grants, &self.url, Some("kube"))?;
        let identity = match identity {
            Identity::Endpoint => &self.identity,
            other => other,
        };
        let mut config = self.config.clone();
        match identity {
            Identity::Endpoint => return Ok(self.acting.clone()),
            Identity::User { name, groups } => {
                config.auth_info.impersonate = Some(name.clone());
                config.auth_info.impersonate_groups = (!groups.is_empty()).then(|| groups.clone());
            }
            Identity::Token(token) => {
                config.auth_info = kube::config::AuthInfo {
                    token: Some(token.expose().to_owned().into()),
                    ..kube::config::AuthInfo::default()
                };
            }
        }
        build(config, &self.url)
    }

    /// The kind of a name such as `Deployment`, `deployments`, `deploy` or `deployments.apps`; with `api_version` in
    /// that version, else in the one the server prefers.
    ///
    /// # Errors
    /// Class `missing` with the nearest names, when the server does not serve it.
    pub async fn kind(
        &self,
        name: &str,
        api_version: Option<&str>,
        until: &Until,
    ) -> Result<Arc<Kind>, Failure> {
        self.kinds.lock().await.find(self, name, api_version, until).await
    }

    /// Sends a call and reads the JSON of its answer.
    ///
    /// # Errors
    /// What the grants, the connection, the server's refusal or an answer of another shape gives.
    pub async fn ask(&self, call: &Call, until: &Until) -> Result<Json, Failure> {
        let response = self.send(call, until).await?;
        let json = response.json()?;
        if !json.is_object() {
            return Err(response.unreadable("it is not what Kubernetes promises: an object"));
        }
        Ok(json)
    }

    /// Sends a call and reads the whole answer.
    ///
    /// # Errors
    /// As [`Cluster::ask`], but for the shape of the answer.
    pub async fn send(&self, call: &Call, until: &Until) -> Result<Response, Failure> {
        let started = Instant::now();
        let shown = self.shown(call);
        let end = bound(call.limits, until, started);
        let answer = self.head(call, until, &shown).await?;
        let status = answer.status().as_u16();
        let headers = received(answer.headers());
        let body = read(answer, &call.limits, until, end, &shown).await?;
        let response = Response {
            status,
            headers,
            body,
            elapsed: started.elapsed(),
            request: shown,
            redactor: Arc::clone(&self.redactor),
        };
        match refusal::of(&response) {
            Some(failure) => Err(failure),
            None => Ok(response),
        }
    }

    /// Sends a call whose answer comes line by line for as long as the server likes.
    pub(super) async fn lines(&self, call: &Call, until: &Until) -> Result<Lines, Failure> {
        let shown = self.shown(call);
        let answer = self.head(call, until, &shown).await?;
        if answer.status().is_success() {
            return Ok(Lines::new(answer.into_body(), shown));
        }
        let status = answer.status().as_u16();
        let end = bound(call.limits, until, Instant::now());
        let body = read(answer, &call.limits, until, end, &shown).await?;
        let response = Response {
            status,
            body,
            request: shown,
            redactor: Arc::clone(&self.redactor),
            ..Response::default()
        };
        Err(refusal::of(&response)
            .unwrap_or_else(|| response.unreadable("a status that is neither good nor bad")))
    }

    /// Whether this call may be made: where it goes, and what it does.
    fn judge(&self, call: &Call) -> Result<(), Failure> {
        judge_url(&self.grants, &self.url, Some("kube"))?;
        call.power
            .as_ref()
            .map_or(Ok(()), |power| self.grants.check(power))
    }

    /// Whether something that is more than a call may be done.
    pub(super) fn judge_power(&self, power: &Capability) -> Result<(), Failure> {
        self.grants.check(power)
    }

    async fn head(&self, call: &Call, until: &Until, shown: &str) -> Result<hyper::Response<Wire>, Failure> {
        self.judge(call)?;
        let mut request = hyper::Request::builder()
            .method(call.method)
            .uri(call.target())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("specrun/", env!("CARGO_PKG_VERSION")));
        let identity = match &call.identity {
            Identity::Endpoint => &self.identity,
            other => other,
        };
        request = acting_as(request, identity);
        let body = match &call.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, body.content_type);
                Wire::from(body.json.to_string().into_bytes())
            }
            None => Wire::empty(),
        };
        let request = request.body(body).map_err(|e| {
            Failure::new(
                Class::BadParameter,
                format!("{shown}: the request cannot be built: {e}"),
            )
        })?;
        let client = match identity {
            Identity::Token(_) => &self.anonymous,
            Identity::Endpoint | Identity::User { .. } => &self.acting,
        };
        let started = Instant::now();
        let head = started + call.limits.headers;
        let end = if head < until.deadline {
            (head, Bound::Head(call.limits.headers))
        } else {
            (until.deadline, Bound::Step)
        };
        within(until, end, shown, "no answer", client.send(request))
            .await?
            .map_err(|e| client_failure(&e, Phase::Head, shown))
    }

    fn shown(&self, call: &Call) -> String {
        let base = self.url.as_str().trim_end_matches('/');
        self.redactor
            .redact(&format!("{} {base}{}", call.method, call.target()))
    }
}

fn build(config: kube::Config, url: &Url) -> Result<kube::Client, Failure> {
    kube::Client::try_from(config).map_err(|e| {
        Failure::new(
            Class::BadParameter,
            format!("the client of the API server {url} cannot be built: {e}"),
        )
    })
}

fn acting_as(request: Builder, identity: &Identity) -> Builder {
    match identity {
        Identity::Endpoint => request,
        Identity::Token(token) => request.header(header::AUTHORIZATION, format!("Bearer {}", token.expose())),
        Identity::User { name, groups } => groups
            .iter()
            .fold(request.header("Impersonate-User", name), |r, group| {
                r.header("Impersonate-Group", group)
            }),
    }
}

fn bound(limits: Limits, until: &Until, started: Instant) -> (Instant, Bound) {
    let total = started + limits.total;
    if until.deadline < total {
        (until.deadline, Bound::Step)
    } else {
        (total, Bound::Total(limits.total))
    }
}

/// Reads a whole body within its caps.
async fn read(
    answer: hyper::Response<Wire>,
    limits: &Limits,
    until: &Until,
    end: (Instant, Bound),
    shown: &str,
) -> Result<Vec<u8>, Failure> {
    let encodings: Vec<&str> = answer
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .map(|value| value.to_str().unwrap_or("unreadable"))
        .collect();
    let encoding = (!encodings.is_empty()).then(|| encodings.join(", "));
    let announced = answer
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if encoding.is_none() && announced.is_some_and(|length| length > limits.body) {
        return Err(Failure::new(
            Class::TooLarge,
            format!("{shown}: the answer is larger than {} bytes", limits.body),
        ));
    }
    let mut inflate = Inflate::new(encoding.as_deref(), limits.body, limits.inflation)
        .map_err(|e| body_failure(&e, shown))?;
    let mut body = answer.into_body();
    loop {
        let frame = within(
            until,
            end,
            shown,
            "the answer began, but did not end",
            body.frame(),
        )
        .await?;
        match frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    inflate.push(piece).map_err(|e| body_failure(&e, shown))?;
                }
            }
            Some(Err(e)) => return Err(client_failure(&e, Phase::Body, shown)),
            None => return inflate.finish().map_err(|e| body_failure(&e, shown)),
        }
    }
}

/// The URL with the address instead of the name.
fn pinned(url: &Url, address: IpAddr) -> String {
    let mut to = url.clone();
    match to.set_ip_host(address) {
        Ok(()) => to.to_string(),
        Err(()) => url.to_string(),
    }
}
