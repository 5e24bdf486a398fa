//! No server, and answers that no MLflow should give: each is a failure, none an empty result.

use serde_json::{Value as Json, json};

use super::server::{Answer, context, endpoint, find, recorded, run, said, start};
use crate::action::Class;

/// Every action with parameters it accepts, and the first call it makes.
fn all() -> Vec<(&'static str, Json, &'static str)> {
    let version = json!({ "model": "m", "version": 1 });
    vec![
        ("artifacts", json!({ "run_id": "r" }), "GET runs/get"),
        (
            "delete_model",
            json!({ "model": "m" }),
            "DELETE registered-models/delete",
        ),
        ("delete_run", json!({ "run_id": "r" }), "POST runs/delete"),
        ("delete_version", version.clone(), "DELETE model-versions/delete"),
        (
            "get_experiment",
            json!({ "name": "e" }),
            "GET experiments/get-by-name",
        ),
        ("get_model", json!({ "model": "m" }), "GET registered-models/get"),
        ("get_run", json!({ "run_id": "r" }), "GET runs/get"),
        ("get_version", version.clone(), "GET model-versions/get"),
        ("lineage", version, "GET model-versions/get"),
        (
            "log_run",
            json!({ "experiment": "e" }),
            "GET experiments/get-by-name",
        ),
        (
            "metric_history",
            json!({ "run_id": "r", "metric": "a" }),
            "GET runs/get",
        ),
        (
            "promote",
            json!({ "model": "m", "version": 1, "alias": "a" }),
            "GET registered-models/alias",
        ),
        ("register", json!({ "model": "m", "run_id": "r" }), "GET runs/get"),
        (
            "search_runs",
            json!({ "experiments": ["e"] }),
            "GET experiments/get-by-name",
        ),
        (
            "search_versions",
            json!({ "model": "m" }),
            "GET model-versions/search",
        ),
        (
            "set_tags",
            json!({ "run_id": "r", "tags": { "a": "b" } }),
            "POST runs/set-tag",
        ),
    ]
}

#[test]
fn no_action_is_left_out_here() {
    let names: Vec<String> = all().iter().map(|(name, ..)| format!("mlflow.{name}")).collect();
    let table: Vec<&str> = super::super::ACTIONS.iter().map(|a| a.name()).collect();
    assert_eq!(names, table);
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context(Some(endpoint()), folder.path());
    for (action, params, _) in all() {
        let failure = run(action, params, &cx).await.unwrap_err();
        assert_eq!(failure.class, Class::Unreachable, "{action}: {failure}");
    }
}

#[tokio::test]
async fn an_environment_without_mlflow_is_told_how_to_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context(None, folder.path());
    for (action, params, _) in all() {
        let failure = run(action, params, &cx).await.unwrap_err();
        assert_eq!(failure.class, Class::Missing, "{action}: {failure}");
        assert!(failure.help.is_some());
    }
}

#[tokio::test]
async fn a_login_page_is_no_answer() {
    for (action, params, call) in all() {
        let fake = start()
            .await
            .on(call, Answer::text(200, "text/html", "<html>Please log in</html>"));
        let failure = fake.run(action, params).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{action}: {failure}");
        assert_eq!(
            fake.asked().len(),
            1,
            "{action} goes on after an unreadable answer"
        );
    }
}

#[tokio::test]
async fn a_list_where_an_object_belongs_is_no_answer() {
    for (action, params, call) in all() {
        let fake = start().await.on(call, Answer::json(200, &json!([1, 2])));
        let failure = fake.run(action, params).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{action}: {failure}");
    }
}

#[tokio::test]
async fn the_empty_answer_of_a_server_that_did_not_understand_is_explained() {
    let fake = start().await.on("GET runs/get", recorded("malformed-body"));
    let failure = fake.run("get_run", json!({ "run_id": "r" })).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
    assert!(failure.help.unwrap().contains("could not read the request"));
}

#[tokio::test]
async fn a_broken_server_is_not_a_wrong_request() {
    for (status, class) in [
        (500, Class::Server),
        (503, Class::Unavailable),
        (429, Class::RateLimited),
    ] {
        for (action, params, call) in all() {
            let fake = start().await.on(call, Answer::text(status, "text/plain", "no"));
            let failure = fake.run(action, params).await.unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
        }
    }
}

#[tokio::test]
async fn parameters_of_the_wrong_kind_send_nothing() {
    for (action, params, _) in all() {
        let fake = start().await;
        let mut more = params.clone();
        more["surprise"] = json!(true);
        let action_here = find(action);
        let folder = tempfile::tempdir().unwrap();
        let failure = action_here
            .run(more, &context(None, folder.path()))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{action}: an unknown key");
        let (key, _) = params.as_object().unwrap().iter().next().unwrap();
        let mut odd = params.clone();
        odd[key] = json!({ "not": "this" });
        let failure = fake.run(action, odd).await.unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{action}: {key}");
        assert!(fake.asked().is_empty());
    }
}

#[tokio::test]
async fn a_file_list_cannot_leave_its_folder() {
    for path in ["../../etc/passwd", "/etc/passwd", "data/../../x", "a\\..\\b", ""] {
        let row = json!({ "files": [{ "path": path, "is_dir": false, "file_size": 1 }] });
        let fake = start()
            .await
            .on("GET runs/get", recorded("run-get"))
            .on("GET artifacts/list", Answer::json(200, &row))
            .on("GET /get-artifact", Answer::text(200, "text/plain", "x"));
        let params = json!({ "run_id": "r", "download": true });
        let failure = fake.run("artifacts", params).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{path}: {failure}");
        assert!(fake.asked_for("GET get-artifact").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn folders_without_end_are_an_error() {
    let row = json!({ "files": [{ "path": "a", "is_dir": true }] });
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("GET artifacts/list", Answer::json(200, &row));
    let failure = fake.run("artifacts", json!({ "run_id": "r" })).await.unwrap_err();
    assert_eq!(
        failure.class,
        Class::UnreadableAnswer,
        "a folder that holds itself: {failure}"
    );
}

#[tokio::test]
async fn a_file_above_the_limit_is_not_kept() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("GET artifacts/list", recorded("artifacts-list-data"))
        .on(
            "GET /get-artifact",
            Answer::text(200, "text/plain", &"x".repeat(2000)),
        );
    let params = json!({ "run_id": "r", "path": "data", "download": true, "max_size": "1KiB" });
    let failure = fake.run("artifacts", params).await.unwrap_err();
    assert_eq!(failure.class, Class::TooLarge, "{failure}");
}

#[tokio::test]
async fn a_time_no_calendar_has_is_no_answer() {
    let mut row = said("version-get");
    row["model_version"]["creation_timestamp"] = json!(i64::MAX);
    let fake = start()
        .await
        .on("GET model-versions/get", Answer::json(200, &row));
    let failure = fake
        .run("get_version", json!({ "model": "m", "version": 1 }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer, "{failure}");
}

#[tokio::test]
async fn an_id_that_is_no_id_reaches_no_other_address() {
    let fake = start().await;
    for id in ["../runs/get", "m-1/../../x", "m 1", ""] {
        let failure = fake
            .run("artifacts", json!({ "logged_model": id }))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{id}");
    }
    assert!(fake.asked().is_empty());
}
