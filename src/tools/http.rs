//! The HTTP client every family uses: one place for limits, classes, grants and masking.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::endpoint::{Auth, Endpoint};
use crate::check::Failure;
use crate::value::Secret;

/// A request as an action asks for it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, ...
    pub method: String,
    /// A whole URL, or a path below the endpoint's URL.
    pub url: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, Text)>,
    pub body: Body,
    pub auth: Option<Auth>,
    /// `Host` header and TLS name, when other than the URL's.
    pub host: Option<String>,
    pub ca: Option<PathBuf>,
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// How many redirects to follow; 0 gives the redirect itself as the answer.
    pub redirects: u32,
    pub limits: Limits,
}

/// A header value, which may be a secret.
#[derive(Clone, Debug)]
pub enum Text {
    Plain(String),
    Secret(Secret),
}

#[derive(Clone, Debug, Default)]
pub enum Body {
    #[default]
    None,
    Bytes {
        content_type: Option<String>,
        bytes: Vec<u8>,
    },
    /// Streamed, so its size is not bounded by memory.
    File {
        content_type: Option<String>,
        path: PathBuf,
    },
}

/// Caps of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole exchange; the step's deadline also holds.
    pub total: Duration,
    /// Until the head of the answer is there.
    pub headers: Duration,
    /// Bytes of the body after inflation.
    pub body: u64,
    /// Inflated over received bytes, once more than 1 MiB came out.
    pub inflation: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(30),
            headers: Duration::from_secs(10),
            body: 16 << 20,
            inflation: 100,
        }
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order received; a name may come twice.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// From the first byte sent to the last received.
    pub elapsed: Duration,
    /// `POST http://127.0.0.1:5000/api/...`, for messages; secrets masked.
    pub request: String,
}

/// When an exchange must give up.
#[derive(Clone, Debug)]
pub struct Until {
    pub deadline: Instant,
    pub cancel: CancellationToken,
}

/// To be implemented by the tools author:
/// `Http::new(grants: Arc<Grants>, redactor: Arc<Redactor>) -> Http`
/// `async fn send(&self, endpoint: Option<&Endpoint>, request: Request, until: &Until) -> Result<Response, Failure>`
/// `Response::header(&self, name) -> Option<&str>`, `Response::json(&self) -> Result<Json, Failure>` (depth, NaN, size),
/// `Response::text(&self) -> Result<String, Failure>`, `Response::failure(&self) -> Option<Failure>` (2xx gives none).
pub struct Http;
