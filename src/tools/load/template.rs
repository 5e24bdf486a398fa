//! A request in the form in which it is sent, made once and sent many times.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{Method, Request, Uri};

use super::job::{Job, Version};
use crate::check::{Class, Failure};
use crate::tools::http::Ready;

/// A request as it is sent.
pub(super) struct Template {
    pub peer: usize,
    pub form: Form,
    pub max_body: usize,
}

/// What is sent.
pub(super) enum Form {
    /// The bytes of HTTP/1.1, head and body; whether the answer has no body, as that to HEAD.
    One { bytes: Vec<u8>, bodiless: bool },
    /// What a connection of HTTP/2 makes frames of.
    Two(Box<Request<Full<Bytes>>>),
}

impl Template {
    /// The form of a request; what cannot stand in a head is refused.
    pub fn of(ready: &Ready, job: &Job) -> Result<Self, Failure> {
        let bad = |why: String| Failure::new(Class::BadParameter, format!("{}: {why}", ready.shown));
        let peer = job
            .peers
            .get(ready.peer)
            .ok_or_else(|| bad("its peer is not known".to_owned()))?;
        let mut headers = HeaderMap::with_capacity(ready.headers.len() + 2);
        for (name, value) in &ready.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| bad(e.to_string()))?;
            let value = HeaderValue::from_bytes(&value.0).map_err(|e| bad(e.to_string()))?;
            headers.append(name, value);
        }
        let method = Method::from_bytes(ready.method.as_bytes()).map_err(|e| bad(e.to_string()))?;
        let uri = |text: &str| text.parse::<Uri>().map_err(|e| bad(e.to_string()));
        let form = match job.version {
            Version::One => {
                let host = HeaderValue::from_str(&peer.authority).map_err(|e| bad(e.to_string()))?;
                headers.insert(HOST, host);
                let path = uri(&ready.path)?;
                let path = path.path_and_query().map_or("/", |path| path.as_str());
                one(&method, path, headers, &ready.body.0)
            }
            Version::Two => {
                let scheme = if peer.tls.is_some() { "https" } else { "http" };
                let mut request = Request::new(Full::new(Bytes::from(ready.body.0.clone())));
                *request.method_mut() = method;
                *request.uri_mut() = uri(&format!("{scheme}://{}{}", peer.authority, ready.path))?;
                *request.headers_mut() = headers;
                Form::Two(Box::new(request))
            }
        };
        Ok(Self {
            peer: ready.peer,
            form,
            max_body: usize::try_from(ready.max_body).unwrap_or(usize::MAX),
        })
    }
}

/// The bytes of HTTP/1.1. The length is that of the body, whatever the headers say.
fn one(method: &Method, path: &str, mut headers: HeaderMap, body: &[u8]) -> Form {
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONTENT_LENGTH);
    // Who may send a body says that there is none.
    if !body.is_empty() || [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for (name, value) in &headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    Form::One {
        bytes,
        bodiless: method == Method::HEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(method: &Method, headers: &[(HeaderName, &str)], body: &str) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).expect("a value")));
        match one(method, "/a?b=c", headers.collect(), body.as_bytes()) {
            Form::One { bytes, .. } => String::from_utf8(bytes).expect("text"),
            Form::Two(_) => panic!("the other version"),
        }
    }

    #[test]
    fn a_request_is_written_as_it_is_sent() {
        assert_eq!(
            text(&Method::GET, &[(HOST, "x:80")], ""),
            "GET /a?b=c HTTP/1.1\r\nhost: x:80\r\n\r\n"
        );
        assert_eq!(
            text(&Method::POST, &[(HOST, "x")], "body"),
            "POST /a?b=c HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"
        );
        assert_eq!(
            text(&Method::PUT, &[], ""),
            "PUT /a?b=c HTTP/1.1\r\ncontent-length: 0\r\n\r\n"
        );
        // What does not fit the body would make the server read another request in it.
        let wrong = [(CONTENT_LENGTH, "2"), (TRANSFER_ENCODING, "chunked")];
        assert_eq!(
            text(&Method::POST, &wrong, "body"),
            "POST /a?b=c HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody"
        );
        assert!(matches!(
            one(&Method::HEAD, "/", HeaderMap::new(), b""),
            Form::One { bodiless: true, .. }
        ));
    }
}
