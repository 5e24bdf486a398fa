//! The API server, version `v2beta1`, over the shared HTTP client: paths, bodies, and answers decoded or refused.

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::wire::Experiments;
use crate::action::{Class, Context, Failure};
use crate::tools::Endpoint;
use crate::tools::http::Request;

/// The version of the API that every call here belongs to.
const API: &str = "apis/v2beta1";
/// The operation `equals` of a filter.
const EQUALS: u8 = 1;

/// A connection to the environment's API server, for one step.
pub(super) struct Client<'a> {
    cx: &'a Context,
    endpoint: &'a Endpoint,
}

impl<'a> Client<'a> {
    /// The client of this step.
    ///
    /// # Errors
    /// Class `missing` when the environment names no API server.
    pub(super) fn new(cx: &'a Context) -> Result<Self, Failure> {
        let endpoint = cx.tools.endpoints.get("kfp").filter(|e| e.url.is_some()).ok_or_else(|| {
            Failure::new(Class::Missing, "the environment has no API server of Kubeflow Pipelines").help(
                "name it in the environment file: `endpoints: {kfp: {url: https://..., token: ...}}`, and give the file \
                 with --env",
            )
        })?;
        Ok(Self { cx, endpoint })
    }

    /// # Errors
    /// What the connection, the server's refusal or an answer of another shape gives.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: &str,
        query: &[(&str, String)],
    ) -> Result<T, Failure> {
        let mut request = Request::new("GET", format!("{API}/{call}"));
        request.query = query.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        self.send(request).await
    }

    /// # Errors
    /// As [`Client::get`].
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        call: &str,
        body: Option<&Json>,
    ) -> Result<T, Failure> {
        let request = Request::new("POST", format!("{API}/{call}"));
        self.send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// The id of the experiment with this name.
    ///
    /// # Errors
    /// Class `not_found` when there is none.
    pub(super) async fn experiment(&self, name: &str, namespace: Option<&str>) -> Result<String, Failure> {
        let query = [
            ("filter", equals("display_name", name)),
            ("namespace", namespace.unwrap_or_default().to_owned()),
        ];
        let found: Experiments = self.get("experiments", &query).await?;
        let mut named = found.experiments.into_iter().filter(|e| e.display_name == name);
        named
            .next()
            .map(|e| e.experiment_id)
            .ok_or_else(|| Failure::new(Class::NotFound, format!("there is no experiment `{name}`")))
    }

    async fn send<T: DeserializeOwned>(&self, request: Request) -> Result<T, Failure> {
        let response = self.cx.send(self.endpoint, request).await?;
        if let Some(mut failure) = response.failure() {
            if matches!(response.status, 404 | 405) && response.json().is_err() {
                // Not `not_found`: the run asked for may well exist.
                failure.class = Class::UnreadableAnswer;
                failure = failure.help("is the endpoint's url that of an API server of Kubeflow Pipelines?");
            }
            return Err(failure);
        }
        let json = response.json()?;
        if !json.is_object() {
            return Err(response.unreadable("it is not what the API promises: an object"));
        }
        serde_json::from_value(json)
            .map_err(|e| response.unreadable(&format!("it is not what the API promises: {e}")))
    }
}

/// A filter as the SDK writes it.
pub(super) fn equals(key: &str, value: &str) -> String {
    json!({ "predicates": [{ "operation": EQUALS, "key": key, "stringValue": value }] }).to_string()
}

/// Whether a text is an id, and no way to another address.
///
/// # Errors
/// Class `bad_parameter`.
pub(super) fn id(text: &str) -> Result<&str, Failure> {
    if !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    {
        Ok(text)
    } else {
        Err(Failure::new(
            Class::BadParameter,
            format!("`{text}` is not the id of a run"),
        ))
    }
}
