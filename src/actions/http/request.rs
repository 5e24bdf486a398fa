//! `http.request`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::body::{self, Asked, Scalar, Template};
use crate::action::{Action, AsRequest, Class, Context, Failure, ParamProblem};
use crate::tools::http::{Limits, Request as Wire, Response, Text};
use crate::tools::{Auth as WireAuth, Capability};
use crate::value::{Bytes, Duration, Secret};

/// Answers larger than this, in bytes, are kept in a file instead of in the output's `text`.
const TEXT_CAP: usize = 1 << 20;
/// Longer timeouts are taken to be this long.
const LONGEST: std::time::Duration = std::time::Duration::from_hours(7 * 24);

/// Sends one request. An answer with a status outside 2xx is a failure (its class says which) unless `accept` names it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// A whole URL, or a path below the URL of the environment's endpoint `http`.
    #[schemars(length(min = 1))]
    url: String,
    /// The method.
    #[serde(default)]
    method: Method,
    /// Parameters after the `?`; a list gives one for each of its values.
    #[serde(default)]
    query: BTreeMap<String, Values>,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, Scalar>,
    /// Headers whose values are secrets.
    #[serde(default)]
    secret_headers: BTreeMap<String, Secret>,
    /// A JSON body.
    #[serde(default)]
    json: Option<Json>,
    /// A text body.
    #[serde(default)]
    text: Option<String>,
    /// A form body.
    #[serde(default)]
    form: BTreeMap<String, Scalar>,
    /// Fields of the form whose values are secrets.
    #[serde(default)]
    secret_form: BTreeMap<String, Secret>,
    /// A file as the body, relative to the spec's folder; it is streamed.
    #[serde(default)]
    file: Option<String>,
    /// A body made from a template.
    #[serde(default)]
    template: Option<Template>,
    /// Who is asking; without it the endpoint's own credentials, on the endpoint's own host only.
    #[serde(default)]
    auth: Option<Auth>,
    /// A `Host` header and TLS name other than the URL's, for routing through an ingress.
    #[serde(default)]
    host: Option<String>,
    /// A PEM file with the certificate authorities to trust, relative to the spec's folder.
    #[serde(default)]
    ca: Option<String>,
    /// PEM files with the client's certificate and key, relative to the spec's folder.
    #[serde(default)]
    client_certificate: Option<ClientCertificate>,
    /// How many redirects are followed; a redirect that is not followed is the answer.
    #[serde(default)]
    #[schemars(range(max = 20))]
    redirects: u8,
    /// Statuses that are an answer rather than a failure, besides 2xx: numbers, `4xx`, `any`.
    #[serde(default)]
    accept: Vec<Accepted>,
    /// The largest answer that is read, after it was unpacked.
    #[serde(default = "max_body")]
    max_body: Bytes,
    /// How long the exchange may take: without it 10 s to the head of the answer and 30 s in all. The step's timeout
    /// also holds.
    #[serde(default)]
    timeout: Option<Duration>,
}

/// A method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}

/// One value of a query parameter, or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Values {
    One(Scalar),
    Several(Vec<Scalar>),
}

/// How to say who is asking.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Auth {
    /// A name and a password.
    Basic(Basic),
    /// A token.
    Bearer(Secret),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Basic {
    /// The name.
    username: String,
    /// The password.
    password: Secret,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ClientCertificate {
    /// The certificate, with those that lead to its authority.
    certificate: String,
    /// Its private key.
    key: String,
}

/// A status that is accepted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Accepted {
    Status(Status),
    Group(Group),
}

/// A status code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Status(#[schemars(range(min = 100, max = 599))] u16);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum Group {
    /// Every status.
    #[serde(rename = "any")]
    Any,
    /// Every redirect.
    #[serde(rename = "3xx")]
    Redirects,
    /// Every refusal.
    #[serde(rename = "4xx")]
    Refusals,
    /// Every breakdown.
    #[serde(rename = "5xx")]
    Breakdowns,
}

impl Accepted {
    pub(super) fn takes(&self, status: u16) -> bool {
        match self {
            Self::Status(Status(wanted)) => *wanted == status,
            Self::Group(Group::Any) => true,
            Self::Group(Group::Redirects) => status / 100 == 3,
            Self::Group(Group::Refusals) => status / 100 == 4,
            Self::Group(Group::Breakdowns) => status / 100 == 5,
        }
    }
}

/// An answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The status code.
    status: u16,
    /// Headers by name in lower case; several values of one name are joined with commas.
    headers: BTreeMap<String, String>,
    /// The body as JSON, when it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Json>,
    /// The body as text, when it is UTF-8 and not larger than 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Where the body is kept when it is not in `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// From the start of the exchange to the last byte of the answer.
    elapsed: Duration,
    /// The size of the body after it was unpacked.
    size: Bytes,
}

pub(super) struct Request;

impl Action for Request {
    const NAME: &'static str = "http.request";
    type Params = Params;
    type Output = Output;

