//! Actions that change something, with what MLflow 3.17 answered.

use serde_json::json;

use super::server::{Answer, find, recorded, said, start};
use crate::action::Class;

#[tokio::test]
async fn a_run_with_a_logged_model_is_registered_by_it() {
    let fake = start()
        .await
        .on("GET runs/get", recorded("run-get"))
        .on(
            "POST registered-models/create",
            recorded("model-create-duplicate"),
        )
        .on("POST model-versions/create", recorded("version-create"));
    let params =
        json!({ "model": "payments", "run_id": "abc", "tags": { "by": "hand" }, "description": "d" });
    let version = fake.run("register", params).await.unwrap();
    assert_eq!(version["version"], "2");
    assert_eq!(version["status"], "READY");
    let id = said("run-get")["run"]["outputs"]["model_outputs"][0]["model_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent = &fake.asked_for("POST model-versions/create")[0].body;
    assert_eq!(sent["source"], format!("models:/{id}"));
    assert_eq!(
        sent["model_id"], id,
        "MLflow refuses a models:/ source without it"
    );
    assert_eq!(sent["run_id"], "abc");
    assert_eq!(sent["tags"], json!([{ "key": "by", "value": "hand" }]));
    assert_eq!(sent["description"], "d");
}

#[tokio::test]
async fn a_run_without_logged_models_is_registered_by_its_folder() {
    let mut run = said("run-get");
    run["run"]["outputs"] = json!({});
    let uri = run["run"]["info"]["artifact_uri"].as_str().unwrap().to_owned();
    let fake = start()
        .await
        .on("GET runs/get", Answer::json(200, &run))
        .on(
            "POST registered-models/create",
            recorded("model-create-duplicate"),
        )
        .on("POST model-versions/create", recorded("version-create"));
    fake.run("register", json!({ "model": "payments", "run_id": "abc" }))
        .await
        .unwrap();
    let sent = &fake.asked_for("POST model-versions/create")[0].body;
    assert_eq!(sent["source"], format!("{uri}/model"));
    assert!(sent.get("model_id").is_none());
}

#[tokio::test]
async fn several_logged_models_must_be_told_apart() {
    let mut run = said("run-get");
    run["run"]["outputs"]["model_outputs"] = json!([{ "model_id": "m-1" }, { "model_id": "m-2" }]);
    let fake = start()
        .await
        .on("GET runs/get", Answer::json(200, &run))
        .on(
            "POST registered-models/create",
            recorded("model-create-duplicate"),
        )
        .on("POST model-versions/create", recorded("version-create"));
    let failure = fake
        .run("register", json!({ "model": "p", "run_id": "abc" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(failure.help.unwrap().contains("m-1, m-2"));
    assert!(
        fake.asked_for("POST registered-models/create").is_empty(),
        "nothing is made before"
    );
    let params = json!({ "model": "p", "run_id": "abc", "logged_model": "m-2" });
    fake.run("register", params).await.unwrap();
    assert_eq!(
        fake.asked_for("POST model-versions/create")[0].body["model_id"],
        "m-2"
    );
    let params = json!({ "model": "p", "run_id": "abc", "logged_model": "m-3" });
    assert_eq!(
        fake.run("register", params).await.unwrap_err().class,
        Class::BadParameter
    );
}

#[tokio::test]
async fn registering_waits_until_the_version_is_ready() {
    let mut pending = said("version-create");
    pending["model_version"]["status"] = json!("PENDING_REGISTRATION");
    let mut broken = pending.clone();
    broken["model_version"]["status"] = json!("FAILED_REGISTRATION");
    let server = || async {
        start()
            .await
            .on("GET runs/get", recorded("run-get"))
            .on(
                "POST registered-models/create",
                recorded("model-create-duplicate"),
            )
            .on("POST model-versions/create", Answer::json(200, &pending))
            .on("GET model-versions/get", Answer::json(200, &pending))
    };
    let params = json!({ "model": "payments", "run_id": "abc" });
    let fake = server()
        .await
        .on("GET model-versions/get", recorded("version-create"));
    assert_eq!(
        fake.run("register", params.clone()).await.unwrap()["status"],
        "READY"
    );
    assert_eq!(fake.asked_for("GET model-versions/get").len(), 2);
    let fake = server()
        .await
        .on("GET model-versions/get", Answer::json(200, &broken));
    assert_eq!(
        fake.run("register", params).await.unwrap_err().class,
        Class::Invalid
    );
}

#[tokio::test]
async fn a_promotion_moves_stage_alias_and_tags_and_reads_them_back() {
    let mut before = said("versions-search");
    before["model_versions"][0]["current_stage"] = json!("None");
    before["model_versions"][1]["current_stage"] = json!("Production");
    let mut served = said("alias-get");
    served["model_version"]["version"] = json!("1");
    let fake = start()
        .await
        .on("GET registered-models/alias", Answer::json(200, &served))
        .on("POST model-versions/set-tag", recorded("version-set-tag"))
        .on("GET model-versions/search", Answer::json(200, &before))
        .on("GET registered-models/get", recorded("model-get"))
        .on(
            "POST model-versions/transition-stage",
            recorded("stage-production-archives"),
        )
        .on("GET model-versions/get", recorded("version-get-archived"))
        .on("GET model-versions/get", recorded("version-get-with-alias"))
        .on("POST registered-models/alias", recorded("alias-set"));
    let params = json!({
        "model": "payments", "version": 2, "stage": "Production", "alias": "champion",
        "tags": { "approver": "qa@example.org" },
    });
    let promoted = fake.run("promote", params).await.unwrap();
    assert_eq!(promoted["previous"], "1");
    assert_eq!(promoted["archived"], json!(["1"]));
    assert_eq!(promoted["version"]["stage"], "Production");
    assert_eq!(promoted["version"]["aliases"], json!(["champion"]));
    let sent = &fake.asked_for("POST model-versions/transition-stage")[0].body;
    assert_eq!(
        *sent,
        json!({ "name": "payments", "version": "2", "stage": "Production", "archive_existing_versions": true })
    );
    let sent = &fake.asked_for("POST registered-models/alias")[0].body;
    assert_eq!(
        *sent,
        json!({ "name": "payments", "alias": "champion", "version": "2" })
    );
}

#[tokio::test]
async fn a_promotion_that_archives_nothing_says_so() {
    let mut before = said("versions-search");
    before["model_versions"][1]["current_stage"] = json!("Production");
    let mut left = said("version-get-archived");
    left["model_version"]["current_stage"] = json!("Production");
    let fake = start()
        .await
        .on("GET model-versions/search", Answer::json(200, &before))
        .on("GET registered-models/get", recorded("model-get"))
        .on(
            "POST model-versions/transition-stage",
            recorded("stage-production"),
        )
        .on("GET model-versions/get", Answer::json(200, &left));
    let params =
        json!({ "model": "payments", "version": 2, "stage": "Production", "archive_existing": false });
    let promoted = fake.run("promote", params).await.unwrap();
    assert_eq!(promoted["archived"], json!([]));
    let sent = &fake.asked_for("POST model-versions/transition-stage")[0].body;
    assert_eq!(sent["archive_existing_versions"], false);
}

#[tokio::test]
async fn an_alias_that_nobody_had_has_no_previous_version() {
    let fake = start()
        .await
        .on("GET registered-models/alias", recorded("alias-unknown"))
        .on("POST registered-models/alias", recorded("alias-set"))
        .on("GET model-versions/get", recorded("version-get-with-alias"));
    let params = json!({ "model": "payments", "version": "2", "alias": "champion" });
    let promoted = fake.run("promote", params).await.unwrap();
    assert_eq!(promoted["previous"], json!(null));
    assert!(fake.asked_for("POST model-versions/transition-stage").is_empty());
}

#[test]
fn parameters_that_cannot_be_right_are_found_before_the_run() {
    let wrong = [
        (
            "promote",
            json!({ "model": "m", "version": 1 }),
            "a promotion needs a `stage` or an `alias`",
        ),
        (
            "promote",
            json!({ "model": "m", "version": 1, "alias": "latest" }),
            "MLflow keeps the alias `latest`",
        ),
        (
            "promote",
            json!({ "model": "m", "version": 1, "alias": "v12" }),
            "MLflow keeps the alias `v12`",
        ),
        (
            "promote",
            json!({ "model": "m", "version": 1, "alias": "a", "archive_existing": true }),
            "`archive_existing` means nothing without a `stage`",
        ),
        (
            "get_version",
            json!({ "model": "m" }),
            "one of `version`, `alias` is missing",
        ),
        (
            "get_version",
            json!({ "model": "m", "version": 1, "alias": "a" }),
            "only one of `version`, `alias`",
        ),
        (
            "lineage",
            json!({ "model": "m" }),
            "one of `version`, `alias` is missing",
        ),
        (
            "set_tags",
            json!({ "tags": { "a": "b" } }),
            "one of `run_id`, `model` is missing",
        ),
        (
            "set_tags",
            json!({ "run_id": "r", "version": 1, "tags": { "a": "b" } }),
            "`version` needs the `model`",
        ),
        (
            "artifacts",
            json!({}),
            "one of `run_id`, `logged_model`, `model` is missing",
        ),
        (
            "artifacts",
            json!({ "model": "m" }),
            "one of `version`, `alias` is missing",
        ),
        (
            "artifacts",
            json!({ "run_id": "r", "alias": "a" }),
            "`alias` needs the `model`",
        ),
    ];
    for (action, params, message) in wrong {
        let problems = find(action).validate(&params);
        assert!(
            problems.iter().any(|p| p.message.starts_with(message)),
            "{action} {params}: {problems:?} has no `{message}`"
        );
    }
    let right = [
        (
            "promote",
            json!({ "model": "m", "version": "${{ a.version }}", "alias": "vNext" }),
        ),
        (
            "promote",
            json!({ "model": "m", "version": 1, "stage": "Archived" }),
        ),
        ("artifacts", json!({ "model": "m", "alias": "a" })),
        ("set_tags", json!({ "model": "m", "tags": { "a": "b" } })),
    ];
    for (action, params) in right {
        assert_eq!(find(action).validate(&params), [], "{action} {params}");
    }
}

#[tokio::test]
async fn tags_go_where_they_belong() {
    let fake = start()
        .await
        .on("POST runs/set-tag", recorded("run-set-tag"))
        .on("GET runs/get", recorded("run-get"))
        .on("POST model-versions/set-tag", recorded("version-set-tag"))
        .on("GET model-versions/get", recorded("version-get-with-alias"))
        .on("POST registered-models/set-tag", Answer::json(200, &json!({})))
        .on("GET registered-models/get", recorded("model-get"));
    let tags = json!({ "approver": "qa@example.org" });
    let run = fake
        .run("set_tags", json!({ "run_id": "abc", "tags": tags }))
        .await
        .unwrap();
    assert_eq!(run["tags"]["approver"], "qa@example.org");
    let version = fake
        .run("set_tags", json!({ "model": "p", "version": 2, "tags": tags }))
        .await
        .unwrap();
    assert_eq!(version["tags"]["by"], "hand");
    let model = fake
        .run("set_tags", json!({ "model": "p", "tags": tags }))
        .await
        .unwrap();
    assert_eq!(model["tags"], json!({}), "what is read back, not what was sent");
    let sent = |call: &str| fake.asked_for(call)[0].body.clone();
    assert_eq!(
        sent("POST runs/set-tag"),
        json!({ "run_id": "abc", "key": "approver", "value": "qa@example.org" })
    );
    assert_eq!(sent("POST model-versions/set-tag")["version"], "2");
    assert_eq!(sent("POST registered-models/set-tag")["name"], "p");
}

#[tokio::test]
async fn a_run_is_logged_into_an_experiment_that_is_made_for_it() {
    let fake = start()
        .await
        .on("GET experiments/get-by-name", recorded("experiment-unknown"))
        .on(
            "POST experiments/create",
            Answer::json(200, &json!({ "experiment_id": "7" })),
        )
        .on("POST runs/create", recorded("run-create"))
        .on("POST runs/log-batch", recorded("log-batch"))
        .on(
            "POST runs/log-inputs",
            Answer::json(
                400,
                &json!({ "error_code": "BAD_REQUEST", "message": "(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.digest" }),
            ),
        )
        .on("POST runs/log-inputs", Answer::json(200, &json!({})))
        .on("POST runs/update", recorded("run-update"))
        .on("GET runs/get", recorded("run-get"));
    let params = json!({
        "experiment": "new", "metrics": { "accuracy": 0.9 }, "params": { "depth": "3" }, "tags": { "a": "b" },
        "datasets": [{ "name": "d", "digest": "abcd", "uri": "s3://datasets/d.csv" }],
    });
    fake.run("log_run", params).await.unwrap();
    assert_eq!(fake.asked_for("POST runs/create")[0].body["experiment_id"], "7");
    let batch = &fake.asked_for("POST runs/log-batch")[0].body;
    assert_eq!(batch["metrics"][0]["value"], 0.9);
    assert_eq!(batch["params"], json!([{ "key": "depth", "value": "3" }]));
    // Another run named the same dataset at the same moment: asked once more, the row is there.
    assert_eq!(fake.asked_for("POST runs/log-inputs").len(), 2);
    let data = &fake.asked_for("POST runs/log-inputs")[1].body["datasets"][0];
    assert_eq!(data["dataset"]["source"], "{\"uri\":\"s3://datasets/d.csv\"}");
    assert_eq!(data["dataset"]["source_type"], "s3");
    assert_eq!(fake.asked_for("POST runs/update")[0].body["status"], "FINISHED");
}

#[tokio::test]
async fn what_is_deleted_twice_was_not_there_the_second_time() {
    let fake = start()
        .await
        .on("DELETE registered-models/delete", recorded("model-delete"))
        .on("DELETE registered-models/delete", recorded("model-delete-again"))
        .on("DELETE model-versions/delete", recorded("version-delete"))
        .on("DELETE model-versions/delete", recorded("version-delete-again"))
        .on("POST runs/delete", recorded("run-delete"))
        .on("POST runs/delete", recorded("run-unknown"));
    for (action, params) in [
        ("delete_model", json!({ "model": "payments" })),
        ("delete_version", json!({ "model": "payments", "version": 2 })),
        ("delete_run", json!({ "run_id": "abc" })),
    ] {
        assert_eq!(
            fake.run(action, params.clone()).await.unwrap()["deleted"],
            true,
            "{action}"
        );
        assert_eq!(
            fake.run(action, params).await.unwrap()["deleted"],
            false,
            "{action}"
        );
    }
    let sent = &fake.asked_for("DELETE model-versions/delete")[0].body;
    assert_eq!(*sent, json!({ "name": "payments", "version": "2" }));
}
