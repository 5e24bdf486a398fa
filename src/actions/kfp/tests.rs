//! The verbs of the API server: against requests of the real SDK, the published description of the API, and answers no
//! server should give. No KFP server was ever asked.

use serde_json::{Map, Value as Json, json};

use crate::action::Class;
use crate::actions::fake::{Answer, Asked, Fake, closed, context, run};

const VERBS: [&str; 5] = ["artifacts", "cancel", "runs", "submit", "wait"];

fn recorded(name: &str) -> Json {
    let file = format!(
        "{}/tests/recorded/kfp-2.17/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_slice(&std::fs::read(&file).unwrap_or_else(|e| panic!("{file}: {e}"))).unwrap()
}

async fn server() -> Fake {
    Fake::start("kfp", "/apis/v2beta1/").await
}

/// A run as the published description has it, every field filled.
fn a_run(state: &str) -> Json {
    let api = recorded("api");
    let mut run = filled(&api, "V2beta1Run");
    run["run_id"] = json!("run-1");
    run["state"] = json!(state);
    run
}

/// An object of a model with a value in each of its fields.
fn filled(api: &Json, model: &str) -> Json {
    let fields = api["models"][model].as_object().unwrap();
    let value = |kind: &str| value(api, kind);
    Json::Object(
        fields
            .iter()
            .map(|(k, t)| (k.clone(), value(t.as_str().unwrap())))
            .collect(),
    )
}

fn value(api: &Json, kind: &str) -> Json {
    let inner = |start: &str| kind.strip_prefix(start).and_then(|k| k.strip_suffix([']', ')']));
    if let Some(kind) = inner("list[") {
        return json!([value(api, kind)]);
    }
    if let Some(kind) = inner("dict(str, ") {
        return json!({ "a": value(api, kind) });
    }
    match kind {
        "str" => json!("text"),
        "int" => json!(1),
        "object" => json!({}),
        "datetime" => json!("2026-11-26T11:30:52Z"),
        "V2beta1RuntimeState" => json!("RUNNING"),
        known if api["models"].get(known).is_some() => filled(api, known),
        _ => json!({}),
    }
}

/// Parameters with which each verb comes to its first call, and that call.
fn all(folder: &std::path::Path) -> Vec<(&'static str, Json, &'static str)> {
    let ir = include_str!("../../../tests/recorded/kfp-2.17/fraud-train.yaml");
    std::fs::write(folder.join("ir.yaml"), ir).unwrap();
    VERBS
        .into_iter()
        .map(|verb| match verb {
            "runs" => (verb, json!({}), "GET runs"),
            "submit" => (
                verb,
                json!({ "pipeline_id": "p-1", "version_id": "v-1" }),
                "GET experiments",
            ),
            _ => (verb, json!({ "run_id": "run-1" }), "GET runs/run-1"),
        })
        .collect()
}

fn experiments() -> Answer {
    Answer::json(
        200,
        &json!({ "experiments": [{ "experiment_id": "exp-1", "display_name": "Default" }] }),
    )
}

#[tokio::test]
async fn a_submission_is_what_the_sdk_sends() {
    let fake = server()
        .await
        .on("GET experiments", experiments())
        .on("POST runs", Answer::json(200, &a_run("PENDING")));
    let cx = fake.context();
    all(&cx.base_dir);
    let files = crate::tools::files::Files::new(
        &[cx.base_dir.as_path()],
        &[],
        std::sync::Arc::clone(&cx.tools.grants),
    );
    let mut tools = crate::tools::Tools::new(
        cx.tools.endpoints.clone(),
        crate::tools::Grants::open(),
        crate::tools::Redactor::default(),
        "test",
    );
    tools.files = files;
    let cx = crate::action::Context {
        tools: std::sync::Arc::new(tools),
        ..cx
    };
    let params = json!({
        "file": "ir.yaml", "name": "specrun-1", "arguments": { "csv_uri": "s3://datasets/sample.csv" }
    });
    let got = run("kfp", "submit", params, &cx).await.unwrap();
    assert_eq!(
        (&got["run_id"], &got["state"]),
        (&json!("run-1"), &json!("PENDING"))
    );

    let sdk = recorded("sdk-requests");
    let (listed, posted) = (&sdk[1], &sdk[2]);
    let asked = fake.asked();
    let theirs = url::Url::parse(&format!("http://x{}", listed["path"].as_str().unwrap())).unwrap();
    let query = |key: &str| {
        theirs
            .query_pairs()
            .find(|(k, _)| k == key)
            .unwrap()
            .1
            .into_owned()
    };
    let filter = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    assert_eq!(asked[0].call, "GET /apis/v2beta1/experiments");
    assert_eq!(filter(&asked[0].query["filter"]), filter(&query("filter")));
    assert_eq!(asked[0].query["namespace"], query("namespace"));

    assert_eq!(
        asked[1].call,
        format!("POST {}", posted["path"].as_str().unwrap())
    );
    let (mine, theirs) = (
        asked[1].body.as_object().unwrap(),
        posted["body"].as_object().unwrap(),
    );
    for key in ["experiment_id", "display_name", "runtime_config"] {
        assert_eq!(mine[key], theirs[key], "{key}");
    }
    let keys = |map: &Map<String, Json>| map.keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(keys(mine), keys(theirs));
    assert_eq!(
        keys(mine["pipeline_spec"].as_object().unwrap()),
        keys(theirs["pipeline_spec"].as_object().unwrap())
    );
    assert_eq!(
        mine["pipeline_spec"]["pipelineInfo"],
        theirs["pipeline_spec"]["pipelineInfo"]
    );
}

/// Whether a request is to a route of the description, and its body has only fields that it knows.
fn described(api: &Json, asked: &Asked) {
    let call = asked.call.replace("run-1", "{run_id}");
    assert!(
        api["routes"].as_array().unwrap().contains(&json!(call)),
        "{call} is no route"
    );
    let known = |model: &str, body: &Json| {
        for key in body.as_object().into_iter().flat_map(Map::keys) {
            assert!(api["models"][model].get(key).is_some(), "{model} has no `{key}`");
        }
    };
    if call == "POST /apis/v2beta1/runs" {
        known("V2beta1Run", &asked.body);
        known("V2beta1RuntimeConfig", &asked.body["runtime_config"]);
        known(
            "V2beta1PipelineVersionReference",
            &asked.body["pipeline_version_reference"],
        );
    }
}

#[tokio::test]
async fn requests_and_answers_are_those_of_the_published_description() {
    let api = recorded("api");
    let folder = tempfile::tempdir().unwrap();
    let runs = json!({ "runs": [a_run("RUNNING")], "total_size": 1 });
    for (verb, mut params, _) in all(folder.path()) {
        let fake = server()
            .await
            .on("GET experiments", experiments())
            .on("GET runs", Answer::json(200, &runs))
            .on("POST runs", Answer::json(200, &a_run("PENDING")))
            .on("GET runs/run-1", Answer::json(200, &a_run("RUNNING")))
            .on("GET runs/run-1", Answer::json(200, &a_run("SUCCEEDED")))
            .on("POST runs/run-1:terminate", Answer::json(200, &json!({})));
        match verb {
            "wait" => params["every"] = json!("10ms"),
            "runs" => params = json!({ "experiment": "Default", "name": "x", "namespace": "n" }),
            "submit" => {
                params["pipeline_root"] = json!("s3://b/r");
                params["service_account"] = json!("runner");
            }
            _ => {}
        }
        let got = fake
            .run(verb, params)
            .await
            .unwrap_or_else(|e| panic!("{verb}: {e:?}"));
        fake.asked().iter().for_each(|asked| described(&api, asked));
        match verb {
            "wait" | "cancel" => {
                assert_eq!(got["state"], "SUCCEEDED");
                let step = &got["steps"][0];
                assert_eq!(
                    (&step["name"], &step["state"]),
                    (&json!("text"), &json!("RUNNING"))
                );
                assert_eq!(step["started"], "2026-11-26T11:30:52Z");
            }
            "artifacts" => assert_eq!(
                got["artifacts"],
                json!([{ "step": "text", "output": "a", "id": "text" }])
            ),
            "runs" => assert_eq!(got["count"], 1),
            _ => assert_eq!(got["state"], "PENDING"),
        }
    }
    // The states that end a run are states.
    for state in ["SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"] {
        assert!(api["states"].as_array().unwrap().contains(&json!(state)));
    }
}

#[tokio::test]
async fn a_run_that_fails_shows_its_steps() {
    let mut failed = a_run("FAILED");
    failed["run_details"]["task_details"] = json!([
        { "display_name": "ingest", "state": "SUCCEEDED" },
        { "display_name": "train", "state": "FAILED", "error": { "code": 2, "message": "OOMKilled" } },
    ]);
    let fake = server().await.on("GET runs/run-1", Answer::json(200, &failed));
    let failure = fake.run("wait", json!({ "run_id": "run-1" })).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.reason.as_deref()),
        (Class::ExitCode, Some("FAILED"))
    );
    assert_eq!(failure.details, ["ingest: SUCCEEDED", "train: FAILED: OOMKilled"]);
    let got = fake
        .run("wait", json!({ "run_id": "run-1", "accept": ["FAILED"] }))
        .await
        .unwrap();
    assert_eq!(got["state"], "FAILED");
}

