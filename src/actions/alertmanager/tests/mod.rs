//! Every action against recorded answers of Alertmanager 0.28, and against answers no Alertmanager should give.

use serde_json::{Value as Json, json};

use crate::action::{Class, ParamSchema};
use crate::actions::REGISTRY;
use crate::actions::fake::{Answer, Fake, closed, context, run};

/// The answer of `tests/recorded/alertmanager-0.28/NAME.json`.
fn said(name: &str) -> Json {
    let file = format!(
        "{}/tests/recorded/alertmanager-0.28/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    serde_json::from_str(&text).unwrap()
}

async fn server(alerts: &[Json]) -> Fake {
    let mut fake = Fake::start("alertmanager", "/api/v2/")
        .await
        .on("GET status", Answer::json(200, &said("v2_status")));
    for answer in alerts {
        fake = fake.on("GET alerts", Answer::json(200, answer));
    }
    fake
}

/// The recorded alert, suppressed by this.
fn suppressed(by: &str) -> Json {
    let mut alerts = said("v2_alerts");
    alerts[0]["status"]["state"] = json!("suppressed");
    alerts[0]["status"][by] = json!(["1234"]);
    alerts
}

fn awaiting(more: &Json) -> Json {
    let mut params = json!({"alert": "PredictorHighErrorRate", "within": "30s", "every": "5ms"});
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    params
}

#[tokio::test]
async fn alerts_are_read_from_both_generations() {
    for name in ["v2_alerts", "v2_alerts_0.25"] {
        let fake = server(&[said(name)]).await;
        let got = fake
            .run("alerts", json!({"receiver": "controller"}))
            .await
            .unwrap();
        assert_eq!(fake.asked()[0].query["silenced"], "true");
        assert_eq!(
            (&got["count"], &got["active"], &got["silenced"]),
            (&json!(1), &json!(1), &json!(0))
        );
        let alert = &got["alerts"][0];
        assert_eq!(alert["name"], "PredictorHighErrorRate");
        assert_eq!(alert["receivers"], json!(["controller"]));
        assert!(alert["starts_at"].as_str().unwrap().ends_with("591Z") || name == "v2_alerts");
    }
    for other in [
        json!({"receiver": "pager"}),
        json!({"alert": "Other"}),
        json!({"labels": {"destination_version": "v1"}}),
    ] {
        let got = server(&[said("v2_alerts")])
            .await
            .run("alerts", other)
            .await
            .unwrap();
        assert_eq!(got["count"], 0);
    }
    let got = server(&[suppressed("silencedBy")])
        .await
        .run("alerts", json!({}))
        .await
        .unwrap();
    assert_eq!(
        (&got["active"], &got["silenced"], &got["inhibited"]),
        (&json!(0), &json!(1), &json!(0))
    );
    let got = server(&[suppressed("inhibitedBy")])
        .await
        .run("alerts", json!({}))
        .await
        .unwrap();
    assert_eq!((&got["silenced"], &got["inhibited"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn an_alert_is_awaited_until_it_comes() {
    let fake = server(&[json!([]), json!([]), said("v2_alerts")]).await;
    let got = fake.run("await", awaiting(&json!({}))).await.unwrap();
    assert_eq!(
        (&got["appeared"], &got["cleared"], &got["looks"]),
        (&json!(true), &json!(false), &json!(3))
    );
    assert_eq!(got["alert"]["state"], "active");
    assert!(got["appeared_at"].is_string() && got["resolution"].is_string());
}

#[tokio::test]
async fn an_alert_that_never_comes_is_an_answer() {
    for (alerts, more) in [
        (json!([]), json!({})),
        (
            said("v2_alerts"),
            json!({"labels": {"destination_version": "v1"}}),
        ),
        (said("v2_alerts"), json!({"receiver": "pager"})),
        // That one is of an earlier incident.
        (said("v2_alerts"), json!({"since": "2026-11-24T04:37:17Z"})),
    ] {
        let fake = server(&[alerts]).await;
        let mut params = awaiting(&more);
        params["within"] = json!("30ms");
        let got = fake.run("await", params).await.unwrap();
        assert_eq!(
            (&got["appeared"], &got["appeared_at"]),
            (&json!(false), &Json::Null),
            "{more}"
        );
    }
}

#[tokio::test]
async fn cleared_is_gone_after_it_was_there() {
    let fake = server(&[json!([]), said("v2_alerts"), said("v2_alerts"), json!([])]).await;
    let got = fake
        .run("await", awaiting(&json!({"until": "cleared"})))
        .await
        .unwrap();
    assert_eq!(
        (&got["appeared"], &got["cleared"], &got["looks"]),
        (&json!(true), &json!(true), &json!(4))
    );
    // Never there is not cleared.
    let mut params = awaiting(&json!({"until": "cleared"}));
    params["within"] = json!("30ms");
    let got = server(&[json!([])])
        .await
        .run("await", params.clone())
        .await
        .unwrap();
    assert_eq!(
        (&got["appeared"], &got["cleared"]),
        (&json!(false), &json!(false))
    );
    // Silenced after it came is not gone.
    params["within"] = json!("2s");
    let fake = server(&[said("v2_alerts"), suppressed("silencedBy")]).await;
    let got = fake.run("await", params).await.unwrap();
    assert_eq!(
        (&got["cleared"], &got["was_suppressed"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn a_restart_is_no_recovery() {
    let mut later = said("v2_status");
    later["uptime"] = json!("2026-11-26T14:59:00.000Z");
    let fake = server(&[said("v2_alerts"), json!([])])
        .await
        .on("GET status", Answer::json(200, &later));
    let failure = fake
        .run("await", awaiting(&json!({"until": "cleared"})))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unavailable);
    assert!(failure.message.contains("started anew"), "{failure}");
}

#[tokio::test]
async fn a_suppressed_alert_counts_only_when_asked_to() {
    let mut params = awaiting(&json!({}));
    params["within"] = json!("30ms");
    let got = server(&[suppressed("silencedBy")])
        .await
        .run("await", params.clone())
        .await
        .unwrap();
    assert_eq!(
        (&got["appeared"], &got["was_suppressed"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(got["alert"]["silenced_by"], json!(["1234"]));
    params["suppressed"] = json!(true);
    let got = server(&[suppressed("inhibitedBy")])
        .await
        .run("await", params)
        .await
        .unwrap();
    assert_eq!(got["appeared"], true);
}

#[tokio::test]
async fn an_alert_is_sent_as_a_job_sends_it() {
    let fake = Fake::start("alertmanager", "/api/v2/")
        .await
        .on("POST alerts", Answer::text(200, "text/plain", ""));
    let params = json!({"alert": "DataDrift", "labels": {"model": "m"}, "annotations": {"summary": "s"}, "lasts": "1m"});
    let got = fake.run("send", params).await.unwrap();
    assert_eq!(got["labels"], json!({"alertname": "DataDrift", "model": "m"}));
    let sent = fake.asked()[0].body[0].clone();
    assert_eq!(
        (&sent["labels"], &sent["annotations"]["summary"]),
        (&got["labels"], &json!("s"))
    );
    let time = |key: &str| sent[key].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time("endsAt").duration_since(time("startsAt")).as_secs(), 60);
    fake.run("send", json!({"alert": "DataDrift", "resolved": true}))
        .await
        .unwrap();
    let over = fake.asked()[1].body[0].clone();
    assert!(over.get("startsAt").is_none() && over["endsAt"].is_string());
    let other = json!({"alert": "a", "labels": {"alertname": "b"}});
    assert_eq!(
        fake.run("send", other).await.unwrap_err().class,
        Class::BadParameter
    );
}

/// Every action with parameters it accepts, and its first call.
fn all() -> Vec<(&'static str, Json, &'static str)> {
    vec![
        ("alerts", json!({}), "GET alerts"),
        ("await", awaiting(&json!({})), "GET alerts"),
        ("send", json!({"alert": "a"}), "POST alerts"),
    ]
}

#[tokio::test]
async fn a_server_that_is_down_or_odd_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (endpoint, class) in [
        (Some(closed("alertmanager")), Class::Unreachable),
        (None, Class::Missing),
    ] {
        let cx = context(endpoint, folder.path());
        for (action, params, _) in all() {
            let failure = run("alertmanager", action, params, &cx).await.unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
        }
    }
    for (answer, class) in [
        (
            Answer::text(200, "text/html", "<html>Please log in</html>"),
            Class::UnreadableAnswer,
        ),
        (Answer::json(200, &json!({"alerts": []})), Class::UnreadableAnswer),
        (
            Answer::json(200, &json!([{"labels": {}}])),
            Class::UnreadableAnswer,
        ),
        (
            Answer::text(200, "application/json", "[{"),
            Class::UnreadableAnswer,
        ),
        (
            Answer::text(404, "text/plain", "404 page not found"),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(400, &json!("bad matcher format: bad(")),
            Class::Invalid,
        ),
        (Answer::text(503, "text/plain", "no"), Class::Unavailable),
    ] {
        for (action, params, call) in all() {
            let fake = Fake::start("alertmanager", "/api/v2/")
                .await
                .on(call, answer.clone());
            let failure = fake.run(action, params).await.unwrap_err();
            assert_eq!(failure.class, class, "{action}: {failure}");
            assert_eq!(fake.asked().len(), 1, "{action}");
        }
    }
}

#[tokio::test]
async fn mistakes_are_named() {
    let mistakes = |verb: &str, params: &Json| -> Vec<String> {
        let action = REGISTRY.get(&format!("alertmanager.{verb}")).unwrap();
        let problems = ParamSchema::of(action).problems(params);
        problems
            .into_iter()
            .map(|p| format!("{}: {}", p.pointer, p.message))
            .collect()
    };
    assert_eq!(mistakes("await", &json!({})), [": `alert` is missing"]);
    assert_eq!(
        mistakes("await", &json!({"alert": "a", "until": "gone"})),
        ["/until: expected one of `firing`, `cleared`, got `gone`"]
    );
    let fake = server(&[json!([])]).await;
    for key in ["within", "every"] {
        let mut params = awaiting(&json!({}));
        params[key] = json!("0s");
        assert_eq!(
            fake.run("await", params).await.unwrap_err().class,
            Class::BadParameter
        );
    }
}
