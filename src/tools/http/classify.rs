//! From the error of the client below (reqwest's, or that of the Kubernetes client) to a class with one sentence. The chain of causes is walked, because the
//! outermost error says only that sending failed.

use std::error::Error;
use std::io;

use super::address::ResolveError;
use super::inflate::BodyError;
use crate::check::{Class, Failure};

/// Where in the exchange it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the head of the answer was complete.
    Head,
    /// While the body was read.
    Body,
}

/// The failure behind an error of the client.
pub fn failure(error: &(dyn Error + 'static), phase: Phase, request: &str) -> Failure {
    let causes = chain(error);
    let (class, what) = classed(&causes, phase);
    if let Some(refused) = causes
        .iter()
        .find_map(|c| match c.downcast_ref::<ResolveError>() {
            Some(ResolveError::Refused(failure)) => Some(failure.as_ref().clone()),
            _ => None,
        })
    {
        return refused.detail(request.to_owned());
    }
    let mut failure = Failure::new(class, format!("{request}: {what}"));
    if let Some(root) = causes.last().map(ToString::to_string)
        && !failure.message.contains(&root)
    {
        failure = failure.detail(format!("cause: {root}"));
    }
    match class {
        Class::Unreachable => failure.help("is the service running, and is the address right?"),
        _ => failure,
    }
}

/// The failure behind a body that was given up.
pub fn body_failure(error: &BodyError, request: &str) -> Failure {
    match error {
        BodyError::TooLarge { cap } => Failure::new(
            Class::TooLarge,
            format!("{request}: the answer is larger than {}", bytes(*cap)),
        )
        .help("raise `max_body` if such an answer is right"),
        BodyError::Bomb { inflated, received } => Failure::new(
            Class::TooLarge,
            format!(
                "{request}: {} of answer came out of {} received, which is how a bomb looks",
                bytes(*inflated),
                bytes(*received)
            ),
        ),
        BodyError::Damaged(why) => Failure::new(
            Class::UnreadableAnswer,
            format!("{request}: the compressed answer is damaged: {why}"),
        ),
        BodyError::Encoding(name) => Failure::new(
            Class::UnreadableAnswer,
            format!("{request}: the answer is encoded as `{name}`, which was not asked for"),
        ),
    }
}

/// The class of an error of a connection, with one sentence.
pub fn by_cause(error: &(dyn Error + 'static), phase: Phase) -> (Class, String) {
    classed(&chain(error), phase)
}

/// An error and what is behind it, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut causes: Vec<&(dyn Error + 'static)> = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        causes.push(cause);
        // What an io error carries is not its source but its inside.
        next = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| cause.source());
        if causes.len() > 32 {
            break;
        }
    }
    causes
}

fn classed(causes: &[&(dyn Error + 'static)], phase: Phase) -> (Class, String) {
    for cause in causes {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return (Class::Tls, tls_sentence(tls));
        }
        if let Some(ResolveError::NoAddress { .. }) = cause.downcast_ref::<ResolveError>() {
            return (Class::Unreachable, cause.to_string());
        }
    }
    for cause in causes {
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_parse() && http.to_string().contains("head is too large") {
                return (
                    Class::TooLarge,
                    "the head of the answer is larger than allowed".to_owned(),
                );
            }
            if http.is_parse() {
                return (Class::UnreadableAnswer, format!("the answer is not HTTP: {http}"));
            }
            if http.is_incomplete_message() {
                return match phase {
                    Phase::Head => (
                        Class::Unreachable,
                        "the connection was closed before an answer came".to_owned(),
                    ),
                    Phase::Body => (Class::UnreadableAnswer, "the answer was cut off".to_owned()),
                };
            }
        }
    }
    for cause in causes {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            use io::ErrorKind as K;
            return match io.kind() {
                K::ConnectionRefused => (
                    Class::Unreachable,
                    "connection refused: nothing listens there".to_owned(),
                ),
                K::ConnectionReset | K::BrokenPipe | K::ConnectionAborted => match phase {
                    Phase::Head => (Class::Unreachable, "the connection was reset".to_owned()),
                    Phase::Body => (
                        Class::Unreachable,
                        "the connection was reset in the middle of the answer".to_owned(),
                    ),
                },
                K::TimedOut => (Class::Timeout, "no answer in time".to_owned()),
                K::UnexpectedEof if phase == Phase::Body => {
                    (Class::UnreadableAnswer, "the answer was cut off".to_owned())
                }
                K::UnexpectedEof => (
                    Class::Unreachable,
                    "the connection was closed before an answer came".to_owned(),
                ),
                K::InvalidInput | K::InvalidData => {
                    (Class::UnreadableAnswer, format!("the answer is not HTTP: {io}"))
                }
                _ if io
                    .get_ref()
                    .is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) =>
                {
                    (Class::Tls, "the TLS handshake failed".to_owned())
                }
                _ => (Class::Unreachable, format!("the connection failed: {io}")),
            };
        }
    }
    let own = causes.iter().find_map(|c| c.downcast_ref::<reqwest::Error>());
    if own.is_some_and(reqwest::Error::is_timeout) {
        return (Class::Timeout, "no answer in time".to_owned());
    }
    if own.is_some_and(reqwest::Error::is_builder) {
        return (Class::BadParameter, "the request cannot be built".to_owned());
    }
    match phase {
        Phase::Body => (Class::UnreadableAnswer, "the answer broke off".to_owned()),
        Phase::Head => (Class::Unreachable, "the request could not be sent".to_owned()),
    }
}

fn tls_sentence(error: &rustls::Error) -> String {
    use rustls::CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::Expired | C::ExpiredContext { .. } => "the server's certificate has expired".to_owned(),
            C::NotValidYet | C::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet".to_owned()
            }
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                format!("the server's certificate is for another name: {certificate}")
            }
            C::UnknownIssuer => {
                "the server's certificate is from an authority that is not known (`ca:` names one)".to_owned()
            }
            C::Revoked => "the server's certificate was revoked".to_owned(),
            other => format!("the server's certificate was refused: {other}"),
        },
        rustls::Error::AlertReceived(alert) => format!("the server refused the TLS handshake: {alert:?}"),
        rustls::Error::InvalidMessage(_) => "the server does not speak TLS there".to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    }
}

/// `16 MiB`, `512 bytes`.
pub fn bytes(n: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    UNITS
        .iter()
        .find(|(_, size)| n >= *size)
        .map_or_else(
            || format!("{n} bytes"),
            |(unit, size)| format!("{:.4} {unit}", n as f64 / *size as f64),
        )
        .replace(".0000", "")
}
