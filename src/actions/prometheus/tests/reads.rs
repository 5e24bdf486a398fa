//! What is read from what a Prometheus says, and what is not to be believed of it.

use serde_json::{Value as Json, json};

use super::{said, server};
use crate::action::{Class, OwnCheck};
use crate::actions::fake::{Answer, Fake};
use crate::check::Verdict;

/// The ids of checks that make a step inconclusive.
fn unsure(checks: &[OwnCheck]) -> Vec<&str> {
    let inconclusive = checks
        .iter()
        .filter(|c| c.outcome.verdict == Verdict::Inconclusive);
    inconclusive.map(|c| c.id.as_str()).collect()
}

fn vector(rows: &Json) -> Json {
    json!({"status": "success", "data": {"resultType": "vector", "result": rows}})
}

#[tokio::test]
async fn samples_have_labels_and_numbers() {
    let fake = server("query", &said("query_before")).await;
    let (got, checks) = fake
        .checked("query", json!({"query": "x", "unit": "per_second"}))
        .await;
    assert_eq!(fake.asked()[0].query["query"], "x");
    assert_eq!(got["count"], 2);
    assert_eq!(got["samples"][0]["value"], 54.0245);
    assert_eq!(got["samples"][0]["rate"], "54.0245/s");
    assert_eq!(got["samples"][0]["ratio"], Json::Null);
    assert_eq!(got["samples"][1]["labels"]["destination_version"], "v2");
    assert_eq!(got["single"], Json::Null, "there are two");
    assert_eq!(got["at"], "2026-11-24T04:37:11.586Z");
    assert_eq!(unsure(&checks), [""; 0]);
}

#[tokio::test]
async fn units_turn_numbers_into_values() {
    let one = vector(&json!([{"metric": {}, "value": [1_795_492_133.5, "5"]}]));
    for (unit, field, value) in [
        ("ratio", "ratio", "500%"),
        ("percent", "ratio", "5%"),
        ("seconds", "duration", "5s"),
        ("milliseconds", "duration", "5ms"),
        ("bytes", "size", "5B"),
        ("per_second", "rate", "5/s"),
    ] {
        let fake = server("query", &one).await;
        let (got, _) = fake.checked("query", json!({"query": "x", "unit": unit})).await;
        assert_eq!(got["single"][field], value, "{unit}");
        assert_eq!(got["single"]["value"], 5.0);
    }
    let money = json!({"query": "sum(node_total_hourly_cost)", "currency": "EUR"});
    let (got, _) = server("query", &one).await.checked("query", money).await;
    assert_eq!(got["single"]["cost"], "5.00EUR");
}

#[tokio::test]
async fn a_scalar_is_a_sample_without_labels() {
    let scalar =
        json!({"status": "success", "data": {"resultType": "scalar", "result": [1_795_492_133.5, "7"]}});
    let (got, checks) = server("query", &scalar)
        .await
        .checked("query", json!({"query": "7"}))
        .await;
    assert_eq!(
        (&got["single"]["value"], &got["single"]["labels"]),
        (&json!(7.0), &json!({}))
    );
    assert_eq!(unsure(&checks), [""; 0]);
}

#[tokio::test]
async fn nothing_is_not_zero() {
    let params = json!({"query": "nosuchmetric"});
    let (got, checks) = server("query", &said("query_empty"))
        .await
        .checked("query", params)
        .await;
    assert_eq!((&got["count"], &got["single"]), (&json!(0), &Json::Null));
    assert_eq!(unsure(&checks), ["samples"]);
    let params = json!({"query": "nosuchmetric", "allow_empty": true});
    let (_, checks) = server("query", &said("query_empty"))
        .await
        .checked("query", params)
        .await;
    assert_eq!(unsure(&checks), [""; 0]);
}

#[tokio::test]
async fn nan_is_not_among_the_samples() {
    let (got, checks) = server("query", &said("query_error_ratio_after"))
        .await
        .checked("query", json!({"query": "x"}))
        .await;
    assert_eq!((&got["samples"], &got["single"]), (&json!([]), &Json::Null));
    assert_eq!(got["not_finite"][0]["value"], "NaN");
    assert_eq!(unsure(&checks), ["finite"]);
    // Beside a good one it is still nothing to compare with.
    let mixed = vector(&json!([
        {"metric": {"v": "1"}, "value": [1, "0.01"]},
        {"metric": {"v": "2"}, "value": [1, "+Inf"]},
    ]));
    let (got, checks) = server("query", &mixed)
        .await
        .checked("query", json!({"query": "x"}))
        .await;
    assert_eq!((&got["count"], &got["single"]), (&json!(1), &Json::Null));
    assert_eq!(unsure(&checks), ["finite"]);
    let params = json!({"query": "x", "allow_not_finite": true});
    let (_, checks) = server("query", &mixed).await.checked("query", params).await;
    assert_eq!(unsure(&checks), [""; 0]);
}

