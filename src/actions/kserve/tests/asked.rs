//! Readiness, metadata, explanations.

use serde_json::json;

use super::{iris, recorded, server};
use crate::action::Class;
use crate::actions::fake::{self, Answer};

#[tokio::test]
async fn a_model_that_says_so_is_ready() {
    for (protocol, call, answer) in [
        ("v1", "GET v1/models/fraud", "ready-v1"),
        ("v2", "GET v2/models/fraud/ready", "ready-v2"),
    ] {
        let fake = server().await.on(call, recorded(answer));
        let got = fake
            .run("ready", json!({"model": "fraud", "protocol": protocol}))
            .await;
        assert_eq!(got.unwrap(), json!({"model": "fraud", "ready": true}));
        assert_eq!(fake.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_version_is_part_of_the_address() {
    let fake = server()
        .await
        .on("GET v2/models/fraud/versions/3/ready", recorded("ready-v2"));
    fake.run("ready", json!({"model": "fraud", "version": "3"}))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_empty_ok_is_not_believed_without_the_models_name() {
    let empty = || Answer::text(200, "text/plain", "");
    let fake = iris().await.on("GET v2/models/iris/ready", empty());
    fake.run("ready", json!({"model": "iris"})).await.unwrap();
    let fake = server()
        .await
        .on("GET v2/models/iris/ready", empty())
        .on("GET v2/models/iris", Answer::text(200, "text/plain", ""));
    let failure = fake.run("ready", json!({"model": "iris"})).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer, "{failure:?}");
}

#[tokio::test]
async fn a_model_that_is_not_ready_is_not_there_or_unavailable() {
    for (answer, class) in [
        (recorded("ready-unknown"), Class::NotFound),
        (recorded("not-ready"), Class::Unavailable),
        (
            Answer::json(200, &json!({"name": "iris", "ready": false})),
            Class::Unavailable,
        ),
        (
            Answer::json(200, &json!({"name": "iris", "ready": "False"})),
            Class::Unavailable,
        ),
        (
            Answer::json(200, &json!({"name": "other", "ready": true})),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"ready": true})),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"name": "iris"})),
            Class::UnreadableAnswer,
        ),
        (Answer::json(200, &json!([])), Class::UnreadableAnswer),
        (
            Answer::text(200, "text/html", "<html>welcome"),
            Class::UnreadableAnswer,
        ),
        (Answer::text(404, "text/html", "<html>"), Class::UnreadableAnswer),
        (recorded("no-such-path"), Class::UnreadableAnswer),
        (Answer::text(404, "text/plain", ""), Class::UnreadableAnswer),
    ] {
        let shown = format!("{answer:?}");
        let fake = server().await.on("GET v2/models/iris/ready", answer);
        let failure = fake.run("ready", json!({"model": "iris"})).await.unwrap_err();
        assert_eq!(failure.class, class, "{shown}: {failure:?}");
    }
}

#[tokio::test]
async fn the_states_of_tensorflow_serving_are_understood() {
    let state = |state: &str| {
        Answer::json(
            200,
            &json!({"model_version_status": [{"version": "1", "state": state}]}),
        )
    };
    let ask = json!({"model": "m", "protocol": "v1"});
    let fake = server().await.on("GET v1/models/m", state("AVAILABLE"));
    fake.run("ready", ask.clone()).await.unwrap();
    let fake = server().await.on("GET v1/models/m", state("LOADING"));
    let failure = fake.run("ready", ask).await.unwrap_err();
    assert_eq!(failure.class, Class::Unavailable);
    assert!(failure.message.contains("not ready: LOADING"), "{failure}");
}

#[tokio::test]
async fn metadata_names_the_tensors_and_the_server() {
    let fake = iris().await.on("GET v2", recorded("server"));
    let got = fake.run("metadata", json!({"model": "iris"})).await.unwrap();
    assert_eq!(
        got,
        json!({
            "model": "iris", "versions": [], "platform": "",
            "inputs": [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}],
            "outputs": [{"name": "output-0", "datatype": "INT64", "shape": [-1]}],
            "server": "kserve", "server_version": "0.21.0"
        })
    );
    let fake = server()
        .await
        .on("GET v2/models/fraud", recorded("model-without-tensors"))
        .on("GET v2", recorded("server"));
    let got = fake.run("metadata", json!({"model": "fraud"})).await.unwrap();
    assert_eq!(got["inputs"], json!([]));
}

#[tokio::test]
async fn metadata_of_another_shape_is_unreadable() {
    for body in [
        json!({}),
        json!({"name": "other"}),
        json!({"name": "iris", "inputs": [{"name": "a"}]}),
        json!({"name": "iris", "inputs": [{"name": "a", "datatype": "FP99", "shape": [1]}]}),
    ] {
        let fake = server().await.on("GET v2/models/iris", Answer::json(200, &body));
        let failure = fake.run("metadata", json!({"model": "iris"})).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{body}: {failure:?}");
    }
}

#[tokio::test]
async fn explanations_are_given_as_the_explainer_says_them() {
    let fake = server()
        .await
        .on("POST v1/models/iris:explain", recorded("explain"));
    let ask = json!({"model": "iris", "rows": [[5.1, 3.5, 1.4, 0.2]]});
    let got = fake.run("explain", ask.clone()).await.unwrap();
    assert_eq!(
        got["explanations"].as_array().unwrap()[0]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    assert_eq!(got["rows"], 1);
    assert_eq!(fake.asked()[0].body, json!({"instances": [[5.1, 3.5, 1.4, 0.2]]}));
    for body in [
        json!({}),
        json!({"explanations": null}),
        json!({"explanations": {}}),
    ] {
        let fake = server()
            .await
            .on("POST v1/models/iris:explain", Answer::json(200, &body));
        let failure = fake.run("explain", ask.clone()).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{body}");
    }
}

#[tokio::test]
async fn without_a_server_it_is_missing_or_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    for (verb, params) in [
        ("ready", json!({"model": "m"})),
        ("metadata", json!({"model": "m"})),
        ("infer", json!({"model": "m", "rows": [[1]]})),
        ("explain", json!({"model": "m", "rows": [[1]]})),
    ] {
        let nowhere = fake::context(None, folder.path());
        let failure = fake::run("kserve", verb, params.clone(), &nowhere)
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Missing, "{verb}: {failure:?}");
        assert!(failure.help.unwrap().contains("endpoints: {kserve:"));
        let down = fake::context(Some(fake::closed("kserve")), folder.path());
        let failure = fake::run("kserve", verb, params, &down).await.unwrap_err();
        assert_eq!(failure.class, Class::Unreachable, "{verb}: {failure:?}");
    }
}
