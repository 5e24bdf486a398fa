//! MLflow's REST API over the shared HTTP client: paths, bodies, and answers decoded or refused.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::outputs::Deleted;
use super::refusal;
use super::wire::Done;
use crate::action::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::http::{Body, Limits, Request, Response};

/// The version of the REST API that every call here belongs to.
const API: &str = "api/2.0/mlflow";

/// A connection to the environment's MLflow, for one step.
pub(super) struct Client<'a> {
    cx: &'a Context,
    endpoint: &'a Endpoint,
}

impl<'a> Client<'a> {
    /// The client of this step.
    ///
    /// # Errors
    /// Class `missing` when the environment names no MLflow.
    pub(super) fn new(cx: &'a Context) -> Result<Self, Failure> {
        let endpoint = cx.tools.endpoints.get("mlflow").ok_or_else(|| {
            Failure::new(Class::Missing, "the environment has no endpoint `mlflow`").help(
                "name it in the environment file: `endpoints: {mlflow: {url: http://...}}`, and give the file with \
                 --env",
            )
        })?;
        Ok(Self { cx, endpoint })
    }

    /// Asks: `get("runs/get", &[("run_id", id)])`.
    ///
    /// # Errors
    /// What the connection, the server's refusal or an answer of another shape gives.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failure> {
        decode(
            &self
                .send(
                    "GET",
                    format!("{API}/{call}"),
                    query,
                    Body::None,
                    Limits::default(),
                )
                .await?,
        )
    }

    /// Sends a JSON body, which is built here and never from text: MLflow answers 200 to a body it cannot read.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn post<T: DeserializeOwned>(&self, call: &str, body: &Json) -> Result<T, Failure> {
        self.with_body("POST", call, body).await
    }

    /// Deletes, which MLflow has under two methods, with the parameters in a JSON body both times. What is not there is
    /// no failure.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn delete(&self, method: &str, call: &str, body: &Json) -> Result<Deleted, Failure> {
        match self.with_body::<Done>(method, call, body).await {
            Ok(_) => Ok(Deleted { deleted: true }),
            Err(gone) if gone.class == Class::NotFound => Ok(Deleted { deleted: false }),
            Err(other) => Err(other),
        }
    }

    /// The bytes of a file, at most `limit` of them; `path` is below the server's root, not below the API.
    ///
    /// # Errors
    /// As [`Client::get`]; class `too_large` beyond the limit.
    pub(super) async fn bytes(
        &self,
        path: &str,
        query: &[(&str, &str)],
        limit: u64,
    ) -> Result<Vec<u8>, Failure> {
        let limits = Limits {
            body: limit,
            // A file may take as long as its step may.
            total: self
                .cx
                .deadline
                .saturating_duration_since(std::time::Instant::now()),
            ..Limits::default()
        };
        Ok(self
            .send("GET", path.to_owned(), query, Body::None, limits)
            .await?
            .body)
    }

    async fn with_body<T: DeserializeOwned>(
        &self,
        method: &str,
        call: &str,
        body: &Json,
    ) -> Result<T, Failure> {
        let body = Body::Bytes {
            content_type: Some("application/json".to_owned()),
            bytes: body.to_string().into_bytes(),
        };
        decode(
            &self
                .send(method, format!("{API}/{call}"), &[], body, Limits::default())
                .await?,
        )
    }

    async fn send(
        &self,
        method: &str,
        url: String,
        query: &[(&str, &str)],
        body: Body,
        limits: Limits,
    ) -> Result<Response, Failure> {
        let request = Request {
            method: method.to_owned(),
            url,
            query: query
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            body,
            limits,
            ..Request::default()
        };
        let response = self.cx.send(self.endpoint, request).await?;
        match refusal::of(&response) {
            Some(failure) => Err(failure),
            None => Ok(response),
        }
    }
}

/// Reads an answer of the promised shape; MLflow adds keys with every version, so unknown ones are passed over.
fn decode<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    let json = response.json()?;
    // A struct could also be read from a list, which MLflow never gives.
    let Some(empty) = json.as_object().map(serde_json::Map::is_empty) else {
        return Err(response.unreadable("it is not what MLflow promises: an object"));
    };
    serde_json::from_value(json).map_err(|e| {
        let failure = response.unreadable(&format!("it is not what MLflow promises: {e}"));
        if empty {
            failure.help(
                "MLflow answers 200 with `{}` when it could not read the request; is a proxy changing it?",
            )
        } else {
            failure
        }
    })
}