#[tokio::test]
async fn a_value_that_is_too_old_shows_nothing() {
    let metric = json!({"__name__": "up", "job": "api"});
    for (taken, wanted) in [
        (1_795_492_130.0, [""; 0].as_slice()),
        (1_795_492_000.0, &["fresh"]),
    ] {
        let age = vector(&json!([{"metric": {"job": "api"}, "value": [1_795_492_133.0, taken.to_string()]}]));
        let fake = Fake::start("prometheus", "/api/v1/")
            .await
            .on(
                "GET query",
                Answer::json(
                    200,
                    &vector(&json!([{"metric": metric, "value": [1_795_492_133.0, "1"]}])),
                ),
            )
            .on("GET query", Answer::json(200, &age));
        let (got, checks) = fake
            .checked("query", json!({"query": "up", "max_age": "15s"}))
            .await;
        assert_eq!(unsure(&checks), wanted);
        assert_eq!(fake.asked()[1].query["query"], "timestamp(up)");
        assert!(got["single"]["age"].is_string(), "{got}");
    }
}

#[tokio::test]
async fn a_partial_answer_is_inconclusive() {
    let mut partial = said("query_before");
    partial["warnings"] = json!(["store eu-1 is down"]);
    let (got, checks) = server("query", &partial)
        .await
        .checked("query", json!({"query": "x"}))
        .await;
    assert_eq!(unsure(&checks), ["whole"]);
    assert_eq!(got["warnings"], json!(["store eu-1 is down"]));
}

#[tokio::test]
async fn a_wrong_query_is_the_specs_mistake() {
    let fake = server("query", &said("query_bad")).await;
    let failure = fake.run("query", json!({"query": "sum("})).await.unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::Invalid, Some(400)));
    assert!(failure.message.contains("unclosed left parenthesis"), "{failure}");
    for (kind, result, help) in [
        ("matrix", json!([]), "prometheus.range"),
        ("string", json!([1, "a"]), "numbers"),
        (
            "vector",
            json!([{"metric": {}, "histogram": [1, {}]}]),
            "histogram_quantile",
        ),
    ] {
        let answer = json!({"status": "success", "data": {"resultType": kind, "result": result}});
        let failure = server("query", &answer)
            .await
            .run("query", json!({"query": "x"}))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::BadParameter, "{failure}");
        assert!(failure.help.unwrap().contains(help));
    }
}

#[tokio::test]
async fn a_range_has_points_and_a_summary() {
    let params = json!({
        "query": "x", "start": "2026-11-24T04:37:15.597Z", "end": "2026-11-24T04:37:21.597Z", "step": "1s",
        "unit": "ratio",
    });
    let fake = server("query_range", &said("query_range")).await;
    let (got, checks) = fake.checked("range", params).await;
    assert_eq!(fake.asked()[0].query["step"], "1");
    assert_eq!((&got["count"], &got["expected_points"]), (&json!(1), &json!(7)));
    let series = &got["series"][0];
    assert_eq!(series["coverage"], "100%");
    assert_eq!(series["max"]["ratio"], "90%");
    assert_eq!(series["min"]["value"], 0.190_283_400_809_716_62);
    assert_eq!(series["points"][2]["at"], "2026-11-24T04:37:17.597Z");
    assert_eq!(series["points"].as_array().unwrap().len(), 7);
    assert_eq!(unsure(&checks), [""; 0]);
}

#[tokio::test]
async fn a_series_that_is_hardly_there_shows_nothing() {
    let params = json!({
        "query": "x", "start": "2026-11-24T04:36:00Z", "end": "2026-11-24T04:38:00Z", "step": "1s",
    });
    let (got, checks) = server("query_range", &said("query_range"))
        .await
        .checked("range", params.clone())
        .await;
    assert_eq!(got["expected_points"], 121);
    assert_eq!(unsure(&checks), ["coverage"]);
    let mut nan = said("query_range");
    for point in nan["data"]["result"][0]["values"].as_array_mut().unwrap() {
        point[1] = json!("NaN");
    }
    let (got, checks) = server("query_range", &nan)
        .await
        .checked("range", params.clone())
        .await;
    assert_eq!(got["count"], 0);
    assert_eq!(unsure(&checks), ["coverage"]);
    let mut empty = said("query_range");
    empty["data"]["result"] = json!([]);
    let (_, checks) = server("query_range", &empty).await.checked("range", params).await;
    assert_eq!(unsure(&checks), ["series"]);
}

