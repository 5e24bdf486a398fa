//! Reading an answer's body within its caps.

use std::time::Instant;

use super::classify::{self, Phase, body_failure};
use super::client::{Bound, within};
use super::inflate::Inflate;
use super::request::{Limits, Until};
use crate::check::{Class, Failure};

/// Reads the whole body, inflated. `end` is when the exchange must be over.
pub async fn read(
    mut answer: reqwest::Response,
    limits: &Limits,
    until: &Until,
    end: (Instant, Bound),
    request: &str,
) -> Result<Vec<u8>, Failure> {
    let encodings: Vec<&str> = answer
        .headers()
        .get_all(reqwest::header::CONTENT_ENCODING)
        .iter()
        .map(|value| value.to_str().unwrap_or("unreadable"))
        .collect();
    let encoding = (!encodings.is_empty()).then(|| encodings.join(", "));
    let mut inflate = Inflate::new(encoding.as_deref(), limits.body, limits.inflation.max(1))
        .map_err(|e| body_failure(&e, request))?;
    if encoding.is_none()
        && let Some(length) = answer.content_length()
        && length > limits.body
    {
        return Err(Failure::new(
            Class::TooLarge,
            format!(
                "{request}: the answer would be {}, more than {}",
                classify::bytes(length),
                classify::bytes(limits.body)
            ),
        )
        .help("raise `max_body` if such an answer is right"));
    }
    loop {
        let piece = within(
            until,
            end,
            request,
            "the answer began, but did not end",
            answer.chunk(),
        )
        .await?
        .map_err(|e| classify::failure(&e, Phase::Body, request))?;
        match piece {
            Some(piece) => inflate.push(&piece).map_err(|e| body_failure(&e, request))?,
            None => break,
        }
    }
    inflate.finish().map_err(|e| body_failure(&e, request))
}
