//! What an action asks for.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::tools::endpoint::Auth;
use crate::value::Secret;

/// A request as an action asks for it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `POST`, ...; empty is `GET`.
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

impl Request {
    /// A request without anything else.
    #[must_use]
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            ..Self::default()
        }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Body::Bytes {
            content_type: Some("application/json".to_owned()),
            bytes: value.to_string().into_bytes(),
        };
        self
    }

    /// With one more query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }
}

/// A header value, which may be a secret.
#[derive(Clone, Debug)]
pub enum Text {
    Plain(String),
    Secret(Secret),
}

impl Text {
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
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
    /// Until the head of the answer is there. While a file is sent, only `total` holds.
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

/// When an exchange must give up.
#[derive(Clone, Debug)]
pub struct Until {
    pub deadline: Instant,
    pub cancel: CancellationToken,
}
