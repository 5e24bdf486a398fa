//! Shares of versions against a server that answers in a set order, and against none.

use serde_json::{Value as Json, json};

use crate::action::{Class, ParamSchema};
use crate::actions::REGISTRY;
use crate::actions::fake::{Answer, Fake, closed, context, run};
use crate::check::Verdict;

fn says(version: &str) -> Answer {
    Answer::json(200, &json!({"model_version": version}))
}

/// A service whose answers come in this order, the last one again and again.
async fn service(answers: impl IntoIterator<Item = Answer>) -> Fake {
    let mut fake = Fake::start("traffic", "/").await;
    for answer in answers {
        fake = fake.on("GET predict", answer);
    }
    fake
}

fn request() -> Json {
    json!({"path": "predict", "version": {"json": "/model_version"}})
}

fn split(requests: u64) -> Json {
    json!({"request": request(), "requests": requests, "rate": "200/s", "versions": ["v1", "v2"]})
}

#[tokio::test]
async fn shares_have_their_exact_interval() {
    let answers = (0..20).map(|n| says(if n % 10 == 0 { "v2" } else { "v1" }));
    let got = service(answers).await.run("split", split(20)).await.unwrap();
    assert_eq!(
        (&got["sent"], &got["share"]["v2"]),
        (&json!(20), &json!({"k": 2, "n": 20}))
    );
    let v2 = &got["versions"][1];
    assert_eq!(v2["version"], "v2");
    // scipy.stats.binomtest(2, 20).proportion_ci(0.95): (0.012348527170295, 0.316982714019832)
    let bound = |key: &str| {
        v2[key]
            .as_str()
            .unwrap()
            .trim_end_matches('%')
            .parse::<f64>()
            .unwrap()
            / 100.0
    };
    assert!((bound("lower") - 0.012_348_527_170_295).abs() < 1e-9, "{v2}");
    assert!((bound("upper") - 0.316_982_714_019_832).abs() < 1e-9, "{v2}");
    assert_eq!(got["unidentified"], json!({"k": 0, "n": 20}));
}

#[tokio::test]
async fn a_version_that_never_answers_has_the_share_none() {
    let got = service([says("v1")]).await.run("split", split(5)).await.unwrap();
    assert_eq!(
        got["share"],
        json!({"v1": {"k": 5, "n": 5}, "v2": {"k": 0, "n": 5}})
    );
    assert_eq!(got["versions"][1]["last_at"], Json::Null);
}

#[tokio::test]
async fn answers_that_say_no_version_are_inconclusive() {
    let fake = service([
        says("v1"),
        Answer::text(503, "text/plain", "no healthy upstream"),
        says("v1"),
    ])
    .await;
    let (got, checks) = fake.checked("split", split(3)).await;
    assert_eq!(
        (&got["unidentified"], &got["errors"]),
        (&json!({"k": 1, "n": 3}), &json!({"k": 1, "n": 3}))
    );
    assert_eq!(checks[0].outcome.verdict, Verdict::Inconclusive);
    assert!(checks[0].outcome.message.contains("HTTP 503"), "{checks:?}");
    let fake = service([says("v1"), Answer::text(503, "text/plain", "no"), says("v1")]).await;
    let mut params = split(3);
    params["max_unidentified"] = json!("50%");
    assert!(fake.checked("split", params).await.1.is_empty());
}

#[tokio::test]
async fn errors_are_those_of_the_version_that_answered() {
    let broken = Answer::json(500, &json!({"model_version": "v2"}));
    let got = service([says("v1"), broken, says("v1")])
        .await
        .run("split", split(3))
        .await
        .unwrap();
    assert_eq!(got["versions"][1]["errors"], json!({"k": 1, "n": 1}));
    assert_eq!(got["versions"][0]["errors"], json!({"k": 0, "n": 2}));
}

fn awaiting(window: u64, within: &str) -> Json {
    json!({"request": request(), "to": "v1", "window": window, "within": within, "rate": "200/s"})
}

#[tokio::test]
async fn a_shift_is_seen_when_a_whole_window_is_of_one_version() {
    let answers = [says("v1"), says("v2"), says("v1"), says("v2"), says("v1")];
    let got = service(answers)
        .await
        .run("await", awaiting(10, "30s"))
        .await
        .unwrap();
    assert_eq!(
        (&got["reached"], &got["share"]["v2"]["k"]),
        (&json!(true), &json!(2))
    );
    let time = |key: &str| got[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time("last_other_at") < time("reached_at"));
    assert_eq!(got["resolution"], "5ms");
}

#[tokio::test]
async fn a_shift_that_does_not_come_is_an_answer() {
    let got = service([says("v2")])
        .await
        .run("await", awaiting(5, "3s"))
        .await
        .unwrap();
    assert_eq!(
        (&got["reached"], &got["reached_at"], &got["by_chance"]),
        (&json!(false), &Json::Null, &Json::Null)
    );
    assert_eq!(got["share"]["v1"]["k"], 0);
}

#[tokio::test]
async fn a_service_that_is_down_or_odd_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (endpoint, class) in [
        (Some(closed("traffic")), Class::Unreachable),
        (None, Class::Missing),
    ] {
        let cx = context(endpoint, folder.path());
        for (action, params) in [("split", split(2)), ("await", awaiting(2, "30s"))] {
            let failure = run("traffic", action, params, &cx).await.unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
        }
    }
    for (answer, class) in [
        (
            Answer::text(200, "text/html", "<html>v1</html>"),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"version": "v1"})),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"model_version": ""})),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"model_version": ["v1"]})),
            Class::UnreadableAnswer,
        ),
        (Answer::text(503, "text/plain", "no"), Class::Unavailable),
        (Answer::text(404, "text/plain", "no"), Class::NotFound),
    ] {
        for (action, params) in [("split", split(2)), ("await", awaiting(2, "30s"))] {
            let failure = service([answer.clone()])
                .await
                .run(action, params)
                .await
                .unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
        }
    }
}

#[tokio::test]
async fn mistakes_are_named() {
    let mistakes = |verb: &str, params: &Json| -> Vec<String> {
        let action = REGISTRY.get(&format!("traffic.{verb}")).unwrap();
        let mut problems = ParamSchema::of(action).problems(params);
        problems.extend(action.validate(params));
        problems
            .into_iter()
            .map(|p| format!("{}: {}", p.pointer, p.message))
            .collect()
    };
    assert_eq!(
        mistakes(
            "split",
            &json!({"request": {"json": {}, "version": {"header": "x"}}, "requests": 1})
        ),
        ["/request/json: a GET request has no body"]
    );
    assert_eq!(
        mistakes(
            "split",
            &json!({"request": {"version": {"header": "x"}}, "requests": 0})
        ),
        ["/requests: the number `0` is less than 1"]
    );
    let mut slow = split(1);
    slow["rate"] = json!("0/s");
    let failure = service([says("v1")]).await.run("split", slow).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
}
