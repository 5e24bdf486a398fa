//! Costs in the documented shapes of OpenCost, AWS and FOCUS (no such system was asked), and odd ones.

use serde_json::{Value as Json, json};

use crate::action::{Class, Failure};
use crate::actions::fake::{Answer, Fake, closed, context, run};
use crate::check::Verdict;

fn allocation(rows: &Json) -> Json {
    json!({"code": 200, "status": "success", "data": [rows]})
}

async fn opencost(answer: Answer) -> Fake {
    Fake::start("cost", "/").await.on("GET allocation", answer)
}

fn asked(more: &Json) -> Json {
    let mut params = json!({"window": "1d", "aggregate": "controller", "currency": "USD"});
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    params
}

#[tokio::test]
async fn workloads_have_their_cost_over_all_steps() {
    let rows = json!({
        "train-spot": {"totalCost": 0.4, "gpuCost": 0.3, "minutes": 60.0, "properties": {"node": "spot-0"}},
        "__idle__": {"totalCost": 9.0},
    });
    let mut answer = allocation(&rows);
    answer["data"] = json!([rows, null, {"train-spot": {"totalCost": 0.5, "minutes": 60.0}}]);
    let fake = opencost(Answer::json(200, &answer)).await;
    let got = fake.run("allocation", asked(&json!({}))).await.unwrap();
    assert_eq!(fake.asked()[0].query["aggregate"], "controller");
    assert_eq!((&got["count"], &got["total"]), (&json!(1), &json!("0.90USD")));
    let item = &got["items"][0];
    assert_eq!(
        (&item["ran"], &item["gpu"], &item["nodes"]),
        (&json!("2h"), &json!("0.30USD"), &json!(["spot-0"]))
    );
    let got = fake
        .run("allocation", asked(&json!({"include_idle": true})))
        .await
        .unwrap();
    assert_eq!(got["total"], "9.90USD");
    let failure = fake
        .run("allocation", asked(&json!({"name": "train-sopt"})))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert!(failure.help.unwrap().contains("train-spot"));
}

#[tokio::test]
async fn a_cost_that_is_not_known_is_not_none() {
    for rows in [json!({}), json!({"train": {"totalCost": null}})] {
        let fake = opencost(Answer::json(200, &allocation(&rows))).await;
        let (got, checks) = fake.checked("allocation", asked(&json!({}))).await;
        assert_eq!((&got["count"], &got["total"]), (&json!(0), &Json::Null));
        assert!(checks.iter().all(|c| c.outcome.verdict == Verdict::Inconclusive) && !checks.is_empty());
    }
}

#[tokio::test]
async fn opencost_that_is_down_or_odd_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for (endpoint, class) in [(Some(closed("cost")), Class::Unreachable), (None, Class::Missing)] {
        let cx = context(endpoint, folder.path());
        let failure = run("cost", "allocation", asked(&json!({})), &cx)
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
    for (answer, class) in [
        (Answer::text(200, "text/html", "<html>"), Class::UnreadableAnswer),
        (Answer::json(200, &json!([])), Class::UnreadableAnswer),
        (Answer::json(200, &json!({"code": 200})), Class::UnreadableAnswer),
        (
            Answer::json(200, &json!({"data": [{"a": {"totalCost": "much"}}]})),
            Class::UnreadableAnswer,
        ),
        (
            Answer::json(200, &json!({"code": 400, "message": "bad window"})),
            Class::Invalid,
        ),
        (Answer::text(404, "text/plain", "404"), Class::UnreadableAnswer),
        (Answer::text(503, "text/plain", "no"), Class::Unavailable),
    ] {
        let failure = opencost(answer)
            .await
            .run("allocation", asked(&json!({})))
            .await
            .unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
    }
}

async fn priced(usage: &Json) -> Result<Json, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let rates = json!({"g5.2xlarge": {"on_demand": "1.2USD", "spot": "0.4USD"}, "eu": {"spot": "1EUR"}});
    run(
        "cost",
        "estimate",
        json!({"rates": rates, "usage": usage}),
        &context(None, folder.path()),
    )
    .await
}

