//! Why an action could not do its work.

use serde::{Deserialize, Serialize};

/// The kind of failure: what `expect_failure` names and reports group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing listens, the name does not resolve, the connection broke.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// The TLS handshake or a certificate was refused.
    Tls,
    /// Who is asking is not known (HTTP 401).
    Unauthorized,
    /// Who is asking may not (HTTP 403).
    Forbidden,
    /// What was asked for does not exist (HTTP 404).
    NotFound,
    /// It exists already, or was changed meanwhile (HTTP 409).
    Conflict,
    /// The service says the request is wrong (other 4xx).
    Invalid,
    /// An admission policy refused it.
    Denied,
    /// Too many requests (HTTP 429).
    RateLimited,
    /// The service says it cannot now (HTTP 503).
    Unavailable,
    /// The service broke (other 5xx).
    Server,
    /// The answer cannot be read: not the promised format, cut off, too deep.
    UnreadableAnswer,
    /// The answer is larger than allowed, before or after inflation.
    TooLarge,
    /// A redirect that was not allowed, or too many.
    Redirect,
    /// A program ended with a code that was not expected.
    ExitCode,
    /// A program, file or endpoint that is needed is missing.
    Missing,
    /// A parameter's value cannot be used.
    BadParameter,
    /// A capability was not granted.
    NotGranted,
    /// The run was stopped.
    Cancelled,
    /// A mistake in specrun itself.
    Internal,
}

impl Class {
    pub const ALL: [Self; 21] = [
        Self::Unreachable,
        Self::Timeout,
        Self::Tls,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Invalid,
        Self::Denied,
        Self::RateLimited,
        Self::Unavailable,
        Self::Server,
        Self::UnreadableAnswer,
        Self::TooLarge,
        Self::Redirect,
        Self::ExitCode,
        Self::Missing,
        Self::BadParameter,
        Self::NotGranted,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The YAML name.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Whether trying again may help by itself.
    #[must_use]
    pub const fn retriable(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Timeout
                | Self::RateLimited
                | Self::Unavailable
                | Self::Server
                | Self::NotFound
        )
    }
}

/// A classed failure with everything a report shows of it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    pub class: Class,
    /// One line: what was being done and what came back.
    pub message: String,
    /// The HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The exit code of a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The service's own code or reason: `RESOURCE_DOES_NOT_EXIST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More lines: the request that was sent, the start of the answer, the last lines of a program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// How to cure it, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// How long the service asks to wait before the next try, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<f64>,
}

impl Failure {
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            status: None,
            exit_code: None,
            reason: None,
            details: Vec::new(),
            help: None,
            retry_after: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.class.word())
    }
}
