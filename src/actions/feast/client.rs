//! The feature server over the shared HTTP client.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::refusal;
use crate::action::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::http::{Limits, Request, Response};

/// A connection to the environment's feature server, for one step.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    cx: &'a Context,
    endpoint: &'a Endpoint,
}

impl<'a> Client<'a> {
    /// The client of this step.
    ///
    /// # Errors
    /// Class `missing` when the environment names no feature server.
    pub(super) fn new(cx: &'a Context) -> Result<Self, Failure> {
        Ok(Self {
            cx,
            endpoint: endpoint(cx)?,
        })
    }

    /// Sends a JSON body and gives the answer, 2xx.
    ///
    /// # Errors
    /// What the connection or the server's refusal gives.
    pub(super) async fn post(&self, call: &str, body: &Json, total: Duration) -> Result<Response, Failure> {
        let mut request = Request::new("POST", call).json(body);
        request.limits = Limits {
            total,
            // The server computes before it sends the head.
            headers: total,
            body: 64 << 20,
            ..Limits::default()
        };
        let response = self.cx.send(self.endpoint, request).await?;
        match refusal::of(&response) {
            Some(mut failure) => {
                failure.message = self.cx.tools.redactor.redact(&failure.message);
                Err(failure)
            }
            None => Ok(response),
        }
    }

    /// As [`Client::post`], for work that may take as long as its step.
    ///
    /// # Errors
    /// As [`Client::post`]; and an answer other than the empty one these calls give.
    pub(super) async fn act(&self, call: &str, body: &Json) -> Result<(), Failure> {
        let left = self.cx.deadline.saturating_duration_since(Instant::now());
        let response = self.post(call, body, left).await?;
        let said = String::from_utf8_lossy(&response.body);
        if matches!(said.trim(), "" | "null") {
            return Ok(());
        }
        Err(response.unreadable("the feature server answers this with nothing"))
    }
}

/// The endpoint of the family.
///
/// # Errors
/// Class `missing` when the environment names none.
pub(super) fn endpoint(cx: &Context) -> Result<&Endpoint, Failure> {
    cx.tools.endpoints.get("feast").ok_or_else(|| {
        Failure::new(Class::Missing, "the environment has no endpoint `feast`").help(
            "name it in the environment file: `endpoints: {feast: {url: http://...}}`, and give the file with --env",
        )
    })
}
