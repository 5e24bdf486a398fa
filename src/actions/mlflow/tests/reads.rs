//! Actions that read, with what MLflow 3.17 answered.

use serde_json::json;

use super::server::{Answer, recorded, said, start};
use crate::action::Class;

#[tokio::test]
async fn a_run_is_read_with_its_metrics_and_data() {
    let fake = start().await.on("GET runs/get", recorded("run-get"));
    let run = fake.run("get_run", json!({ "run_id": "abc" })).await.unwrap();
    assert_eq!(fake.asked()[0].query["run_id"], "abc");
    assert_eq!(run["status"], "FINISHED");
    assert_eq!(run["deleted"], false);
    assert_eq!(run["metrics"], json!({ "accuracy": 0.912 }));
    assert_eq!(run["params"]["seed"], "7");
    assert_eq!(run["git_commit"], "0123456789abcdef0123456789abcdef01234567");
    let data = &run["datasets"][0];
    assert_eq!(data["name"], "payments");
    assert_eq!(data["source"]["url"], "https://example.org/datasets/payments.csv");
    assert_eq!(data["uri"], "https://example.org/datasets/payments.csv");
    assert_eq!(data["context"], "training");
    assert_eq!(
        data["columns"],
        json!(["amount", "payments_7d", "age_days", "label"])
    );
    assert_eq!(data["rows"], 500);
    assert_eq!(data["digest"].as_str().unwrap().len(), 8);
    let model = said("run-get")["run"]["outputs"]["model_outputs"][0]["model_id"].clone();
    assert_eq!(run["logged_models"], json!([model]));
    assert!(run["started"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn what_is_no_number_is_no_metric() {
    let fake = start().await.on("GET runs/get", recorded("run-get-not-finite"));
    let run = fake.run("get_run", json!({ "run_id": "abc" })).await.unwrap();
    assert_eq!(run["metrics"], json!({}));
    assert_eq!(run["not_finite"], json!({ "loss": "NaN", "peak": "Infinity" }));
    assert_eq!(run["ended"], json!(null), "it still runs");
}

#[tokio::test]
async fn a_deleted_run_says_so() {
    let fake = start().await.on("GET runs/get", recorded("run-get-deleted"));
    let run = fake.run("get_run", json!({ "run_id": "abc" })).await.unwrap();
    assert_eq!(run["deleted"], true);
}

#[tokio::test]
async fn runs_are_searched_by_the_names_of_experiments() {
    let fake = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-get-by-name"))
        .on("POST runs/search", recorded("runs-search"));
    let params = json!({
        "experiments": ["specrun-lab"], "filter": "metrics.accuracy >= 0.5",
        "order_by": ["metrics.accuracy DESC"], "limit": 1,
    });
    let found = fake.run("search_runs", params).await.unwrap();
    assert_eq!(found["count"], 1);
    assert_eq!(found["runs"][0]["metrics"]["accuracy"], 0.912);
    let sent = &fake.asked_for("POST runs/search")[0].body;
    assert_eq!(sent["experiment_ids"], json!(["1"]));
    assert_eq!(sent["filter"], "metrics.accuracy >= 0.5");
    assert_eq!(sent["max_results"], 1);
    assert_eq!(sent["order_by"], json!(["metrics.accuracy DESC"]));
}

#[tokio::test]
async fn no_run_is_an_empty_list() {
    let fake = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-get-by-name"))
        .on("POST runs/search", recorded("runs-search-nothing"));
    let found = fake
        .run("search_runs", json!({ "experiments": ["specrun-lab"] }))
        .await
        .unwrap();
    assert_eq!(found, json!({ "runs": [], "count": 0 }));
}

#[tokio::test]
async fn pages_are_followed_and_a_cut_list_is_an_error() {
    let mut page = said("runs-search");
    let row = page["runs"][0].clone();
    page["runs"] = vec![row; 200].into();
    page["next_page_token"] = json!("more");
    let fake = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-get-by-name"))
        .on("POST runs/search", Answer::json(200, &page))
        .on("POST runs/search", Answer::json(200, &page))
        .on("POST runs/search", recorded("runs-search-nothing"));
    let found = fake
        .run("search_runs", json!({ "experiments": ["x"] }))
        .await
        .unwrap();
    assert_eq!(found["count"], 400);
    assert_eq!(fake.asked_for("POST runs/search")[1].body["page_token"], "more");

    let endless = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-get-by-name"))
        .on("POST runs/search", Answer::json(200, &page));
    let failure = endless
        .run("search_runs", json!({ "experiments": ["x"] }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::TooLarge, "{failure}");
    let some = endless
        .run("search_runs", json!({ "experiments": ["x"], "limit": 250 }))
        .await
        .unwrap();
    assert_eq!(some["count"], 250);
}

#[tokio::test]
async fn an_experiment_is_read_by_name() {
    let fake = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-get-by-name"));
    let found = fake
        .run("get_experiment", json!({ "name": "specrun-lab" }))
        .await
        .unwrap();
    assert_eq!(found["experiment_id"], "1");
    assert_eq!(found["deleted"], false);
    assert_eq!(fake.asked()[0].query["experiment_name"], "specrun-lab");
}

#[tokio::test]
async fn a_version_is_read_by_number_and_by_alias() {
    let fake = start()
        .await
        .on("GET model-versions/get", recorded("version-get-with-alias"))
        .on("GET registered-models/alias", recorded("alias-get"));
    for params in [
        json!({ "model": "payments", "version": 2 }),
        json!({ "model": "payments", "alias": "champion" }),
    ] {
        let version = fake.run("get_version", params).await.unwrap();
        assert_eq!(version["version"], "2");
        assert_eq!(version["stage"], "Production");
        assert_eq!(version["aliases"], json!(["champion"]));
        assert_eq!(version["tags"]["approver"], "qa@example.org");
        assert!(version["logged_model"].as_str().unwrap().starts_with("m-"));
    }
    assert_eq!(fake.asked()[0].query["version"], "2");
    assert_eq!(fake.asked()[1].query["alias"], "champion");
}

#[tokio::test]
async fn a_search_of_versions_has_the_aliases_mlflow_leaves_out() {
    let fake = start()
        .await
        .on("GET model-versions/search", recorded("versions-search"))
        .on("GET registered-models/get", recorded("model-get"));
    let params = json!({ "model": "payments", "run_id": "abc", "tags": { "team": "it's" } });
    let found = fake.run("search_versions", params).await.unwrap();
    assert_eq!(found["count"], 2);
    assert_eq!(found["versions"][0]["aliases"], json!(["champion"]));
    assert_eq!(found["versions"][1]["aliases"], json!([]));
    assert_eq!(found["versions"][1]["stage"], "Archived");
    assert_eq!(
        fake.asked()[0].query["filter"],
        "name='payments' and run_id='abc' and tags.`team`=\"it's\""
    );
}

#[tokio::test]
async fn a_search_that_finds_no_version_counts_none() {
    let fake = start()
        .await
        .on("GET model-versions/search", recorded("versions-search-nothing"));
    let found = fake
        .run("search_versions", json!({ "run_id": "abc" }))
        .await
        .unwrap();
    assert_eq!(found, json!({ "versions": [], "count": 0 }));
}

#[tokio::test]
async fn a_text_with_both_quotes_is_refused_before_it_is_sent() {
    let fake = start().await;
    let failure = fake
        .run("search_versions", json!({ "tags": { "a": "'\"" } }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(fake.asked().is_empty());
}

#[tokio::test]
async fn a_model_is_read_with_its_versions() {
    let fake = start()
        .await
        .on("GET model-versions/search", recorded("versions-search"))
        .on("GET registered-models/get", recorded("model-get"));
    let model = fake
        .run("get_model", json!({ "model": "payments" }))
        .await
        .unwrap();
    assert_eq!(model["aliases"], json!({ "champion": "2" }));
    assert_eq!(model["versions"][0]["version"], "2");
    assert_eq!(model["versions"][1]["version"], "1");
}

#[tokio::test]
async fn the_history_of_a_metric_has_every_step() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("GET metrics/get-history", recorded("metric-history"));
    let history = fake
        .run("metric_history", json!({ "run_id": "a", "metric": "accuracy" }))
        .await
        .unwrap();
    assert_eq!(history["count"], 3);
    assert_eq!(history["not_finite"], 0);
    assert_eq!(history["last"], 0.912);
    assert_eq!(history["points"][2]["step"], 2);
    assert!(history["min"].as_f64() <= history["max"].as_f64());
}

#[tokio::test]
async fn a_metric_that_was_never_logged_is_not_found() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("GET metrics/get-history", recorded("metric-history-unknown"));
    let failure = fake
        .run("metric_history", json!({ "run_id": "a", "metric": "acuracy" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert_eq!(failure.help.unwrap(), "its metrics are `accuracy`");
}

#[tokio::test]
async fn lineage_follows_a_version_to_its_run() {
    let fake = start()
        .await
        .on("GET model-versions/get", recorded("version-get"))
        .on("GET runs/get", recorded("run-get"));
    let found = fake
        .run("lineage", json!({ "model": "payments", "version": "1" }))
        .await
        .unwrap();
    assert_eq!(found["git_commit"], "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(found["dataset"]["name"], "payments");
    assert_eq!(found["approver"], "qa@example.org");
    assert_eq!(found["missing"], json!([]));
    let run = said("version-get")["model_version"]["run_id"].clone();
    assert_eq!(found["run"]["run_id"], run);
    assert_eq!(json!(fake.asked()[1].query["run_id"]), run);
}

#[tokio::test]
async fn lineage_names_what_is_not_recorded() {
    let mut version = said("version-get");
    version["model_version"]["run_id"] = json!("");
    let fake = start()
        .await
        .on("GET model-versions/get", Answer::json(200, &version));
    let found = fake
        .run("lineage", json!({ "model": "payments", "version": "1" }))
        .await
        .unwrap();
    assert_eq!(
        found["missing"],
        json!(["run", "git_commit", "dataset", "approver"])
    );
    assert_eq!(found["run"], json!(null));

    // An approver on the version wins over the run's, an empty one counts as none.
    version["model_version"]["run_id"] = json!("abc");
    version["model_version"]["tags"] = json!([{ "key": "signed_off_by", "value": " " }]);
    let fake = start()
        .await
        .on("GET model-versions/get", Answer::json(200, &version))
        .on("GET runs/get", recorded("run-get"));
    let params = json!({ "model": "payments", "version": "1", "approver_tag": "signed_off_by" });
    assert_eq!(
        fake.run("lineage", params).await.unwrap()["missing"],
        json!(["approver"])
    );
}

#[tokio::test]
async fn files_of_a_run_are_listed_through_its_folders() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on("GET artifacts/list", recorded("artifacts-list-root"))
        .on("GET artifacts/list", recorded("artifacts-list-data"))
        .on("GET /get-artifact", recorded("artifact-get"));
    let found = fake
        .run("artifacts", json!({ "run_id": "abc", "download": true }))
        .await
        .unwrap();
    assert_eq!(found["count"], 1);
    let file = &found["files"][0];
    assert_eq!(file["path"], "data/summary.json");
    let bytes = std::fs::read(file["file"].as_str().unwrap()).unwrap();
    assert_eq!(bytes, recorded("artifact-get").body);
    assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(fake.asked_for("GET artifacts/list")[1].query["path"], "data");
    assert_eq!(
        fake.asked_for("GET get-artifact")[0].query["path"],
        "data/summary.json"
    );
}

#[tokio::test]
async fn files_of_a_version_are_those_of_its_logged_model() {
    let model = said("logged-model-get")["model"]["info"]["model_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let fake = start()
        .await
        .on("GET registered-models/alias", recorded("alias-get"))
        .on(
            &format!("GET logged-models/{model}/artifacts/directories"),
            recorded("logged-model-files"),
        )
        .on(
            &format!("GET /ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files"),
            recorded("proxy-get"),
        );
    let params = json!({ "model": "payments", "alias": "champion" });
    let found = fake.run("artifacts", params).await.unwrap();
    let paths: Vec<&str> = found["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"MLmodel"), "{paths:?}");
    assert_eq!(found["files"][0]["sha256"], json!(null));
    let params = json!({ "logged_model": model, "download": true });
    let found = fake.run("artifacts", params).await.unwrap();
    assert!(
        found["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|f| f["sha256"].is_string())
    );
}

#[tokio::test]
async fn files_of_a_version_of_mlflow_2_are_among_its_runs() {
    let run = said("run-get");
    let uri = run["run"]["info"]["artifact_uri"].as_str().unwrap();
    let mut version = said("version-get");
    version["model_version"]["source"] = json!(format!("{uri}/data"));
    let fake = start()
        .await
        .on("GET model-versions/get", Answer::json(200, &version))
        .on("GET runs/get", recorded("run-get"))
        .on("GET artifacts/list", recorded("artifacts-list-data"));
    let found = fake
        .run("artifacts", json!({ "model": "payments", "version": 1 }))
        .await
        .unwrap();
    assert_eq!(found["files"][0]["path"], "data/summary.json");
    assert_eq!(fake.asked_for("GET artifacts/list")[0].query["path"], "data");
}
