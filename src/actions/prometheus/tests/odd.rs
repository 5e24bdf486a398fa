//! No server, and answers that no Prometheus should give: each is a failure, none an empty result.

use serde_json::{Value as Json, json};

use crate::action::{Class, ParamSchema};
use crate::actions::REGISTRY;
use crate::actions::fake::{Answer, Fake, closed, context, run};
use crate::check::Verdict::{Failed, Inconclusive, Passed};

/// Every action that asks the server, with parameters it accepts and its call.
fn all() -> Vec<(&'static str, Json, &'static str)> {
    vec![
        ("alerts", json!({}), "GET rules"),
        ("query", json!({"query": "up"}), "GET query"),
        (
            "range",
            json!({"query": "up", "last": "1m", "step": "1s"}),
            "GET query_range",
        ),
        ("rules", json!({}), "GET rules"),
        ("targets", json!({}), "GET targets"),
    ]
}

async fn answering(call: &str, answer: Answer) -> Fake {
    Fake::start("prometheus", "/api/v1/").await.on(call, answer)
}

#[tokio::test]
async fn a_server_that_is_down_or_not_named_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (endpoint, class) in [
        (Some(closed("prometheus")), Class::Unreachable),
        (None, Class::Missing),
    ] {
        let cx = context(endpoint, folder.path());
        for (action, params, _) in all() {
            let failure = run("prometheus", action, params, &cx).await.unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
        }
    }
}

#[tokio::test]
async fn an_odd_answer_is_none() {
    let odd = [
        Answer::text(200, "text/html", "<html>Please log in</html>"),
        Answer::json(200, &json!([1, 2])),
        Answer::json(200, &json!({})),
        Answer::json(200, &json!({"status": "success"})),
        Answer::json(200, &json!({"status": "error", "data": {}})),
        Answer::json(
            200,
            &json!({"status": "success", "data": {"groups": 5, "resultType": "vector", "result": 5}}),
        ),
        Answer::json(
            200,
            &json!({"status": "success", "data": {"resultType": "cube", "result": []}}),
        ),
        Answer::text(404, "text/plain", "404 page not found"),
        Answer::text(200, "application/json", "{\"status\": \"success\", \"data\": {"),
    ];
    for answer in odd {
        for (action, params, call) in all() {
            let failure = answering(call, answer.clone())
                .await
                .run(action, params)
                .await
                .unwrap_err();
            assert_eq!(failure.class, Class::UnreadableAnswer, "{action}: {failure}");
        }
    }
    let words = json!({"status": "success", "data": {"resultType": "vector",
        "result": [{"metric": {}, "value": [1, "many"]}]}});
    let fake = answering("GET query", Answer::json(200, &words)).await;
    let failure = fake.run("query", json!({"query": "up"})).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer, "{failure}");
}

#[tokio::test]
async fn its_errors_have_their_class() {
    for (status, kind, class) in [
        (422, "execution", Class::Invalid),
        (503, "timeout", Class::Timeout),
        (503, "unavailable", Class::Unavailable),
        (500, "internal", Class::Server),
        (404, "not_found", Class::NotFound),
        (418, "surprise", Class::Invalid),
    ] {
        let body = json!({"status": "error", "errorType": kind, "error": "because"});
        for (action, params, call) in all() {
            let fake = answering(call, Answer::json(status, &body)).await;
            let failure = fake.run(action, params).await.unwrap_err();
            assert_eq!(
                (failure.class, failure.reason.as_deref()),
                (class, Some(kind)),
                "{action}"
            );
        }
    }
}

#[test]
fn mistakes_are_found_before_the_run() {
    let mistakes = |verb: &str, params: &Json| -> Vec<String> {
        let action = REGISTRY.get(&format!("prometheus.{verb}")).unwrap();
        let mut problems = ParamSchema::of(action).problems(params);
        problems.extend(action.validate(params));
        problems
            .into_iter()
            .map(|p| format!("{}: {}", p.pointer, p.message))
            .collect()
    };
    for (verb, params, wanted) in [
        ("query", json!({}), ": `query` is missing"),
        (
            "query",
            json!({"query": "rate(x[1m])", "max_age": "1m"}),
            "/max_age: only a plain series has an age, and this query computes something",
        ),
        (
            "range",
            json!({"query": "x", "step": "1s"}),
            ": one of `start`, `last` is missing",
        ),
        (
            "range",
            json!({"query": "x", "step": "1s", "last": "1m", "start": "2026-11-24T04:36:00Z"}),
            "/last: only one of `start`, `last` can be given",
        ),
        (
            "rules",
            json!({"kind": "alert"}),
            "/kind: expected one of `alerting`, `recording`, got `alert`",
        ),
    ] {
        assert_eq!(mistakes(verb, &params), [wanted], "{params}");
    }
}

#[tokio::test]
async fn a_span_that_cannot_be_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context(Some(closed("prometheus")), folder.path());
    for params in [
        json!({"query": "x", "last": "1d", "step": "1ms"}),
        json!({"query": "x", "last": "1m", "step": "0s"}),
        json!({"query": "x", "start": "2026-11-24T04:36:00Z", "end": "2026-11-24T04:35:00Z", "step": "1s"}),
    ] {
        let failure = run("prometheus", "range", params, &cx).await.unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{failure}");
    }
}

#[tokio::test]
async fn rule_tests_are_judged_by_what_promtool_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    file(
        "t.yml",
        "tests: [{alert_rule_test: [{}], promql_expr_test: [{}]}]\n",
    );
    file("empty.yml", "tests: []\n");
    let good = file("good", "#!/bin/sh\necho '  SUCCESS'\n");
    let bad = file(
        "bad",
        "#!/bin/sh\necho '  FAILED:' >&2; echo '  got: 1' >&2; exit 1\n",
    );
    let broken = file("broken", "#!/bin/sh\necho 'no such file' >&2; exit 1\n");
    for (program, tests, wanted) in [
        (&good, "t.yml", Some(Passed)),
        (&bad, "t.yml", Some(Failed)),
        (&good, "empty.yml", Some(Inconclusive)),
        (&broken, "t.yml", None),
    ] {
        let mut endpoint = closed("prometheus");
        endpoint.settings.insert("promtool".to_owned(), json!(program));
        let mut cx = context(Some(endpoint), folder.path());
        let tools = crate::tools::Tools::new(
            cx.tools.endpoints.clone(),
            crate::tools::Grants::open(),
            crate::tools::Redactor::default(),
            "test",
        );
        cx.tools = std::sync::Arc::new(tools.rooted(&[folder.path()], &[]));
        let params = json!({"file": tests});
        let got = run("prometheus", "test_rules", params, &cx).await;
        assert_eq!(got.is_ok(), wanted.is_some(), "{program} {tests}: {got:?}");
        let verdicts: Vec<_> = cx.checks.take().into_iter().map(|c| c.outcome.verdict).collect();
        assert_eq!(verdicts, wanted.into_iter().collect::<Vec<_>>());
    }
}
