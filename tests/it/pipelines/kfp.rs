//! `kfp.compile`, `kfp.component` and `kfp.pipeline`, with a program that answers as ours does around the SDK.

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::Grants;
use specrun::value::Secret;

use crate::support::actions::Stage;

const RECORDED: &str = include_str!("../../recorded/kfp-2.17/fraud-train.yaml");

/// A stage whose interpreter prints `says` and answers `answer`; the compiled pipeline is the recorded one.
fn stage(answer: &Json, says: &str) -> Stage {
    let stage = Stage::new();
    stage.file("project/specs/p.py", "x = 1\n");
    stage.file("project/answer.json", answer.to_string());
    stage.file("project/ir.yaml", RECORDED);
    let (answer, ir) = (stage.path("project/answer.json"), stage.path("project/ir.yaml"));
    stage.program(
        "project/python",
        &format!(
            "cat > {question}\nfield() {{ sed \"s/.*\\\"$1\\\":\\\"\\([^\\\"]*\\)\\\".*/\\1/\" {question}; }}\n\
             {says}\ncp {ir} $(field ir)\ncp {answer} $(field answer)",
            question = stage.path("project/question.json").display(),
            ir = ir.display(),
            answer = answer.display(),
        ),
    );
    stage
}

async fn run(stage: &Stage, verb: &str, mut params: Json) -> Result<Json, Failure> {
    params["python"] = json!("../python");
    params["file"] = json!("p.py");
    stage.run(&format!("kfp.{verb}"), params, Grants::open()).await
}

fn asked(stage: &Stage) -> Json {
    serde_json::from_slice(&std::fs::read(stage.path("project/question.json")).unwrap()).unwrap()
}

fn step(name: &str, state: &str) -> Json {
    json!({ "name": name, "importer": false, "state": state, "parameters": {}, "artifacts": {}, "seconds": 0.5 })
}

fn ran(steps: &[Json]) -> Json {
    json!({ "done": {
        "name": "fraud-train", "steps": steps, "outputs": {}, "warnings": [], "undecided": [], "error": null,
    }})
}

