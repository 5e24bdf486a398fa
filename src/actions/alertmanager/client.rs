//! Alertmanager's HTTP API.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::outputs::{Alert, Row};
use crate::action::{Class, Context, Failure};
use crate::tools::http::{Request, Response};

/// The alerts that are not resolved, suppressed ones among them.
///
/// # Errors
/// What the connection, the server's refusal or an answer of another shape gives.
pub(super) async fn alerts(cx: &Context) -> Result<Vec<Alert>, Failure> {
    let mut request = Request::new("GET", "api/v2/alerts");
    // The defaults of today, said so that another default cannot hide some.
    for state in ["active", "silenced", "inhibited", "unprocessed"] {
        request = request.query(state, "true");
    }
    let rows: Vec<Row> = read(&send(cx, request).await?)?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

/// When the server was started, as it says itself: another answer later means that it has forgotten its alerts.
///
/// # Errors
/// As [`alerts`].
pub(super) async fn started(cx: &Context) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Status {
        uptime: String,
    }
    let status: Status = read(&send(cx, Request::new("GET", "api/v2/status")).await?)?;
    Ok(status.uptime)
}

/// Hands over alerts.
///
/// # Errors
/// As [`alerts`].
pub(super) async fn post(cx: &Context, alerts: &Json) -> Result<(), Failure> {
    let response = send(cx, Request::new("POST", "api/v2/alerts").json(alerts)).await?;
    if response.body.is_empty() {
        return Ok(());
    }
    Err(response.unreadable("Alertmanager answers with nothing when it has taken an alert"))
}

async fn send(cx: &Context, request: Request) -> Result<Response, Failure> {
    let endpoint = cx.endpoint("alertmanager", "Alertmanager")?;
    let response = cx.send(endpoint, request).await?;
    match refused(&response) {
        Some(failure) => Err(failure),
        None => Ok(response),
    }
}

/// The failure an answer stands for; none for a 2xx.
fn refused(response: &Response) -> Option<Failure> {
    let mut failure = response.failure()?;
    // Its refusals are a text in JSON, without an object around it.
    if let Ok(said) = serde_json::from_slice::<String>(&response.body) {
        failure.message = format!("{}: {said}", response.request);
    } else if matches!(response.status, 404 | 405) {
        // Not `not_found`: the thing asked for may well exist.
        failure.class = Class::UnreadableAnswer;
        failure = failure.help("is the endpoint's url that of an Alertmanager, without `/api/v2`?");
    }
    Some(failure)
}

fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    serde_json::from_value(response.json()?)
        .map_err(|e| response.unreadable(&format!("it is not what Alertmanager promises: {e}")))
}