#[tokio::test]
async fn waiting_bears_a_server_that_is_away_for_a_moment_and_no_longer() {
    let away = Answer::text(503, "text/plain", "no");
    let fake = server()
        .await
        .on("GET runs/run-1", Answer::json(200, &a_run("RUNNING")))
        .on("GET runs/run-1", away.clone())
        .on("GET runs/run-1", Answer::json(200, &a_run("SUCCEEDED")));
    let params = json!({ "run_id": "run-1", "every": "10ms" });
    assert!(fake.run("wait", params.clone()).await.is_ok());
    let gone = server()
        .await
        .on("GET runs/run-1", Answer::json(200, &a_run("RUNNING")))
        .on("GET runs/run-1", away);
    assert_eq!(
        gone.run("wait", params).await.unwrap_err().class,
        Class::Unavailable
    );
}

#[tokio::test]
async fn a_run_that_does_not_end_is_a_timeout_with_its_last_state() {
    let fake = server()
        .await
        .on("GET runs/run-1", Answer::json(200, &a_run("RUNNING")));
    let mut cx = fake.context();
    cx.deadline = std::time::Instant::now() + std::time::Duration::from_millis(300);
    let params = json!({ "run_id": "run-1", "every": "10ms" });
    let failure = run("kfp", "wait", params, &cx).await.unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
    assert!(failure.message.contains("RUNNING"), "{failure}");
}

