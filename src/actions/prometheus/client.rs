//! Prometheus' HTTP API: the envelope of its answers, and what its errors mean.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::http::{Request, Response};

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope {
    status: String,
    data: Option<Json>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    error_type: String,
    error: String,
}

/// An answer's data with what Prometheus says about it.
pub(super) struct Answer<T> {
    pub data: T,
    /// Why the answer may not be whole.
    pub warnings: Vec<String>,
}

/// Asks the environment's Prometheus: `get(cx, "query", &[("query", text)])`.
///
/// # Errors
/// What the connection, the server's refusal or an answer of another shape gives.
pub(super) async fn get<T: DeserializeOwned>(
    cx: &Context,
    call: &str,
    query: &[(&str, String)],
) -> Result<Answer<T>, Failure> {
    let endpoint = cx.endpoint("prometheus", "Prometheus")?;
    let mut request = Request::new("GET", format!("api/v1/{call}"));
    request.query = query.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let response = cx.send(endpoint, request).await?;
    if let Some(failure) = refused(&response) {
        return Err(failure);
    }
    let unlike =
        |e: &dyn std::fmt::Display| response.unreadable(&format!("it is not what Prometheus promises: {e}"));
    let json = response.json()?;
    // A struct could also be read from a list, which Prometheus never gives.
    if !json.is_object() {
        return Err(unlike(&"an object"));
    }
    let envelope: Envelope = serde_json::from_value(json).map_err(|e| unlike(&e))?;
    if envelope.status != "success" {
        return Err(unlike(&format!("the status is `{}`", envelope.status)));
    }
    let data = envelope.data.ok_or_else(|| unlike(&"there is no `data`"))?;
    Ok(Answer {
        data: serde_json::from_value(data).map_err(|e| unlike(&e))?,
        warnings: envelope.warnings,
    })
}

/// The failure an answer stands for; none for a 2xx.
fn refused(response: &Response) -> Option<Failure> {
    let mut failure = response.failure()?;
    if let Ok(said) = serde_json::from_slice::<Refusal>(&response.body) {
        failure.class = match said.error_type.as_str() {
            // A query that would load too much, or whose labels collide, is as wrong as one that cannot be read.
            "bad_data" | "execution" => Class::Invalid,
            "timeout" | "canceled" => Class::Timeout,
            "not_found" => Class::NotFound,
            "unavailable" => Class::Unavailable,
            "internal" => Class::Server,
            _ => failure.class,
        };
        failure.message = format!("{}: {}", response.request, said.error);
        failure.reason = Some(said.error_type);
    } else if matches!(response.status, 404 | 405) {
        // Not `not_found`: the thing asked for may well exist.
        failure.class = Class::UnreadableAnswer;
        failure = failure.help("is the endpoint's url that of a Prometheus, without `/api/v1`?");
    }
    Some(failure)
}

/// Makes the step inconclusive, and says why.
pub(super) fn unsure(cx: &Context, id: &str, text: impl Into<String>, why: impl Into<String>) {
    cx.checks.add(OwnCheck {
        id: id.to_owned(),
        text: text.into(),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(Verdict::Inconclusive, why),
    });
}

/// An answer that Prometheus itself calls incomplete shows nothing.
pub(super) fn whole(cx: &Context, warnings: &[String]) {
    if !warnings.is_empty() {
        unsure(
            cx,
            "whole",
            "the answer is whole",
            format!("Prometheus warns: {}", warnings.join("; ")),
        );
    }
}
