//! `training.twice` with shell scripts that train, and one MLflow that they log to.

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure, OwnCheck};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::tools::Grants;

use crate::support::actions::Stage;

/// A stage whose training writes what `makes` prints to `model.json` in the folder of the run. `$n` counts the runs.
fn stage(makes: &str) -> Stage {
    let stage = Stage::new();
    let count = stage.path("project/count");
    stage.program(
        "project/specs/train",
        &format!(
            "n=$(cat {count} 2>/dev/null || echo 0); n=$((n+1)); echo $n > {count}\n{{ {makes}; }} > $1/model.json",
            count = count.display()
        ),
    );
    stage
}

async fn run(stage: &Stage, more: Json) -> (Result<Json, Failure>, Vec<OwnCheck>) {
    let mut params = json!({ "argv": ["./train", "{out}"], "model": { "file": "model.json" } });
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let cx = stage.context(Grants::open());
    let got = REGISTRY.get("training.twice").unwrap().run(params, &cx).await;
    (got, cx.checks.take())
}

#[tokio::test]
async fn equal_weights_are_identical() {
    let (got, checks) = run(
        &stage("echo '{\"w\": [1.5, 2.5], \"b\": 1}'"),
        json!({ "runs": 3 }),
    )
    .await;
    let got = got.unwrap();
    assert_eq!(
        (&got["identical"], &got["within_tolerance"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&got["distinct"], &got["tensors"], &got["differences"]),
        (&json!(1), &json!(2), &json!([]))
    );
    assert_eq!(got["runs"].as_array().unwrap().len(), 3);
    assert_eq!(checks.len(), 1);
    assert_eq!(
        (checks[0].id.as_str(), checks[0].outcome.verdict),
        ("weights", Verdict::Passed)
    );
    assert_eq!(checks[0].outcome.message, "the weights of 3 runs are identical");
}

#[tokio::test]
async fn the_tensor_that_differs_is_named_with_its_distance() {
    let trains = stage("echo \"{\\\"a\\\": [1.5, 2.5], \\\"w\\\": [1.0, 2.0, $n.5]}\"");
    let (got, checks) = run(&trains, json!({})).await;
    let got = got.unwrap();
    assert_eq!(
        (&got["identical"], &got["within_tolerance"], &got["distinct"]),
        (&json!(false), &json!(false), &json!(2))
    );
    let found = &got["differences"][0];
    assert_eq!(
        (&found["tensor"], &found["run"], &found["first"]),
        (&json!("w"), &json!(2), &json!(2))
    );
    assert_eq!(
        (&found["a"], &found["b"], &found["max_absolute"]),
        (&json!(1.5), &json!(2.5), &json!(1.0))
    );
    assert_eq!(checks[0].outcome.verdict, Verdict::Failed);
    let message = &checks[0].outcome.message;
    assert!(
        message.contains("run 2: `w`: 1 of 3 values differ, first at 2 (1.5 and 2.5)"),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_tolerated_passes_and_is_still_told() {
    let trains = || stage("echo \"{\\\"a\\\": [1.0], \\\"lstm.w\\\": [1000$n.5]}\"");
    let tolerant = [
        json!({ "tolerance": { "relative": 1e-3 } }),
        json!({ "tolerance": { "absolute": 1 } }),
        json!({ "tolerances": { "lstm.*": { "absolute": 1 } } }),
    ];
    for more in tolerant {
        let (got, checks) = run(&trains(), more.clone()).await;
        let got = got.unwrap();
        assert_eq!(
            (&got["identical"], &got["within_tolerance"]),
            (&json!(false), &json!(true)),
            "{more}"
        );
        assert_eq!(checks[0].outcome.verdict, Verdict::Passed);
        assert!(checks[0].outcome.message.contains("no more than is tolerated"));
    }
    let strict = [
        json!({ "tolerance": { "relative": 1e-6 } }),
        json!({ "tolerances": { "a": { "absolute": 1 } } }),
        json!({ "tolerance": { "absolute": 1 }, "tolerances": { "lstm.*": {} } }),
    ];
    for more in strict {
        let (_, checks) = run(&trains(), more.clone()).await;
        assert_eq!(checks[0].outcome.verdict, Verdict::Failed, "{more}");
    }
}

#[tokio::test]
async fn tensors_that_come_and_go_are_differences() {
    let (got, checks) = run(
        &stage("echo \"{\\\"w\\\": [1.0], \\\"layer$n\\\": [2.0]}\""),
        json!({}),
    )
    .await;
    let named: Vec<&str> = got.as_ref().unwrap()["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["tensor"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["layer1", "layer2"]);
    assert_eq!(checks[0].outcome.verdict, Verdict::Failed);
}

#[tokio::test]
async fn a_model_that_broke_proves_nothing() {
    let stage = Stage::new();
    // One number that is none: numpy.save of [nan].
    let mut npy =
        b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }".to_vec();
    npy.resize(79, b' ');
    npy.push(b'\n');
    npy.extend(f64::NAN.to_le_bytes());
    let file = stage.file("project/nan.npy", npy);
    stage.program(
        "project/specs/train",
        &format!("cp {} $1/model.npy", file.display()),
    );
    let (got, checks) = run(&stage, json!({ "model": { "file": "model.npy" } })).await;
    assert_eq!(got.unwrap()["identical"], true);
    assert_eq!(
        checks[0].outcome.verdict,
        Verdict::Inconclusive,
        "{:?}",
        checks[0].outcome
    );
}

#[tokio::test]
async fn a_training_that_fails_shows_its_last_lines() {
    let stage = stage("true");
    stage.program(
        "project/specs/train",
        "echo epoch 1; echo 'CUDA out of memory' >&2; exit 1",
    );
    let failure = run(&stage, json!({})).await.0.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(1)));
    assert!(
        failure.message.starts_with("run 1 of the training: "),
        "{failure}"
    );
    assert!(
        failure.details.contains(&"stderr: CUDA out of memory".to_owned()),
        "{failure:?}"
    );
    assert!(
        failure.details.contains(&"stdout: epoch 1".to_owned()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_training_that_leaves_no_model_is_a_failure() {
    let stage = stage("true");
    stage.program("project/specs/train", "true");
    let failure = run(&stage, json!({})).await.0.unwrap_err();
    assert_eq!(failure.class, Class::Missing);
    assert!(failure.message.contains("left no `model.json`"), "{failure}");
    stage.program("project/specs/train", ": > $1/model.json");
    assert_eq!(
        run(&stage, json!({})).await.0.unwrap_err().class,
        Class::UnreadableAnswer
    );
    stage.program("project/specs/train", "echo x > $1/model.json; sleep 1000");
    let failure = run(&stage, json!({ "timeout": "300ms" })).await.0.unwrap_err();
    assert_eq!(failure.class, Class::Timeout, "{failure}");
    // A file that both runs share would be compared with itself.
    stage.file("project/specs/model.json", "[1.5]");
    stage.program("project/specs/train", "true");
    let shared = stage.path("project/specs/model.json").display().to_string();
    let failure = run(&stage, json!({ "model": { "file": shared } }))
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.class, Class::BadParameter, "{failure}");
}

#[tokio::test]
async fn a_run_of_mlflow_must_be_named() {
    let stage = stage("true");
    for says in ["true", "echo '{\"id\": 1}'", "echo '{\"run_id\": 5}'"] {
        stage.program("project/specs/train", says);
        let failure = run(&stage, json!({ "model": { "mlflow": {} } }))
            .await
            .0
            .unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{says}");
        assert!(failure.help.unwrap().contains("run_id"));
    }
    // Without an MLflow in the environment.
    stage.program("project/specs/train", "echo '{\"run_id\": \"r\"}'");
    let failure = run(&stage, json!({ "model": { "mlflow": {} } }))
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.class, Class::Missing, "{failure}");
}
