//! What the feature server means when it refuses: what is not there is a 500, and reasons are JSON in a JSON string.

use serde_json::Value as Json;

use crate::action::{Class, Failure};
use crate::tools::http::Response;

/// The failure an answer stands for; none for a 2xx.
pub(super) fn of(response: &Response) -> Option<Failure> {
    let mut failure = response.failure()?;
    let said = serde_json::from_slice::<Json>(&response.body).ok();
    let text = match &said {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Object(map)) if map.get("detail").is_some_and(|d| d == "Not Found") => {
            // Not `not_found`: the thing asked for may well exist.
            failure.class = Class::UnreadableAnswer;
            failure.message = format!("{}: there is no such address at this server", response.request);
            return Some(
                failure.help("is the endpoint's url that of `feast serve`, without anything after its root?"),
            );
        }
        _ => return Some(failure),
    };
    let inner = serde_json::from_str::<Json>(&text).ok();
    let named = inner.as_ref().and_then(|j| j.get("class")).and_then(Json::as_str);
    let message = inner
        .as_ref()
        .and_then(|j| j.get("message"))
        .and_then(Json::as_str)
        .unwrap_or(&text);
    let (class, reason) = match named {
        Some(name) if name.ends_with("NotFoundException") || name.ends_with("DoesNotExist") => {
            (Class::NotFound, name)
        }
        Some(name) => (failure.class, name),
        None if message.contains("not found in projection") => (Class::NotFound, "FEATURE_NOT_FOUND"),
        // A view that is being materialized serves nothing.
        None if message.contains("is in state") && message.contains("cannot serve") => {
            (Class::Unavailable, "VIEW_NOT_ONLINE")
        }
        None if message.contains("Missing join key values") => (Class::Invalid, "MISSING_JOIN_KEY"),
        None => return Some(failure),
    };
    failure.class = class;
    failure.reason = Some(reason.to_owned());
    failure.message = format!("{}: {message} ({})", response.request, response.status);
    Some(failure)
}
