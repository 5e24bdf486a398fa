//! What the API server says when it refuses, as a class.
//!
//! Three things look alike and are not: who may not (RBAC), what may not (admission), and a webhook that could not be
//! asked. So are two: an object that is absent, and a kind that the server does not know.

use serde_json::Value as Json;

use crate::check::{Class, Failure};
use crate::tools::http::Response;

/// The failure of an answer that is not 2xx; none for 2xx.
pub(super) fn of(response: &Response) -> Option<Failure> {
    let failure = response.failure()?;
    let status = response
        .json()
        .ok()
        .filter(|body| body.get("kind").and_then(Json::as_str) == Some("Status"));
    Some(classed(failure, status.as_ref()))
}

/// The failure of a `Status` that came where an object was expected, as watches do.
pub(super) fn of_status(request: &str, status: &Json) -> Failure {
    let code = status
        .get("code")
        .and_then(Json::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .unwrap_or(500);
    let said = status
        .get("message")
        .and_then(Json::as_str)
        .unwrap_or("no message");
    let mut failure = Failure::new(
        crate::tools::http::class_of(code),
        format!("{request}: HTTP {code}: {said}"),
    );
    failure.status = Some(code);
    failure.reason = status.get("reason").and_then(Json::as_str).map(str::to_owned);
    classed(failure, Some(status))
}

fn classed(mut failure: Failure, status: Option<&Json>) -> Failure {
    let message = status
        .and_then(|s| s.get("message"))
        .and_then(Json::as_str)
        .unwrap_or_default();
    let code = failure.status.unwrap_or_default();
    if code == 404 {
        let named = status
            .and_then(|s| s.pointer("/details/name"))
            .and_then(Json::as_str)
            .is_some_and(|name| !name.is_empty());
        if !named {
            failure.class = Class::Missing;
            return failure.help(
                "the server does not know this resource at all, which says nothing about the object: is its definition \
                 installed, and established?",
            );
        }
        return failure;
    }
    if (400..500).contains(&code) && by_admission(message) {
        failure.class = Class::Denied;
    } else if code >= 500 && message.contains("failed calling webhook") {
        failure.class = Class::Unavailable;
        return failure.help(
            "an admission webhook did not answer, so nobody judged the object: it was not refused for what it is",
        );
    } else if code == 401 {
        return failure.help(
            "the API server does not know who is asking (a wrong or expired token), which says nothing about rights",
        );
    }
    for cause in status
        .and_then(|s| s.pointer("/details/causes"))
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .take(10)
    {
        let part = |key: &str| cause.get(key).and_then(Json::as_str).unwrap_or_default();
        let line = format!("{}: {}", part("field"), part("message"));
        failure = failure.detail(line.trim_start_matches(": ").to_owned());
    }
    failure
}

/// Whether an admission policy refused, not the rules of who may what.
fn by_admission(message: &str) -> bool {
    let by_rbac = message.contains("User \"") && message.contains("\" cannot ");
    !by_rbac
        && (message.contains("admission webhook \"")
            || message.contains("denied the request")
            || message.contains("denied request:")
            || message.contains("exceeded quota:")
            || message.contains("violates PodSecurity"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn class(code: u16, reason: &str, message: &str, details: &Json) -> Class {
        of_status(
            "GET http://h/x",
            &json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
                    "details": details}),
        )
        .class
    }

    #[test]
    fn who_may_not_what_may_not_and_who_could_not_be_asked_are_told_apart() {
        // The messages are those of a real 1.20 API server.
        let rbac = "inferenceservices.serving.kserve.io is forbidden: User \"system:serviceaccount:ml:intern\" cannot create resource \"inferenceservices\" in API group \"serving.kserve.io\" in the namespace \"ml\"";
        let none = json!({});
        assert_eq!(class(403, "Forbidden", rbac, &none), Class::Forbidden);
        let webhook = "admission webhook \"model-signature.specrun.local\" denied the request: model signature policy: no signature";
        assert_eq!(class(403, "Forbidden", webhook, &none), Class::Denied);
        assert_eq!(class(400, "", webhook, &none), Class::Denied);
        let quota =
            "pods \"a\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1";
        assert_eq!(class(403, "Forbidden", quota, &none), Class::Denied);
        let down = "Internal error occurred: failed calling webhook \"model-signature.specrun.local\": Post \"https://127.0.0.1:16450/validate?timeout=5s\": dial tcp 127.0.0.1:16450: connect: connection refused";
        assert_eq!(class(500, "InternalError", down, &none), Class::Unavailable);
        assert_eq!(class(500, "InternalError", "etcd is gone", &none), Class::Server);
        assert_eq!(
            class(401, "Unauthorized", "Unauthorized", &none),
            Class::Unauthorized
        );
        assert_eq!(class(409, "AlreadyExists", "it is there", &none), Class::Conflict);
        assert_eq!(class(422, "Invalid", "it is wrong", &none), Class::Invalid);
    }

    #[test]
    fn an_absent_object_is_not_an_unknown_kind() {
        let absent = json!({"name": "web", "kind": "pods"});
        assert_eq!(
            class(404, "NotFound", "pods \"web\" not found", &absent),
            Class::NotFound
        );
        let unknown = "the server could not find the requested resource";
        assert_eq!(class(404, "NotFound", unknown, &json!({})), Class::Missing);
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_shown_by_field() {
        let failure = of_status(
            "POST http://h/x",
            &json!({"kind": "Status", "code": 422, "reason": "Invalid", "message": "wrong", "details": {"causes": [
                {"field": "spec.containers[0].image", "message": "Required value"}]}}),
        );
        assert_eq!(failure.details, ["spec.containers[0].image: Required value"]);
    }
}
