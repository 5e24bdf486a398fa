//! What MLflow 3.17 said when it refused, and which class that is.

use serde_json::{Value as Json, json};

use super::server::{recorded, start};
use crate::action::{Class, Failure};

async fn refused(call: &str, answer: &str, action: &str, params: Json) -> Failure {
    let fake = start().await.on(call, recorded(answer));
    fake.run(action, params).await.unwrap_err()
}

#[tokio::test]
async fn every_refusal_has_its_class_status_and_reason() {
    let run = || json!({ "run_id": "abc" });
    let alias = || json!({ "model": "payments", "alias": "nope" });
    let cases = [
        (
            "GET runs/get",
            "run-unknown",
            "get_run",
            run(),
            Class::NotFound,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        ),
        (
            "GET runs/get",
            "run-no-parameter",
            "get_run",
            run(),
            Class::Invalid,
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            "GET registered-models/alias",
            "alias-unknown",
            "get_version",
            alias(),
            Class::NotFound,
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (
            "GET registered-models/alias",
            "alias-unknown-model",
            "get_version",
            alias(),
            Class::NotFound,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        ),
        (
            "GET experiments/get-by-name",
            "experiment-unknown",
            "get_experiment",
            json!({ "name": "nope" }),
            Class::NotFound,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        ),
        (
            "POST model-versions/set-tag",
            "auth-viewer-tag",
            "set_tags",
            json!({ "model": "m", "version": 1, "tags": { "a": "b" } }),
            Class::Forbidden,
            403,
            "",
        ),
        (
            "GET runs/get",
            "auth-none",
            "get_run",
            run(),
            Class::Unauthorized,
            401,
            "",
        ),
        (
            "GET runs/get",
            "auth-bad",
            "get_run",
            run(),
            Class::Unauthorized,
            401,
            "",
        ),
        (
            "GET runs/get",
            "bad-host",
            "get_run",
            run(),
            Class::Invalid,
            403,
            "INVALID_HOST_HEADER",
        ),
        (
            "GET runs/get",
            "bad-origin",
            "get_run",
            run(),
            Class::Invalid,
            403,
            "CROSS_ORIGIN",
        ),
        (
            "GET runs/get",
            "unknown-endpoint",
            "get_run",
            run(),
            Class::UnreadableAnswer,
            404,
            "",
        ),
    ];
    for (call, answer, action, params, class, status, reason) in cases {
        let failure = refused(call, answer, action, params).await;
        assert_eq!(failure.class, class, "{answer}: {failure}");
        assert_eq!(failure.status, Some(status), "{answer}: {failure}");
        if !reason.is_empty() {
            assert_eq!(failure.reason.as_deref(), Some(reason), "{answer}: {failure}");
        }
        assert!(
            failure.message.contains("/api/2.0/mlflow/"),
            "the request is named: {failure}"
        );
    }
}

#[tokio::test]
async fn a_stage_mlflow_does_not_know_is_a_wrong_parameter() {
    let fake = start().await;
    let params = json!({ "model": "m", "version": 1, "stage": "prod" });
    let failure = fake.run("promote", params).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_registry_that_may_not_be_written_is_not_a_model_that_exists() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("POST registered-models/create", recorded("auth-viewer-tag"));
    let failure = fake
        .run("register", json!({ "model": "m", "run_id": "r" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Forbidden);
}

#[tokio::test]
async fn a_cleanup_that_is_refused_is_a_failure() {
    let call = "DELETE registered-models/delete";
    let failure = refused(call, "auth-none", "delete_model", json!({ "model": "m" })).await;
    assert_eq!(failure.class, Class::Unauthorized);
}
