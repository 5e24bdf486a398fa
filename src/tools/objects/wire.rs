//! The library's requests, sent by the program's own HTTP client.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};

use super::refusal;
use crate::check::{Class, Failure};
use crate::tools::http::{Body, Limits, Request, Response, Text, Until};
use crate::tools::{Endpoint, Tools};
use crate::value::Secret;

/// One answer at most; objects come in parts that are smaller.
const MOST: u64 = 64 << 20;
/// Headers that the client sets itself.
const OWN: [&str; 3] = ["host", "content-length", "user-agent"];

/// Sends, and remembers what went wrong: the library's errors are texts.
pub(super) struct Wire {
    tools: Arc<Tools>,
    endpoint: Endpoint,
    until: Until,
    last: Mutex<Option<Failure>>,
}

#[derive(Debug)]
pub(super) struct Connector(pub(super) Arc<Wire>);

#[derive(Debug)]
struct Service(Arc<Wire>);

impl Wire {
    pub(super) fn new(tools: Arc<Tools>, endpoint: Endpoint, until: Until) -> Self {
        Self {
            tools,
            endpoint,
            until,
            last: Mutex::default(),
        }
    }

    /// What went wrong last.
    pub(super) fn take(&self) -> Option<Failure> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep(&self, failure: Option<Failure>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// Sends, and refuses what only looks like a list: the library takes any XML, and nothing, for an empty one.
    async fn send(&self, request: HttpRequest) -> Result<Response, Failure> {
        let lists = request.uri().query().is_some_and(|q| q.contains("list-type="));
        let response = self.exchange(request).await?;
        let is_list = || String::from_utf8_lossy(&response.body).contains("<ListBucketResult");
        if lists && (200..300).contains(&response.status) && !is_list() {
            return Err(response.unreadable("it is no list of objects"));
        }
        Ok(response)
    }

    async fn exchange(&self, request: HttpRequest) -> Result<Response, Failure> {
        let (parts, body) = request.into_parts();
        let broken = |what: &dyn fmt::Display| Failure::new(Class::Internal, format!("the request: {what}"));
        let bytes = body.collect().await.map_err(|e| broken(&e))?.to_bytes().to_vec();
        let mut headers = Vec::new();
        for (name, value) in &parts.headers {
            if OWN.contains(&name.as_str()) {
                continue;
            }
            let text = value.to_str().map_err(|e| broken(&e))?.to_owned();
            let text = if name.as_str() == "authorization" {
                Text::Secret(Secret::new("s3 signature", text))
            } else {
                Text::Plain(text)
            };
            headers.push((name.as_str().to_owned(), text));
        }
        let request = Request {
            method: parts.method.as_str().to_owned(),
            url: parts.uri.to_string(),
            headers,
            body: if bytes.is_empty() {
                Body::None
            } else {
                Body::Bytes {
                    content_type: None,
                    bytes,
                }
            },
            limits: Limits {
                total: self.until.deadline.saturating_duration_since(Instant::now()),
                body: MOST,
                // A table of zeros may be compressed far more than text.
                inflation: u64::MAX,
                ..Limits::default()
            },
            ..Request::default()
        };
        self.tools
            .http
            .send(Some(&self.endpoint), request, &self.until)
            .await
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let given_up = |failure: Failure| {
            let error = std::io::Error::other(failure.message.clone());
            self.keep(Some(failure));
            HttpError::new(HttpErrorKind::Unknown, error)
        };
        let response = self.send(request).await.map_err(given_up)?;
        self.keep(refusal::of(&response).map(|mut failure| {
            failure.message = self.tools.redactor.redact(&failure.message);
            failure
        }));
        let status = response.status;
        let headers = response.headers;
        let mut answer = HttpResponse::new(HttpResponseBody::from(response.body));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (
                HeaderName::from_bytes(name.as_bytes()),
                HeaderValue::from_str(&value),
            ) {
                answer.headers_mut().append(name, value);
            }
        }
        Ok(answer)
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(Arc::clone(&self.0))))
    }
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Service {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Answering<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.0.call(request))
    }
}
