//! The model of a run, fetched for other families, from servers of both kinds.

use serde_json::{Value as Json, json};

use super::super::fetch;
use super::server::said;
use crate::action::Class;
use crate::actions::fake::{Answer, Fake};

const LARGEST: u64 = 1 << 20;

fn files(rows: &[(&str, bool)]) -> Answer {
    let row = |(path, is_dir): &(&str, bool)| json!({ "path": path, "is_dir": is_dir, "file_size": 1 });
    Answer::json(
        200,
        &json!({ "files": rows.iter().map(row).collect::<Vec<Json>>() }),
    )
}

fn run_with(models: &[&str]) -> Answer {
    let mut run = said("run-get");
    let outputs: Vec<Json> = models.iter().map(|m| json!({ "model_id": m })).collect();
    run["run"]["outputs"] = json!({ "model_outputs": outputs });
    Answer::json(200, &run)
}

async fn server(models: &[&str]) -> Fake {
    Fake::start("mlflow", "/api/2.0/mlflow/")
        .await
        .on("GET runs/get", run_with(models))
}

#[tokio::test]
async fn mlflow_3_keeps_it_beside_the_run() {
    let listed = "GET logged-models/m-1/artifacts/directories";
    let content = "GET /ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files";
    let fake = server(&["m-1"])
        .await
        .on(listed, files(&[("MLmodel", false), ("model.npz", false)]))
        .on(content, Answer::text(200, "text/plain", "weights"));
    let cx = fake.context();
    let into = cx.artifact_dir.join("model");
    let path = fetch(&cx, "r", None, &into, LARGEST).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(path.join("model.npz")).unwrap(),
        "weights"
    );
    assert!(path.join("MLmodel").is_file());
}

#[tokio::test]
async fn mlflow_2_keeps_it_among_the_runs_files() {
    let inside = [("sk/MLmodel", false), ("sk/model.pkl", false)];
    let fake = server(&[])
        .await
        .on("GET artifacts/list", files(&[("sk", true), ("notes.txt", false)]))
        .on("GET artifacts/list", files(&inside))
        .on("GET artifacts/list", files(&inside))
        .on("GET /get-artifact", Answer::text(200, "text/plain", "weights"));
    let cx = fake.context();
    let path = fetch(&cx, "r", None, &cx.artifact_dir, LARGEST).await.unwrap();
    assert_eq!(path, cx.artifact_dir.join("sk"));
    assert_eq!(
        std::fs::read_to_string(path.join("model.pkl")).unwrap(),
        "weights"
    );
    assert!(!cx.artifact_dir.join("notes.txt").exists());
}

#[tokio::test]
async fn a_folder_of_the_run_may_be_meant_instead() {
    let fake = server(&["m-1", "m-2"])
        .await
        .on("GET artifacts/list", files(&[("weights/w.json", false)]))
        .on("GET /get-artifact", Answer::text(200, "text/plain", "[1.5]"));
    let cx = fake.context();
    let path = fetch(&cx, "r", Some("weights"), &cx.artifact_dir, LARGEST)
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(path.join("w.json")).unwrap(), "[1.5]");
}

#[tokio::test]
async fn no_model_and_several_are_errors() {
    let nothing = Answer::json(200, &json!({}));
    for (fake, path, class) in [
        (server(&["m-1", "m-2"]).await, None, Class::Invalid),
        (
            server(&[]).await.on("GET artifacts/list", nothing.clone()),
            None,
            Class::Missing,
        ),
        (
            server(&[]).await.on("GET artifacts/list", nothing.clone()),
            Some("weights"),
            Class::Missing,
        ),
        (
            server(&["m-1"])
                .await
                .on("GET logged-models/m-1/artifacts/directories", nothing.clone()),
            None,
            Class::Missing,
        ),
    ] {
        let cx = fake.context();
        let failure = fetch(&cx, "r", path, &cx.artifact_dir, LARGEST)
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}
