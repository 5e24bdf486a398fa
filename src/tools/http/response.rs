//! An answer, and what can be read from it.

use std::sync::Arc;
use std::time::Duration;

use super::json;
use crate::check::{Class, Failure};
use crate::tools::Redactor;

/// How much of an answer a failure shows, in characters.
const SHOWN: usize = 500;

/// An answer, whatever its status.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order received; a name may come twice.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// From the start of the exchange, a new connection included, to the last byte received.
    pub elapsed: Duration,
    /// `POST http://127.0.0.1:5000/api/...`, for messages; secrets masked.
    pub request: String,
    pub(in crate::tools) redactor: Arc<Redactor>,
}

impl Response {
    /// The first header with this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the answer says that it is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        names_json(self.header("content-type").unwrap_or_default())
    }

    /// The body as JSON: UTF-8, no doubled keys, no NaN, at most 128 levels deep.
    ///
    /// # Errors
    /// Class `unreadable_answer`, with the start of the answer.
    pub fn json(&self) -> Result<serde_json::Value, Failure> {
        json::parse(&self.body).map_err(|e| self.unreadable(&e.0))
    }

    /// The body as text.
    ///
    /// # Errors
    /// Class `unreadable_answer` when it is not UTF-8.
    pub fn text(&self) -> Result<String, Failure> {
        String::from_utf8(self.body.clone()).map_err(|e| {
            self.unreadable(&format!(
                "not UTF-8: the byte at {} is part of no character",
                e.utf8_error().valid_up_to()
            ))
        })
    }

    /// A failure of class `unreadable_answer` that shows this answer.
    #[must_use]
    pub fn unreadable(&self, why: &str) -> Failure {
        let mut failure = Failure::new(
            Class::UnreadableAnswer,
            format!(
                "{}: the answer (HTTP {}) cannot be read: {}",
                self.request,
                self.status,
                self.redactor.redact(why)
            ),
        );
        failure.status = Some(self.status);
        self.shown(failure)
    }

    /// What a status other than 2xx means; none for 2xx.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        if (200..300).contains(&self.status) {
            return None;
        }
        let class = class_of(self.status);
        let reason = self.reason();
        let name = reqwest::StatusCode::from_u16(self.status)
            .ok()
            .and_then(|s| s.canonical_reason())
            .map(|name| format!(" {name}"))
            .unwrap_or_default();
        let said = reason.message.map(|m| format!(": {m}")).unwrap_or_default();
        let mut failure = Failure::new(
            class,
            format!("{}: HTTP {}{name}{said}", self.request, self.status),
        );
        failure.status = Some(self.status);
        failure.reason = reason.code;
        failure.retry_after = self.retry_after();
        if class == Class::Redirect
            && let Some(location) = self.header("location")
        {
            failure = failure.detail(format!("location: {}", self.redactor.redact(&cut(location))));
        }
        Some(self.shown(failure))
    }

    /// The header `Retry-After` in seconds, given as seconds or as a date.
    #[must_use]
    pub fn retry_after(&self) -> Option<f64> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(seconds as f64);
        }
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(at.duration_since(jiff::Timestamp::now()).as_secs_f64().max(0.0))
    }

    fn shown(&self, failure: Failure) -> Failure {
        if self.body.is_empty() {
            return failure.detail("answer: (empty)");
        }
        let text = self.redactor.redact(&String::from_utf8_lossy(
            &self.body[..self.body.len().min(64 << 10)],
        ));
        failure.detail(format!("answer: {}", cut(&text)))
    }

    /// What the service says about it, in the forms that are common.
    fn reason(&self) -> Reason {
        let Ok(body) = json::parse(&self.body) else {
            return Reason::default();
        };
        let inner = body.get("error").filter(|e| e.is_object()).unwrap_or(&body);
        let text = |keys: &[&str]| {
            keys.iter()
                .filter_map(|key| inner.get(*key).and_then(serde_json::Value::as_str))
                .find(|text| !text.is_empty())
                .map(|text| self.redactor.redact(&cut(text)))
        };
        Reason {
            code: text(&["error_code", "reason", "code", "type"]),
            message: text(&["message", "detail", "error", "title", "error_description"]),
        }
    }
}

#[derive(Default)]
struct Reason {
    code: Option<String>,
    message: Option<String>,
}

/// Whether a content type is that of JSON.
pub(super) fn names_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    let kind = kind.trim().as_bytes();
    let (_, suffix) = kind.split_at(kind.len().saturating_sub("+json".len()));
    kind.eq_ignore_ascii_case(b"application/json") || suffix.eq_ignore_ascii_case(b"+json")
}

/// The class of a status that is not 2xx.
#[must_use]
pub const fn class_of(status: u16) -> Class {
    match status {
        300..=399 => Class::Redirect,
        401 | 407 => Class::Unauthorized,
        403 => Class::Forbidden,
        404 | 410 => Class::NotFound,
        408 | 504 => Class::Timeout,
        409 | 412 => Class::Conflict,
        429 => Class::RateLimited,
        400..=499 => Class::Invalid,
        503 => Class::Unavailable,
        500..=599 => Class::Server,
        _ => Class::UnreadableAnswer,
    }
}

/// The start of a text on one line.
fn cut(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Secret;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
            request: "GET http://h/x".into(),
            redactor: Arc::new(Redactor::new(&[Secret::new("t", "hunter22")])),
            ..Response::default()
        }
    }

    #[test]
    fn every_status_has_a_class() {
        assert!(answer(200, &[], "").failure().is_none());
        assert!(answer(299, &[], "").failure().is_none());
        for (status, class) in [
            (302, Class::Redirect),
            (400, Class::Invalid),
            (401, Class::Unauthorized),
            (403, Class::Forbidden),
            (404, Class::NotFound),
            (409, Class::Conflict),
            (418, Class::Invalid),
            (429, Class::RateLimited),
            (500, Class::Server),
            (503, Class::Unavailable),
            (504, Class::Timeout),
            (600, Class::UnreadableAnswer),
        ] {
            let failure = answer(status, &[], "").failure().unwrap();
            assert_eq!((failure.class, failure.status), (class, Some(status)));
        }
    }

    #[test]
    fn what_the_service_says_is_shown_and_masked() {
        let body = r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no model hunter22"}"#;
        let failure = answer(404, &[], body).failure().unwrap();
        assert_eq!(failure.reason.as_deref(), Some("RESOURCE_DOES_NOT_EXIST"));
        assert_eq!(
            failure.message,
            "GET http://h/x: HTTP 404 Not Found: no model ***"
        );
        assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(
            answer(503, &[("retry-after", "7")], "")
                .failure()
                .unwrap()
                .retry_after,
            Some(7.0)
        );
        let past = answer(503, &[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], "");
        assert_eq!(past.retry_after(), Some(0.0));
        assert_eq!(answer(503, &[("retry-after", "soon")], "").retry_after(), None);
        assert_eq!(answer(503, &[], "").retry_after(), None);
    }

    #[test]
    fn unreadable_answers_show_their_start_masked() {
        let failure = answer(200, &[], "<html>hunter22").json().unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer);
        assert!(failure.details[0].contains("<html>***"), "{failure:?}");
        let failure = answer(200, &[], "{\"hunter22\": 1, \"hunter22\": 2}")
            .json()
            .unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
    }
}
