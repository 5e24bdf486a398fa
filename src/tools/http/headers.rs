//! The headers of a request, from its endpoint and its step, and those of an answer.

use base64::Engine as _;
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::request::{Body, Request, Text};
use crate::check::{Class, Failure};
use crate::tools::{Auth, Endpoint};

/// Headers that decide where a message ends or goes; the client sets them itself.
const FRAMING: [&str; 9] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "proxy-connection",
    "expect",
];

/// The headers a request is sent with: the step's own before the endpoint's.
///
/// # Errors
/// Class `bad_parameter` for what cannot be a header, or is specrun's to set.
pub(super) fn sent(
    endpoint: Option<&Endpoint>,
    request: &Request,
    host: Option<&str>,
    shown: &str,
) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    let bad = |name: &str, why: &str| {
        Failure::new(
            Class::BadParameter,
            format!("{shown}: the header `{}` {why}", name.escape_debug()),
        )
    };
    let value_of = |name: &str, text: &str, secret: bool| {
        let mut value = HeaderValue::from_str(text).map_err(|_| {
            bad(
                name,
                "holds a line break or another character that headers may not hold",
            )
        })?;
        value.set_sensitive(secret);
        Ok::<_, Failure>(value)
    };
    let name_of = |name: &str| {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name, "is not a header name"))?;
        if FRAMING.contains(&parsed.as_str()) {
            return Err(bad(name, "is set by specrun itself"));
        }
        if parsed == header::HOST {
            return Err(bad(name, "is set with `host`"));
        }
        Ok(parsed)
    };
    for (name, text) in endpoint.iter().flat_map(|e| &e.headers) {
        map.insert(name_of(name)?, value_of(name, text, false)?);
    }
    let mut own = HeaderMap::new();
    for (name, text) in &request.headers {
        let secret = matches!(text, Text::Secret(_));
        own.append(name_of(name)?, value_of(name, text.expose(), secret)?);
    }
    if request.auth.is_some() && own.contains_key(header::AUTHORIZATION) {
        return Err(bad("authorization", "is given twice, as a header and as `auth`"));
    }
    for name in own.keys() {
        map.remove(name);
    }
    map.extend(own);
    let auth = request
        .auth
        .as_ref()
        .or_else(|| endpoint.and_then(|e| e.auth.as_ref()));
    if let Some(auth) = auth
        && (request.auth.is_some() || !map.contains_key(header::AUTHORIZATION))
    {
        let text = match auth {
            Auth::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose());
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
            }
            Auth::Bearer { token } => format!("Bearer {}", token.expose()),
        };
        map.insert(header::AUTHORIZATION, value_of("authorization", &text, true)?);
    }
    if let Some(host) = host {
        map.insert(header::HOST, value_of("host", host, false)?);
    }
    if !map.contains_key(header::ACCEPT_ENCODING) {
        map.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("gzip, deflate, zstd"),
        );
    }
    let content_type = match &request.body {
        Body::None => None,
        Body::Bytes { content_type, .. } | Body::File { content_type, .. } => content_type.as_deref(),
    };
    if let Some(content_type) = content_type
        && !map.contains_key(header::CONTENT_TYPE)
    {
        map.insert(
            header::CONTENT_TYPE,
            value_of("content-type", content_type, false)?,
        );
    }
    Ok(map)
}

/// The headers of an answer, in the order they came in.
pub(in crate::tools) fn received(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect()
}