    /// POST and PATCH may do their work each time (RFC 9110, section 9.2.2).
    fn repeatable(&self, params: &Json) -> bool {
        !matches!(
            params.get("method").and_then(Json::as_str),
            Some("POST" | "PATCH")
        )
    }

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = vec![match params.get("url").and_then(Json::as_str) {
            Some(url) if url.starts_with('/') || !url.contains(':') && !url.contains("${{") => {
                Capability::Endpoint {
                    family: "http".to_owned(),
                }
            }
            url => Capability::net_of_url(url.unwrap_or_default()),
        }];
        let paths = [
            "/file",
            "/ca",
            "/template/file",
            "/client_certificate/certificate",
            "/client_certificate/key",
        ];
        all.extend(paths.iter().filter_map(|pointer| {
            let path = params.pointer(pointer)?.as_str()?;
            Some(Capability::Read {
                path: if path.contains("${{") { "?" } else { path }.to_owned(),
            })
        }));
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut problems = Vec::new();
        let given: Vec<&str> = body::KEYS
            .into_iter()
            .filter(|key| {
                params.get(*key).is_some() || (*key == "form" && params.get("secret_form").is_some())
            })
            .collect();
        if let [first, second, ..] = given.as_slice() {
            problems.push(ParamProblem {
                pointer: String::new(),
                key: Some((*second).to_owned()),
                message: format!("`{first}` and `{second}` both give the body"),
                help: Some(format!("one of {} at most", body::KEYS.join(", "))),
            });
        }
        let method = params.get("method").and_then(Json::as_str).unwrap_or("GET");
        if let Some(key) = given.first()
            && matches!(method, "GET" | "HEAD")
        {
            problems.push(ParamProblem {
                pointer: String::new(),
                key: Some((*key).to_owned()),
                message: format!("a {method} request has no body"),
                help: Some("add `method: POST`".to_owned()),
            });
        }
        let text = |pointer: &str| params.pointer(pointer).and_then(Json::as_str);
        if let Some(url) = text("/url")
            && url.contains("://")
            && !url.contains("${{")
            && let Err(e) = url::Url::parse(url)
        {
            problems.push(ParamProblem {
                pointer: "/url".to_owned(),
                key: None,
                message: format!("not a URL: {e}"),
                help: None,
            });
        }
        problems
    }

    fn as_request(&self) -> Option<&dyn AsRequest> {
        Some(self)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let until = cx.until();
        let (wire, accept) = wire(params, cx)?;
        let answer = cx
            .tools
            .http
            .send(cx.tools.endpoints.get("http"), wire, &until)
            .await?;
        if !accept.iter().any(|a| a.takes(answer.status))
            && let Some(failure) = answer.failure()
        {
            return Err(failure);
        }
        output(&answer, cx)
    }
}

pub(super) fn wire(params: Params, cx: &Context) -> Result<(Wire, Vec<Accepted>), Failure> {
    let readable = |path: &str| cx.tools.files.readable(&cx.base_dir, path);
    let mut query = Vec::new();
    for (name, values) in &params.query {
        match values {
            Values::One(value) => query.push((name.clone(), value.text())),
            Values::Several(values) => query.extend(values.iter().map(|v| (name.clone(), v.text()))),
        }
    }
    let plain = params
        .headers
        .into_iter()
        .map(|(name, value)| (name, Text::Plain(value.text())));
    let secret = params
        .secret_headers
        .into_iter()
        .map(|(name, value)| (name, Text::Secret(value)));
    let mut limits = Limits {
        body: params.max_body.0.max(0.0) as u64,
        ..Limits::default()
    };
    if let Some(timeout) = params.timeout {
        limits.total = std::time::Duration::try_from_secs_f64(timeout.0.max(0.0)).unwrap_or(LONGEST);
        // Who allows a long exchange allows the server to think that long.
        limits.headers = limits.total;
    }
    let wire = Wire {
        method: params.method.word().to_owned(),
        url: params.url,
        query,
        headers: plain.chain(secret).collect(),
        body: body::build(
            Asked {
                json: params.json,
                text: params.text,
                form: params.form,
                secret_form: params.secret_form,
                file: params.file,
                template: params.template,
            },
            cx,
        )?,
        auth: params.auth.map(|auth| match auth {
            Auth::Basic(basic) => WireAuth::Basic {
                username: basic.username,
                password: basic.password,
            },
            Auth::Bearer(token) => WireAuth::Bearer { token },
        }),
        host: params.host,
        ca: params.ca.as_deref().map(readable).transpose()?,
        client_certificate: params
            .client_certificate
            .map(|c| Ok::<_, Failure>((readable(&c.certificate)?, readable(&c.key)?)))
            .transpose()?,
        redirects: u32::from(params.redirects),
        limits,
    };
    Ok((wire, params.accept))
}

fn output(answer: &Response, cx: &Context) -> Result<Output, Failure> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &answer.headers {
        headers
            .entry(name.clone())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(value);
            })
            .or_insert_with(|| value.clone());
    }
    // Who promises JSON has to keep it; of others JSON is taken when it is there.
    let json = if answer.body.is_empty() {
        None
    } else if answer.is_json() {
        Some(answer.json()?)
    } else {
        answer.json().ok()
    };
    let text = (answer.body.len() <= TEXT_CAP)
        .then(|| answer.text().ok())
        .flatten();
    let file = match text {
        Some(_) => None,
        None => Some(keep(answer, cx)?),
    };
    Ok(Output {
        status: answer.status,
        headers,
        json,
        text,
        file,
        elapsed: Duration(answer.elapsed.as_secs_f64()),
        size: Bytes(answer.body.len() as f64),
    })
}

fn keep(answer: &Response, cx: &Context) -> Result<String, Failure> {
    let masked = cx.tools.redactor.redact_bytes(&answer.body);
    cx.artifact("body")
        .and_then(|path| std::fs::write(&path, masked).map(|()| path.display().to_string()))
        .map_err(|e| {
            Failure::new(
                Class::Internal,
                format!("{}: the answer cannot be kept: {e}", answer.request),
            )
        })
}

const fn max_body() -> Bytes {
    Bytes(16_777_216.0)
}
