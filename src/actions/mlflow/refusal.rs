//! What MLflow means when it refuses.
//!
//! Its status codes do not say it alone: an unknown alias is a 400, an unknown address a 404 in HTML, and a 403 may
//! come from the check of the `Host` header, which has nothing to do with who is asking.

use serde::Deserialize;

use crate::action::{Class, Failure};
use crate::tools::http::Response;

/// The failure an answer stands for; none for a 2xx.
pub(super) fn of(response: &Response) -> Option<Failure> {
    let failure = response.failure()?;
    match serde_json::from_slice::<ErrorBody>(&response.body) {
        Ok(body) => Some(said(failure, &body)),
        Err(_) => Some(unsaid(failure, response)),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    error_code: String,
    #[serde(default)]
    message: String,
}

/// A refusal in MLflow's own form, whose code is surer than the status.
fn said(mut failure: Failure, body: &ErrorBody) -> Failure {
    failure.class = match body.error_code.as_str() {
        "RESOURCE_DOES_NOT_EXIST" | "NOT_FOUND" => Class::NotFound,
        // An unknown alias is the one thing that is not there and not called so.
        "INVALID_PARAMETER_VALUE"
            if body.message.starts_with("Registered model alias") && body.message.contains("not found") =>
        {
            Class::NotFound
        }
        "RESOURCE_ALREADY_EXISTS" | "RESOURCE_CONFLICT" => Class::Conflict,
        "UNAUTHENTICATED" | "CUSTOMER_UNAUTHORIZED" => Class::Unauthorized,
        "PERMISSION_DENIED" => Class::Forbidden,
        "REQUEST_LIMIT_EXCEEDED" | "RESOURCE_EXHAUSTED" | "RESOURCE_LIMIT_EXCEEDED" => Class::RateLimited,
        "TEMPORARILY_UNAVAILABLE" => Class::Unavailable,
        "INVALID_PARAMETER_VALUE" | "BAD_REQUEST" | "INVALID_STATE" | "ENDPOINT_NOT_FOUND" => Class::Invalid,
        _ => failure.class,
    };
    failure
}

/// A refusal in some other form: by a part of MLflow in front of its API, or by something else altogether.
fn unsaid(mut failure: Failure, response: &Response) -> Failure {
    let text = String::from_utf8_lossy(&response.body);
    if response.status == 403 && text.starts_with("Invalid Host header") {
        // Not `forbidden`: that would let a spec that expects a user to be refused pass.
        failure.class = Class::Invalid;
        failure.reason = Some("INVALID_HOST_HEADER".to_owned());
        failure.message = format!(
            "{}: MLflow does not accept this Host header (403)",
            response.request
        );
        return failure.help(
            "start the server with --allowed-hosts, or give the endpoint `host:` with a name that it accepts",
        );
    }
    if response.status == 403 && text.starts_with("Cross-origin request blocked") {
        failure.class = Class::Invalid;
        failure.reason = Some("CROSS_ORIGIN".to_owned());
        failure.message = format!(
            "{}: MLflow does not accept this Origin header (403)",
            response.request
        );
        return failure.help("take the `origin` header out of the endpoint's headers");
    }
    if matches!(response.status, 404 | 405) {
        // Not `not_found`: the thing asked for may well exist.
        failure.class = Class::UnreadableAnswer;
        failure.message = format!(
            "{}: there is no such address at this server ({})",
            response.request, response.status
        );
        return failure
            .help("is the endpoint's url that of an MLflow server, without anything after its root?");
    }
    failure
}