#[tokio::test]
async fn a_compiled_pipeline_is_read_back() {
    let stage = stage(&json!({ "done": { "name": "fraud-train", "sdk": "2.17.0" } }), "");
    let got = run(&stage, "compile", json!({})).await.unwrap();
    assert_eq!(got["name"], "fraud-train");
    assert_eq!(
        got["steps"],
        json!(["register", "evaluate", "features", "ingest", "train"])
    );
    assert_eq!(got["conditional"], json!(["register"]));
    assert_eq!(got["inputs"]["seed"]["default"], 7.0);
    assert_eq!(
        std::fs::read_to_string(got["path"].as_str().unwrap()).unwrap(),
        RECORDED
    );
    assert_eq!(got["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(
        (&asked(&stage)["do"], &asked(&stage)["what"]),
        (&json!("compile"), &json!("pipeline"))
    );
}

#[tokio::test]
async fn a_component_gives_values_and_artifacts() {
    let mut row = step("ingest", "SUCCEEDED");
    row["parameters"] = json!({ "Output": 60 });
    row["artifacts"]["dataset"] = json!({
        "uri": "/x/dataset", "type": "system.Dataset", "metadata": { "rows": 60 }, "path": "/x/dataset",
        "sha256": "ab", "size": 1013,
    });
    let mut importer = step("importer", "SUCCEEDED");
    importer["importer"] = json!(true);
    let stage = stage(&ran(&[importer, row]), "echo \"\x1b[96mworking\x1b[0m\"");
    stage.file("project/specs/rows.csv", "a\n1\n");
    let params =
        json!({ "component": "ingest", "arguments": { "n": 1 }, "artifacts": { "data": "rows.csv" } });
    let got = run(&stage, "component", params).await.unwrap();
    assert_eq!(got["parameters"], json!({ "Output": 60 }));
    assert_eq!(got["artifacts"]["dataset"]["metadata"]["rows"], 60);
    assert_eq!(got["artifacts"]["dataset"]["size"], "1.013KB");
    assert_eq!(got["files"], json!({ "dataset": "/x/dataset" }));
    let log = std::fs::read_to_string(got["log"].as_str().unwrap()).unwrap();
    assert_eq!(log, "working\n", "without the colours");
    let asked = asked(&stage);
    let file = stage.path("project/specs/rows.csv").display().to_string();
    assert_eq!(asked["artifacts"]["data"]["path"], file);
    assert_eq!(
        (&asked["arguments"], &asked["install"]),
        (&json!({ "n": 1 }), &json!(false))
    );
}

#[tokio::test]
async fn a_component_that_fails_shows_what_it_printed() {
    let stage = stage(&ran(&[step("ingest", "FAILED")]), "echo 'ValueError: no rows'");
    let failure = run(&stage, "component", json!({ "component": "ingest" }))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.reason.as_deref()),
        (Class::ExitCode, Some("FAILED"))
    );
    assert!(failure.message.contains("`ingest` failed"), "{failure}");
    assert!(
        failure.details.contains(&"ValueError: no rows".to_owned()),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_component_that_nobody_ran_is_no_success() {
    let stage = stage(&ran(&[]), "");
    let failure = run(&stage, "component", json!({ "component": "ingest" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer, "{failure}");
}

#[tokio::test]
async fn a_pipeline_lists_what_ran_and_what_did_not() {
    let names = ["ingest", "features", "train", "evaluate"];
    let stage = stage(&ran(&names.map(|n| step(n, "SUCCEEDED"))), "");
    let got = run(&stage, "pipeline", json!({})).await.unwrap();
    assert_eq!((&got["state"], &got["ran"]), (&json!("SUCCEEDED"), &json!(names)));
    assert_eq!(got["skipped"], json!(["register"]));
    assert_eq!(got["steps"]["register"]["state"], "SKIPPED");
    assert_eq!(got["steps"]["train"]["elapsed"], "500ms");
}

#[tokio::test]
async fn steps_of_a_loop_have_names_of_their_own() {
    let stage = stage(
        &ran(&[step("train", "SUCCEEDED"), step("train", "SUCCEEDED")]),
        "",
    );
    let got = run(&stage, "pipeline", json!({})).await.unwrap();
    assert_eq!(got["ran"], json!(["train", "train#2"]));
}

#[tokio::test]
async fn a_pipeline_that_fails_is_a_failure_unless_it_is_accepted() {
    let answer = ran(&[step("ingest", "SUCCEEDED"), step("features", "FAILED")]);
    let stage = stage(&answer, "echo KeyError");
    let failure = run(&stage, "pipeline", json!({})).await.unwrap_err();
    assert_eq!(failure.class, Class::ExitCode);
    assert!(failure.message.contains("at the step `features`"), "{failure}");
    assert!(
        failure.details.contains(&"ingest: SUCCEEDED".to_owned()),
        "{failure:?}"
    );
    let got = run(&stage, "pipeline", json!({ "accept": ["FAILED"] }))
        .await
        .unwrap();
    assert_eq!(
        (&got["state"], &got["failed"]),
        (&json!("FAILED"), &json!(["features"]))
    );
    assert_eq!(got["skipped"], json!(["register", "evaluate", "train"]));
}

#[tokio::test]
async fn a_success_that_is_not_accepted_is_a_failure() {
    let stage = stage(&ran(&[step("ingest", "SUCCEEDED")]), "");
    let failure = run(&stage, "pipeline", json!({ "accept": ["FAILED"] }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::ExitCode);
}

#[tokio::test]
async fn a_run_that_breaks_outside_of_a_step_is_never_accepted() {
    let mut answer = ran(&[step("ingest", "SUCCEEDED")]);
    answer["done"]["error"] = json!("RuntimeError: no runner");
    let stage = stage(&answer, "");
    let params = json!({ "accept": ["SUCCEEDED", "FAILED"] });
    let failure = run(&stage, "pipeline", params).await.unwrap_err();
    assert!(failure.message.contains("RuntimeError: no runner"), "{failure}");
}

#[tokio::test]
async fn a_condition_that_nobody_can_evaluate_is_no_success() {
    let mut answer = ran(&[step("evaluate", "SUCCEEDED")]);
    answer["done"]["undecided"] = json!(["Could not resolve CEL parameter: pipelinechannel--evaluate-score"]);
    let stage = stage(&answer, "");
    let params = json!({ "accept": ["SUCCEEDED", "FAILED"] });
    let failure = run(&stage, "pipeline", params).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.reason.as_deref()),
        (Class::Invalid, Some("CONDITION_UNDECIDED"))
    );
    assert!(failure.help.unwrap().contains("one unnamed output"));
}

#[tokio::test]
async fn refusals_have_their_class_and_place() {
    for (refused, class, message) in [
        (
            json!({ "kind": "no_kfp", "message": "/usr/bin/python3 cannot import kfp: No module named 'kfp'" }),
            Class::Missing,
            "cannot import kfp",
        ),
        (
            json!({ "kind": "syntax", "message": "'(' was never closed", "line": 3, "column": 9, "text": "    call(" }),
            Class::Invalid,
            "`p.py` line 3 column 9 is not Python: '(' was never closed",
        ),
        (
            json!({ "kind": "import", "message": "no module named `pandas`", "line": 1, "text": "import pandas" }),
            Class::Missing,
            "`p.py` line 1 cannot be imported: no module named `pandas`",
        ),
        (
            json!({ "kind": "load", "message": "KeyError: 'x'", "line": 8, "text": "d['x']" }),
            Class::Invalid,
            "`p.py` line 8 cannot be imported: KeyError: 'x'",
        ),
        (
            json!({ "kind": "unknown", "message": "the file has no component `ingets`", "known": ["ingest", "train"] }),
            Class::BadParameter,
            "`p.py`: the file has no component `ingets`",
        ),
        (
            json!({ "kind": "argument", "message": "`ingest` needs `csv_uri`" }),
            Class::BadParameter,
            "`ingest` needs `csv_uri`",
        ),
    ] {
        let stage = stage(&json!({ "refused": refused }), "");
        let failure = run(&stage, "component", json!({ "component": "ingets" }))
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains(message), "{failure}");
        if refused["kind"] == "syntax" {
            assert_eq!(failure.details, ["    call(", "        ^"]);
        }
        if refused["kind"] == "unknown" {
            assert!(failure.help.as_ref().unwrap().contains("`ingest`"), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn an_interpreter_that_breaks_off_is_no_answer() {
    let answer = ran(&[step("ingest", "SUCCEEDED")]);
    let ended = stage(&answer, "echo 'Segmentation fault' >&2; exit 139");
    let failure = run(&ended, "pipeline", json!({})).await.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(139)));
    assert!(
        failure.details.contains(&"stderr: Segmentation fault".to_owned()),
        "{failure:?}"
    );
    let slow = stage(&answer, "sleep 1000");
    let failure = run(&slow, "pipeline", json!({ "timeout": "300ms" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
    for odd in [json!([]), json!({ "done": {} }), json!({ "else": 1 })] {
        let failure = run(&stage(&odd, ""), "pipeline", json!({})).await.unwrap_err();
        assert_eq!(failure.class, Class::Internal, "{odd}");
    }
    let mut missing = Stage::new();
    missing.file("project/specs/p.py", "");
    missing.endpoint("kfp", String::new());
    let settings = &mut missing.endpoints.0.get_mut("kfp").unwrap().settings;
    settings.insert("python".to_owned(), json!("/nowhere/python"));
    let failure = missing
        .run("kfp.compile", json!({ "file": "p.py" }), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Missing, "{failure}");
    let failure = missing
        .run("kfp.compile", json!({ "file": "q.py" }), Grants::open())
        .await
        .unwrap_err();
    assert!(failure.message.contains("`q.py` cannot be read"), "{failure}");
}

#[tokio::test]
async fn variables_come_from_the_environment_and_the_step_and_secrets_are_masked() {
    let mut stage = stage(&ran(&[step("ingest", "SUCCEEDED")]), "echo $A $B $T");
    stage.secrets.push(Secret::new("t", "hunter22"));
    stage.endpoint("kfp", String::new());
    let settings = &mut stage.endpoints.0.get_mut("kfp").unwrap().settings;
    settings.insert(
        "env".to_owned(),
        json!({ "A": "environment", "B": "environment" }),
    );
    let params = json!({ "env": { "A": "step" }, "secret_env": { "T": "hunter22" } });
    let got = run(&stage, "pipeline", params.clone()).await.unwrap();
    let log = std::fs::read_to_string(got["log"].as_str().unwrap()).unwrap();
    assert_eq!(log, "step environment ***\n");
    let settings = &mut stage.endpoints.0.get_mut("kfp").unwrap().settings;
    settings.insert("env".to_owned(), json!(["A"]));
    let failure = run(&stage, "pipeline", params).await.unwrap_err();
    assert!(failure.message.contains("endpoints.kfp.env"), "{failure}");
}

#[tokio::test]
async fn an_artifact_is_a_file_of_this_machine() {
    let stage = stage(&ran(&[]), "");
    let params = json!({ "component": "c", "artifacts": { "d": "s3://bucket/rows.csv" } });
    let failure = run(&stage, "component", params).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    let params = json!({ "component": "c", "artifacts": { "d": { "path": "/etc/passwd", "metadata": {} } } });
    assert_eq!(
        run(&stage, "component", params).await.unwrap_err().class,
        Class::NotGranted
    );
}

/// The program itself, as far as it goes without the SDK.
#[tokio::test]
async fn a_file_that_is_not_python_is_found_without_the_sdk() {
    let stage = Stage::new();
    stage.file("project/specs/p.py", "from kfp import dsl\n\ndef f(:\n    pass\n");
    let failure = stage
        .run("kfp.compile", json!({ "file": "p.py" }), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Invalid, "{failure:?}");
    assert!(
        failure
            .message
            .starts_with("`p.py` line 3 column 7 is not Python"),
        "{failure}"
    );
    assert_eq!(failure.details, ["def f(:", "      ^"]);
    stage.file("project/specs/p.py", "x = 1\0\n");
    let failure = stage
        .run("kfp.compile", json!({ "file": "p.py" }), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Invalid, "{failure:?}");
}
