//! What a model server means when it refuses.
//!
//! V1 says `{"error": "..."}`, V2 of KServe the same or, when the body does not fit its model of a request,
//! `{"detail": [{type, loc, msg}]}`. What says neither is not the model server.

use serde::Deserialize;
use serde_json::Value as Json;

use super::protocol::Protocol;
use crate::action::{Class, Failure};
use crate::tools::Redactor;
use crate::tools::http::{Response, parse_json};

/// The failure an answer stands for; none for a 2xx.
pub(super) fn of(response: &Response, protocol: Protocol, redactor: &Redactor) -> Option<Failure> {
    let mut failure = response.failure()?;
    let class = class(failure.class, response.status, &response.body);
    if class != failure.class {
        // Not `not_found`: the model may well be there.
        failure.class = class;
        failure.message = format!(
            "{}: HTTP {}, and not from a model server that speaks {}",
            response.request,
            response.status,
            protocol.word()
        );
        return Some(failure.help(
            "is it the other protocol (`protocol: v1`), another path, or a gateway that wants the endpoint's `host:`?",
        ));
    }
    if let Said::Problems(problems) = said(&response.body)
        && let Some(first) = problems.first()
    {
        failure.reason = Some(redactor.redact(&first.kind));
        failure.message = format!("{}: {}", failure.message, redactor.redact(&first.told()));
    }
    Some(failure)
}

/// The class of a refusal, given what its status alone would be.
pub(super) fn class(of_status: Class, status: u16, body: &[u8]) -> Class {
    match said(body) {
        Said::NoSuchPath | Said::Nothing if matches!(status, 404 | 405) => Class::UnreadableAnswer,
        _ => of_status,
    }
}

/// What the body of a refusal says.
enum Said {
    Text,
    Problems(Vec<Problem>),
    /// The words of the web framework below for an address that it does not have.
    NoSuchPath,
    Nothing,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    msg: String,
    #[serde(default)]
    loc: Vec<Json>,
}

impl Problem {
    /// `Field required (body.inputs)`
    fn told(&self) -> String {
        let place: Vec<String> = self
            .loc
            .iter()
            .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
            .collect();
        let text = if place.is_empty() {
            self.msg.clone()
        } else {
            format!("{} ({})", self.msg, place.join("."))
        };
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(300)
            .collect()
    }
}

fn said(body: &[u8]) -> Said {
    let Ok(body) = parse_json(body) else {
        return Said::Nothing;
    };
    if body.get("error").is_some_and(Json::is_string) {
        return Said::Text;
    }
    match body.get("detail") {
        Some(Json::String(text)) if text == "Not Found" || text == "Method Not Allowed" => Said::NoSuchPath,
        Some(Json::String(_)) => Said::Text,
        Some(list) => serde_json::from_value(list.clone()).map_or(Said::Nothing, Said::Problems),
        None => Said::Nothing,
    }
}