#[tokio::test]
async fn usage_is_priced_by_the_table() {
    let usage = json!([
        {"machine": "g5.2xlarge", "capacity": "spot", "ran": "2h", "count": 2},
        {"machine": "g5.2xlarge", "capacity": "on_demand", "ran": "30m"},
    ]);
    let got = priced(&usage).await.unwrap();
    assert_eq!(
        (&got["total"], &got["items"][0]["cost"]),
        (&json!("2.20USD"), &json!("1.60USD"))
    );
    for (usage, class, words) in [
        (
            json!([{"machine": "g5.2xlarg", "capacity": "spot", "ran": "1h"}]),
            Class::BadParameter,
            "g5.2xlarg",
        ),
        (
            json!([{"machine": "g5.2xlarge", "capacity": "sopt", "ran": "1h"}]),
            Class::BadParameter,
            "sopt",
        ),
        (
            json!([{"machine": "g5.2xlarge", "capacity": "spot", "ran": "1h"},
                {"machine": "eu", "capacity": "spot", "ran": "1h"}]),
            Class::Invalid,
            "USD and in EUR",
        ),
    ] {
        let failure = priced(&usage).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}

const CUR: &str =
    "line_item_usage_start_date,line_item_usage_end_date,line_item_line_item_type,line_item_resource_id,\
line_item_unblended_cost,pricing_term,pricing_public_on_demand_cost,resource_tags_user_job
2026-11-23T01:00:00.000Z,2026-11-23T03:00:00.000Z,Usage,i-1,0.7272,Spot,2.424,train-spot
2026-11-23T01:00:00.000Z,2026-11-23T03:00:00.000Z,Usage,i-2,2.424,OnDemand,2.424,train-ondemand
2026-11-23T01:00:00.000Z,2026-11-23T03:00:00.000Z,Tax,,0.1,,,train-spot
";

const FOCUS: &str = r#"ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ResourceId,PricingCategory,BillingCurrency,BilledCost,ListCost,Tags
2026-11-23T01:00:00Z,2026-11-23T03:00:00Z,Usage,i-1,Dynamic,USD,0.7272,2.424,"{""job"":""train-spot""}"
2026-11-23T03:00:00Z,2026-11-23T04:00:00Z,Usage,i-1,Dynamic,EUR,0.3,,"{""job"":""train-euro""}"
"#;

/// Reads a bill, and gives the verdicts of the checks it made beside its output.
async fn billed(text: &str, more: &Json) -> Result<(Json, usize), Failure> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bill.csv"), text).unwrap();
    let mut cx = context(None, folder.path());
    let tools = crate::tools::Tools::new(
        crate::tools::Endpoints::default(),
        crate::tools::Grants::open(),
        crate::tools::Redactor::default(),
        "test",
    );
    cx.tools = std::sync::Arc::new(tools.rooted(&[folder.path()], &[]));
    let mut params = json!({"table": {"path": "bill.csv"}});
    params
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let output = run("cost", "report", params, &cx).await?;
    Ok((output, cx.checks.take().len()))
}

#[tokio::test]
async fn bills_say_what_was_paid_and_what_the_list_says() {
    let job = json!({"currency": "USD", "where": {"resource_tags_user_job": "train-spot"}});
    let (got, unsure) = billed(CUR, &job).await.unwrap();
    assert_eq!(
        (&got["cost"], &got["list"], &got["other"]),
        (&json!("0.7272USD"), &json!("2.424USD"), &json!("0.10USD"))
    );
    assert_eq!(
        (&got["rows"], &got["spot_rows"], &got["resources"]),
        (&json!(1), &json!(1), &json!(["i-1"]))
    );
    assert_eq!((got["saving"].as_str().unwrap(), unsure), ("70%", 0));
    let older = CUR
        .replace("line_item_unblended_cost", "lineItem/UnblendedCost")
        .replace("line_item_line_item_type", "lineItem/LineItemType")
        .replace("pricing_term", "pricing/term");
    let (got, _) = billed(&older, &job).await.unwrap();
    assert_eq!(
        (&got["cost"], &got["list"]),
        (&json!("0.7272USD"), &Json::Null),
        "it has no such column"
    );
    let (got, _) = billed(FOCUS, &json!({"tags": {"job": "train-spot"}}))
        .await
        .unwrap();
    assert_eq!(
        (&got["cost"], &got["spot_cost"]),
        (&json!("0.7272USD"), &json!("0.7272USD"))
    );
    let (got, _) = billed(FOCUS, &json!({"tags": {"job": "train-euro"}}))
        .await
        .unwrap();
    assert_eq!(
        (&got["cost"], &got["list"], &got["saving"]),
        (&json!("0.30EUR"), &Json::Null, &Json::Null)
    );
}

#[tokio::test]
async fn usage_that_a_reservation_paid_for_does_not_cost_nothing() {
    let job = json!({"currency": "USD", "where": {"resource_tags_user_job": "train-spot"}});
    let reserved = CUR.replace(
        "Usage,i-1,0.7272,Spot,2.424",
        "DiscountedUsage,i-1,0,Reserved,2.424",
    );
    let (got, unsure) = billed(&reserved, &job).await.unwrap();
    assert_eq!((&got["rows"], unsure), (&json!(1), 1), "{got}");
    let without_list = reserved.replace("pricing_public_on_demand_cost", "another");
    assert_eq!(billed(&without_list, &job).await.unwrap().1, 1);
    let focus = FOCUS.replace("USD,0.7272,2.424", "USD,0,2.424");
    let job = json!({"tags": {"job": "train-spot"}});
    assert_eq!(billed(&focus, &job).await.unwrap().1, 1);
    // What is free by list price as well is free.
    let free = FOCUS.replace("USD,0.7272,2.424", "USD,0,0");
    assert_eq!(billed(&free, &job).await.unwrap().1, 0);
}

#[tokio::test]
async fn bills_that_do_not_say_it_say_nothing() {
    let none = json!({"tags": {"job": "train-late"}});
    let (got, unsure) = billed(FOCUS, &none).await.unwrap();
    assert_eq!((&got["cost"], unsure), (&Json::Null, 1));
    for (text, more, class, words) in [
        (FOCUS, json!({}), Class::Invalid, "USD and in EUR"),
        (CUR, json!({}), Class::BadParameter, "does not say its currency"),
        (
            CUR,
            json!({"currency": "USD", "where": {"job": "x"}}),
            Class::BadParameter,
            "job",
        ),
        ("a,b\n1,2\n", json!({}), Class::Invalid, "no bill"),
        (CUR, json!({"format": "focus"}), Class::BadParameter, "BilledCost"),
    ] {
        let failure = billed(text, &more).await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
    let odd = FOCUS.replace(r#""{""job"":""train-euro""}""#, "job=x");
    let failure = billed(&odd, &json!({"tags": {"job": "train-spot"}}))
        .await
        .unwrap_err();
    assert!(failure.message.contains("row 2"), "{failure}");
}
