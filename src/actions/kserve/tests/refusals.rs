//! What KServe said when it refused, and which class that is.

use serde_json::json;

use super::{recorded, server};
use crate::action::Class;
use crate::actions::fake::Answer;

#[tokio::test]
async fn every_refusal_has_its_class_status_and_words() {
    for (answer, class, status, words) in [
        (
            "v1-columns",
            Class::Invalid,
            400,
            "expected shape [N,3], got [1, 2]",
        ),
        ("v1-missing", Class::Invalid, 400, "'instances'"),
        ("v1-malformed", Class::Invalid, 400, "Unrecognized request format"),
        // A model that is careless with nulls breaks: that is no refusal.
        ("v1-null", Class::Server, 500, "Input X contains NaN"),
        (
            "v1-unknown",
            Class::NotFound,
            404,
            "Model with name nope does not exist.",
        ),
        (
            "v2-missing",
            Class::Invalid,
            422,
            "Field required (body.InferenceRequest.inputs)",
        ),
        ("v2-malformed", Class::Invalid, 422, "JSON decode error (body.10)"),
        (
            "v2-strings",
            Class::Invalid,
            400,
            "could not convert string to float",
        ),
        (
            "v2-unknown",
            Class::NotFound,
            404,
            "Model with name nope does not exist.",
        ),
        ("broken", Class::Server, 500, "injected failure"),
    ] {
        let fake = server().await.on("POST v1/models/m:predict", recorded(answer));
        let ask = json!({"model": "m", "protocol": "v1", "rows": [[1]]});
        let failure = fake.run("infer", ask).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.status),
            (class, Some(status)),
            "{answer}: {failure:?}"
        );
        assert!(failure.message.contains(words), "{answer}: {failure}");
        assert!(
            failure.details.iter().any(|d| d.starts_with("answer: {")),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn what_another_program_says_is_not_the_models_refusal() {
    for answer in [
        Answer::text(404, "text/html", "<html>404 Not Found</html>"),
        Answer::text(404, "text/plain", ""),
        Answer::text(405, "text/html", "<html>"),
        recorded("no-such-path"),
        Answer::json(404, &json!({"message": "no Route matched"})),
    ] {
        let fake = server().await.on("POST v1/models/m:predict", answer);
        let ask = json!({"model": "m", "protocol": "v1", "rows": [[1]]});
        let failure = fake.run("infer", ask).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{failure:?}");
        assert!(failure.help.unwrap().contains("host:"));
    }
}

#[tokio::test]
async fn odd_details_do_no_harm() {
    for body in [
        json!({"detail": []}),
        json!({"detail": "no"}),
        json!({"detail": [{"x": 1}]}),
        json!({"detail": [{"type": "t", "msg": "m\n\u{7}", "loc": [{"a": 1}, 3]}]}),
        json!({"error": {"message": "deep", "code": "X"}}),
        json!([1]),
        json!("text"),
    ] {
        let fake = server()
            .await
            .on("POST v1/models/m:predict", Answer::json(400, &body));
        let ask = json!({"model": "m", "protocol": "v1", "rows": [[1]]});
        let failure = fake.run("infer", ask).await.unwrap_err();
        assert_eq!(
            (failure.class, failure.status),
            (Class::Invalid, Some(400)),
            "{body}"
        );
        assert!(!failure.message.contains('\n'), "{body}: {failure}");
    }
}
