//! Requests that ask who answers, sent at an even rate.

use std::collections::BTreeMap;
use std::time::{Duration as Span, Instant};

use futures_util::{Stream, StreamExt as _, stream};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure, ParamProblem};
use crate::tools::Endpoint;
use crate::tools::http::{Request, Response, Text};
use crate::value::Rate;

/// No more requests than this are open at a time; beyond it the rate falls.
const OPEN: usize = 64;

/// What is sent, and where its answer says which version it is from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// The path below the URL of the environment's endpoint `traffic`.
    #[serde(default)]
    path: String,
    /// The method.
    #[serde(default)]
    method: Method,
    /// A JSON body.
    #[serde(default)]
    json: Option<Json>,
    /// Headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Where an answer says which version it is from.
    version: Source,
}

/// A method.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Post,
}

/// Where an answer says which version it is from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// A header of the answer, which errors have too: `x-model-version`.
    Header(String),
    /// A place in the JSON of the answer, as a JSON pointer: `/model_version`.
    Json(String),
}

/// One request and what came of it.
#[derive(Debug)]
pub(super) struct Answered {
    /// When it was sent.
    pub at: Timestamp,
    /// Which version answered, when that is known.
    pub version: Option<String>,
    /// Whether the answer was a 2xx.
    pub good: bool,
    /// Why nothing is known of it.
    pub failure: Option<Failure>,
}

impl Probe {
    /// Sends requests at an even rate, `most` of them at most, and gives the answers in the order they were sent.
    pub fn run<'a>(
        &'a self,
        cx: &'a Context,
        endpoint: &'a Endpoint,
        rate: Rate,
        most: u64,
    ) -> impl Stream<Item = Answered> + 'a {
        let start = Instant::now();
        let due = stream::unfold(0_u64, move |n| async move {
            if n >= most {
                return None;
            }
            let at = start + Span::try_from_secs_f64(n as f64 / rate.0).unwrap_or(Span::MAX / 4);
            tokio::time::sleep_until(at.into()).await;
            Some(((), n + 1))
        });
        due.map(move |()| self.send(cx, endpoint)).buffered(OPEN)
    }

    async fn send(&self, cx: &Context, endpoint: &Endpoint) -> Answered {
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let mut request = Request::new(method, self.path.clone());
        if let Some(json) = &self.json {
            request = request.json(json);
        }
        let headers = self.headers.iter();
        request.headers = headers
            .map(|(k, v)| (k.clone(), Text::Plain(v.clone())))
            .collect();
        let at = Timestamp::now();
        match cx.send(endpoint, request).await {
            Err(failure) => Answered {
                at,
                version: None,
                good: false,
                failure: Some(failure),
            },
            Ok(response) => {
                let version = self.version(&response);
                Answered {
                    at,
                    good: response.failure().is_none(),
                    failure: version.is_none().then(|| self.unknown(&response)),
                    version,
                }
            }
        }
    }

    fn version(&self, response: &Response) -> Option<String> {
        let text = match &self.version {
            Source::Header(name) => response.header(name)?.trim().to_owned(),
            Source::Json(pointer) => match response.json().ok()?.pointer(pointer)? {
                Json::String(text) => text.clone(),
                Json::Number(number) => number.to_string(),
                _ => return None,
            },
        };
        (!text.is_empty()).then_some(text)
    }

    /// An answer that says no version: its status says why, or it is not what was expected.
    fn unknown(&self, response: &Response) -> Failure {
        response.failure().unwrap_or_else(|| {
            response.unreadable(&match &self.version {
                Source::Header(name) => format!("it has no header `{name}` that names a version"),
                Source::Json(pointer) => format!("it has no version at `{pointer}`"),
            })
        })
    }
}

/// Failures that more requests cannot cure.
pub(super) fn hopeless(failure: &Failure, cx: &Context) -> bool {
    matches!(
        failure.class,
        Class::Cancelled | Class::NotGranted | Class::BadParameter | Class::Missing | Class::Internal
    ) || Instant::now() >= cx.deadline
}

/// A body belongs to a POST; for `validate`.
pub(super) fn problems(params: &Json) -> Vec<ParamProblem> {
    let method = params.pointer("/request/method").and_then(Json::as_str);
    if params.pointer("/request/json").is_none() || method == Some("POST") {
        return Vec::new();
    }
    vec![ParamProblem {
        pointer: "/request/json".to_owned(),
        key: Some("json".to_owned()),
        message: "a GET request has no body".to_owned(),
        help: Some("add `method: POST`".to_owned()),
    }]
}

/// A rate at which requests can be sent.
///
/// # Errors
/// Class `bad_parameter` when it is not positive.
pub(super) fn positive(rate: Rate) -> Result<Rate, Failure> {
    if rate.0.is_finite() && rate.0 > 0.0 {
        Ok(rate)
    } else {
        Err(Failure::new(
            Class::BadParameter,
            format!("`rate` must be positive, not {rate}"),
        ))
    }
}
