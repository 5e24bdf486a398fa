//! What a store means when it refuses: the code in its XML is surer than the status.

use crate::check::{Class, Failure};
use crate::tools::http::Response;

/// The failure an answer stands for; none for a 2xx.
pub(super) fn of(response: &Response) -> Option<Failure> {
    let mut failure = response.failure()?;
    let text = String::from_utf8_lossy(&response.body);
    let Some(code) = element(&text, "Code") else {
        // The answer to HEAD has no body; one to anything else that has one and no code is not a store's.
        if matches!(response.status, 404 | 405) && !response.body.is_empty() {
            failure.class = Class::UnreadableAnswer;
            return Some(failure.help("is the endpoint's url that of a store that speaks S3?"));
        }
        return Some(failure);
    };
    failure.class = match code {
        "NoSuchKey" | "NoSuchVersion" | "NoSuchUpload" => Class::NotFound,
        // That an object is not there would be true of any object then, which says nothing about this one.
        "NoSuchBucket" => Class::Missing,
        // Both are 403, but they say who is asking, not what he may.
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "RequestTimeTooSkewed" => Class::Unauthorized,
        "AccessDenied" | "AllAccessDisabled" => Class::Forbidden,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" | "OperationAborted" | "PreconditionFailed" => {
            Class::Conflict
        }
        "EntityTooLarge" => Class::TooLarge,
        "SlowDown" | "TooManyRequests" => Class::RateLimited,
        "ServiceUnavailable" => Class::Unavailable,
        "InternalError" => Class::Server,
        _ => failure.class,
    };
    failure.reason = Some(code.to_owned());
    if failure.class == Class::Unauthorized {
        failure = failure.help(
            "the environment's `endpoints.s3` names the access key as `username` and the secret that belongs to it as \
             `password`",
        );
    }
    let said = element(&text, "Message").unwrap_or_default();
    failure.message = format!("{}: {code} ({}): {said}", response.request, response.status);
    Some(failure)
}

/// The text of the first element with this name; errors of stores are flat.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!("<{name}>"))? + name.len() + 2;
    let length = text[start..].find(&format!("</{name}>"))?;
    Some(text[start..start + length].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Failure {
        let response = Response {
            status,
            body: body.as_bytes().to_vec(),
            request: "GET http://s3/b/k".to_owned(),
            ..Response::default()
        };
        of(&response).unwrap()
    }

    #[test]
    fn the_code_decides() {
        let xml = |code: &str| {
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>So it is.</Message></Error>")
        };
        for (status, code, class) in [
            (404, "NoSuchKey", Class::NotFound),
            (404, "NoSuchBucket", Class::Missing),
            (403, "SignatureDoesNotMatch", Class::Unauthorized),
            (403, "AccessDenied", Class::Forbidden),
            (503, "SlowDown", Class::RateLimited),
            (412, "PreconditionFailed", Class::Conflict),
            (400, "Odd", Class::Invalid),
        ] {
            let failure = answer(status, &xml(code));
            assert_eq!((failure.class, failure.reason.as_deref()), (class, Some(code)));
            assert!(failure.message.contains("So it is."), "{failure}");
        }
        assert_eq!(answer(404, "").class, Class::NotFound, "the answer to HEAD");
        assert_eq!(answer(404, "<html>no</html>").class, Class::UnreadableAnswer);
        assert_eq!(answer(500, "oops").class, Class::Server);
    }
}
