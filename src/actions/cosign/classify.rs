//! What an answer of cosign means.
//!
//! Measured with cosign 2.5.0 and 3.1.1 (recorded answers in `tests`): 10 is "no signatures", 11 "no such tag", 12 "none
//! that matches" with version 2; version 3 answers 1 to signatures of its own that do not match, as both versions do
//! for files and for everything that kept them from looking. So the sentence decides wherever the code is 1.

use serde::{Deserialize, Serialize};

use super::program::said;
use crate::action::{Class, Failure};
use crate::tools::process::Finished;

/// What was found out about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verified {
    /// A signature matches in everything that was asked.
    Valid,
    /// There is no signature.
    Unsigned,
    /// There are signatures, none by this key.
    WrongKey,
    /// Signed by a certificate, but of another identity or issuer.
    WrongIdentity,
    /// Signed by this key, but with other annotations.
    WrongAnnotation,
    /// The signature is for other content.
    Tampered,
    /// The signature does not fit; by another key or for other content, cosign cannot say which.
    Mismatch,
}

/// The result an answer stands for.
///
/// # Errors
/// Whatever kept cosign from telling: the tag is not there, the registry is down, the log cannot be reached.
pub(super) fn classify(done: &Finished) -> Result<Verified, Failure> {
    let all = done.stderr.text.as_str();
    match done.code {
        Some(0) => Ok(Verified::Valid),
        Some(10) => Ok(Verified::Unsigned),
        Some(12) => Ok(mismatch(all)),
        Some(1) if all.contains("no signatures found") => Ok(Verified::Unsigned),
        Some(1) if tells_of_a_signature(all) => Ok(mismatch(all)),
        Some(_) => Err(failure(done, "could not tell")),
        None => Err(done.failure()),
    }
}

/// Sentences of cosign about a signature it looked at.
fn tells_of_a_signature(all: &str) -> bool {
    [
        "no matching signatures",
        "no matching attestations",
        "invalid signature when validating",
        "failed to verify signature",
        "none of the expected identities matched",
    ]
    .iter()
    .any(|sentence| all.contains(sentence))
}

fn mismatch(all: &str) -> Verified {
    if all.contains("incorrect annotation") {
        Verified::WrongAnnotation
    } else if all.contains("digest in claim") || all.contains("digest mismatch") {
        Verified::Tampered
    } else if all.contains("expected identities") || all.contains("certificate identity") {
        Verified::WrongIdentity
    } else if all.contains("invalid signature") || all.contains("do not match threshold") {
        Verified::WrongKey
    } else {
        Verified::Mismatch
    }
}

/// The class of what kept cosign from doing it.
fn class(all: &str) -> Class {
    let has = |words: &[&str]| words.iter().any(|w| all.contains(w));
    if has(&["decrypt", "password"]) {
        Class::Unauthorized
    } else if has(&["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "tag not found"]) {
        Class::NotFound
    } else if has(&["UNAUTHORIZED", "401 Unauthorized"]) {
        Class::Unauthorized
    } else if has(&["DENIED", "403 Forbidden"]) {
        Class::Forbidden
    } else if has(&[
        "connection refused",
        "no such host",
        "i/o timeout",
        "connection reset",
        "EOF",
    ]) {
        Class::Unreachable
    } else if has(&["x509:", "tls:"]) {
        Class::Tls
    } else {
        Class::ExitCode
    }
}

/// A failure that says what cosign could not do: `could not tell`.
pub(super) fn failure(done: &Finished, what: &str) -> Failure {
    let class = class(&done.stderr.text);
    let mut failure = done.failure();
    failure.class = class;
    failure.message = format!("cosign {what}: {}", said(done));
    let log = ["tuf", "rekor", "transparency log"];
    let lower = done.stderr.text.to_lowercase();
    if log.iter().any(|word| lower.contains(word)) && class == Class::Unreachable {
        failure.help = Some(
            "the transparency log or its keys cannot be reached; for a key of one's own and without a network say \
             `transparency_log: ignored`"
                .to_owned(),
        );
    }
    failure
}

/// The failure of an answer that names no result where one was promised.
pub(super) fn odd(done: &Finished, why: &str) -> Failure {
    let mut failure = done.failure();
    failure.class = Class::UnreadableAnswer;
    failure.message = format!("`{}` ended with {}, but {why}", done.shown, done.how());
    failure
}