#[tokio::test]
async fn pages_are_followed() {
    let page = |token: &str| json!({ "runs": [a_run("FAILED"), a_run("FAILED")], "next_page_token": token });
    let fake = server()
        .await
        .on("GET runs", Answer::json(200, &page("more")))
        .on("GET runs", Answer::json(200, &page("")));
    assert_eq!(fake.run("runs", json!({})).await.unwrap()["count"], 4);
    assert_eq!(fake.asked()[1].query["page_token"], "more");
    assert_eq!(fake.run("runs", json!({ "limit": 1 })).await.unwrap()["count"], 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let gone = Answer::json(
        404,
        &json!({ "code": 5, "message": "Run run-1 not found", "details": [] }),
    );
    let fake = server()
        .await
        .on("GET runs/run-1", gone)
        .on("GET experiments", Answer::json(200, &json!({})));
    let failure = fake.run("wait", json!({ "run_id": "run-1" })).await.unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert!(failure.message.contains("Run run-1 not found"), "{failure}");
    let failure = fake
        .run("runs", json!({ "experiment": "none" }))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotFound, "{failure}");
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_cancelled() {
    let fake = server()
        .await
        .on("GET runs/run-1", Answer::json(200, &a_run("SUCCEEDED")));
    assert_eq!(
        fake.run("cancel", json!({ "run_id": "run-1" })).await.unwrap()["state"],
        "SUCCEEDED"
    );
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn odd_answers_are_failures_for_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    for (verb, params, call) in all(folder.path()) {
        for (answer, class) in [
            (
                Answer::text(200, "text/html", "<html>Sign in</html>"),
                Class::UnreadableAnswer,
            ),
            (Answer::json(200, &json!([])), Class::UnreadableAnswer),
            (
                Answer::text(404, "text/html", "<html>nginx</html>"),
                Class::UnreadableAnswer,
            ),
            (Answer::text(401, "text/plain", "no"), Class::Unauthorized),
            (Answer::json(403, &json!({ "message": "no" })), Class::Forbidden),
            (Answer::text(500, "text/plain", "no"), Class::Server),
        ] {
            let fake = server().await.on(call, answer.clone());
            let failure = fake.run(verb, params.clone()).await.unwrap_err();
            assert_eq!(failure.class, class, "{verb} {answer:?}: {failure}");
        }
        let down = context(Some(closed("kfp")), folder.path());
        assert_eq!(
            run("kfp", verb, params.clone(), &down).await.unwrap_err().class,
            Class::Unreachable
        );
        let none = context(None, folder.path());
        let failure = run("kfp", verb, params, &none).await.unwrap_err();
        assert_eq!(failure.class, Class::Missing);
        assert!(failure.help.unwrap().contains("endpoints: {kfp: {url:"));
    }
}

#[tokio::test]
async fn an_id_that_is_no_id_reaches_no_other_address() {
    let fake = server().await;
    for verb in ["wait", "cancel", "artifacts"] {
        for id in ["../pipelines", "a/b", "a:terminate", ""] {
            let failure = fake.run(verb, json!({ "run_id": id })).await.unwrap_err();
            assert_eq!(failure.class, Class::BadParameter, "{verb} {id}");
        }
    }
    assert!(fake.asked().is_empty());
}

#[test]
fn a_submission_is_of_one_thing() {
    let submit = crate::actions::REGISTRY.get("kfp.submit").unwrap();
    for params in [
        json!({}),
        json!({ "file": "a", "pipeline_id": "b" }),
        json!({ "pipeline_id": "b" }),
        json!({ "version_id": "b" }),
    ] {
        assert_eq!(submit.validate(&params).len(), 1, "{params}");
    }
    assert!(submit.validate(&json!({ "file": "a" })).is_empty());
}