#[tokio::test]
async fn rules_are_found_also_when_they_are_inactive() {
    let (got, _) = server("rules", &said("rules_inactive"))
        .await
        .checked("rules", json!({"name": "PredictorHighErrorRate"}))
        .await;
    let rule = &got["rules"][0];
    assert_eq!(
        (&rule["state"], &rule["health"]),
        (&json!("inactive"), &json!("ok"))
    );
    assert_eq!((&rule["for"], &rule["interval"]), (&json!("2s"), &json!("1s")));
    assert_eq!(rule["stale"], true, "the recording is old");
    let failure = server("rules", &said("rules_inactive"))
        .await
        .run("rules", json!({"name": "PredictorHighErorRate"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert!(failure.help.unwrap().contains("PredictorHighErrorRate"));
    let (got, _) = server("rules", &said("rules_inactive"))
        .await
        .checked("rules", json!({"kind": "recording"}))
        .await;
    assert_eq!(got["count"], 1);
}

/// The recorded rules, evaluated just now.
fn fresh(name: &str) -> Json {
    let mut rules = said(name);
    for rule in rules["data"]["groups"][0]["rules"].as_array_mut().unwrap() {
        rule["lastEvaluation"] = json!(jiff::Timestamp::now().to_string());
    }
    rules
}

#[tokio::test]
async fn alerts_are_those_of_their_rule() {
    let name = json!({"name": "PredictorHighErrorRate"});
    let (got, checks) = server("rules", &fresh("rules_firing"))
        .await
        .checked("alerts", name.clone())
        .await;
    assert_eq!(
        (&got["firing"], &got["pending"], &got["resolution"]),
        (&json!(1), &json!(0), &json!("1s"))
    );
    assert_eq!(got["alerts"][0]["value"], 0.481_327_800_829_875_5);
    assert_eq!(got["alerts"][0]["active_at"], "2026-11-24T04:37:14.701327116Z");
    assert_eq!(unsure(&checks), [""; 0]);
    let (got, checks) = server("rules", &fresh("rules_inactive"))
        .await
        .checked("alerts", name.clone())
        .await;
    assert_eq!((&got["firing"], &got["rules"]), (&json!(0), &json!(1)));
    assert_eq!(unsure(&checks), [""; 0]);
    let other = json!({"labels": {"destination_version": "v1"}});
    let (got, _) = server("rules", &fresh("rules_firing"))
        .await
        .checked("alerts", other)
        .await;
    assert_eq!(got["firing"], 0);
}

#[tokio::test]
async fn no_alert_of_a_rule_that_does_not_work_shows_nothing() {
    let id = "rule[PredictorHighErrorRate]";
    let all = json!({});
    // As recorded: evaluated long ago.
    let (_, checks) = server("rules", &said("rules_inactive"))
        .await
        .checked("alerts", all.clone())
        .await;
    assert_eq!(unsure(&checks), [id]);
    for health in ["err", "unknown"] {
        let mut rules = fresh("rules_inactive");
        rules["data"]["groups"][0]["rules"][1]["health"] = json!(health);
        let (_, checks) = server("rules", &rules).await.checked("alerts", all.clone()).await;
        assert_eq!(unsure(&checks), [id], "{health}");
    }
    let none = json!({"status": "success", "data": {"groups": []}});
    let (got, checks) = server("rules", &none).await.checked("alerts", all).await;
    assert_eq!(
        (&got["rules"], unsure(&checks).as_slice()),
        (&json!(0), &["rules"][..])
    );
    let name = json!({"name": "Gone"});
    let failure = server("rules", &none)
        .await
        .run("alerts", name)
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert!(failure.help.unwrap().contains("rule_files"));
}

#[tokio::test]
async fn targets_are_up_when_they_were_scraped_lately() {
    let (got, _) = server("targets", &said("targets"))
        .await
        .checked("targets", json!({"job": "envoy"}))
        .await;
    let target = &got["targets"][0];
    assert_eq!(
        (&target["health"], &target["interval"]),
        (&json!("up"), &json!("1s"))
    );
    assert_eq!(
        (&target["stale"], &got["up"]),
        (&json!(true), &json!(0)),
        "the recording is old"
    );
    let mut fresh = said("targets");
    for target in fresh["data"]["activeTargets"].as_array_mut().unwrap() {
        target["lastScrape"] = json!(jiff::Timestamp::now().to_string());
    }
    fresh["data"]["activeTargets"][0]["lastScrape"] = json!("0001-01-01T00:00:00Z");
    let (got, checks) = server("targets", &fresh)
        .await
        .checked("targets", json!({}))
        .await;
    assert_eq!(got["targets"][0]["scraped"], Json::Null);
    assert_eq!(got["up"], got["count"], "never scraped is not stale");
    assert_eq!(unsure(&checks), [""; 0]);
    let (got, checks) = server("targets", &fresh)
        .await
        .checked("targets", json!({"job": "none"}))
        .await;
    assert_eq!(
        (&got["count"], unsure(&checks).as_slice()),
        (&json!(0), &["targets"][..])
    );
}
