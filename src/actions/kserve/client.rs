//! One model server over the shared HTTP client: requests, and answers decoded or refused.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::protocol::Protocol;
use super::refusal;
use crate::action::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::http::{Body, Limits, Request, Response};

/// A connection to the environment's model server, for one step.
pub(super) struct Client<'a> {
    cx: &'a Context,
    endpoint: &'a Endpoint,
    protocol: Protocol,
}

impl<'a> Client<'a> {
    /// The client of this step.
    ///
    /// # Errors
    /// Class `missing` when the environment names no model server.
    pub(super) fn new(cx: &'a Context, protocol: Protocol) -> Result<Self, Failure> {
        Ok(Self {
            cx,
            endpoint: endpoint(cx)?,
            protocol,
        })
    }

    /// Asks for what is at a path.
    ///
    /// # Errors
    /// What the connection or the server's refusal gives.
    pub(super) async fn get(&self, path: String) -> Result<Response, Failure> {
        let request = Request::new("GET", path);
        self.send(request).await
    }

    /// Sends a body and waits as long as the step may: a model may think.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn post(&self, path: String, body: Vec<u8>) -> Result<Response, Failure> {
        let mut request = Request::new("POST", path);
        request.body = Body::Bytes {
            content_type: Some("application/json".to_owned()),
            bytes: body,
        };
        let left = self.cx.deadline.saturating_duration_since(Instant::now());
        request.limits = patient(left);
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, Failure> {
        let response = self.cx.send(self.endpoint, request).await?;
        match refusal::of(&response, self.protocol, &self.cx.tools.redactor) {
            Some(failure) => Err(failure),
            None => Ok(response),
        }
    }
}

/// The environment's model server.
///
/// # Errors
/// Class `missing` when it names none.
pub(super) fn endpoint(cx: &Context) -> Result<&Endpoint, Failure> {
    cx.tools.endpoints.get("kserve").ok_or_else(|| {
        Failure::new(Class::Missing, "the environment has no endpoint `kserve`").help(
            "name it in the environment file: `endpoints: {kserve: {url: http://..., host: ...}}`, and give the file \
             with --env",
        )
    })
}

const fn patient(left: Duration) -> Limits {
    Limits {
        total: left,
        headers: left,
        body: 64 << 20,
        inflation: 100,
    }
}

/// An answer that is an object, as every one of these protocols is.
///
/// # Errors
/// Class `unreadable_answer` for everything else.
pub(super) fn object(response: &Response) -> Result<serde_json::Map<String, Json>, Failure> {
    match response.json()? {
        Json::Object(fields) => Ok(fields),
        _ => Err(response.unreadable("it is not what the protocol promises: an object")),
    }
}
