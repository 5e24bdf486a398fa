//! The family cost. No cloud and no OpenCost was asked: the answers and exports have the documented shapes and made-up
//! values.

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::Grants;

use crate::support::actions::Stage;
use crate::support::faults::Faults;
use crate::support::root;

fn recorded(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/recorded/cost").join(name)).unwrap()
}

async fn run(stage: &Stage, action: &str, params: Json) -> Result<Json, Failure> {
    stage.run(action, params, Grants::open()).await
}

#[tokio::test]
async fn hours_times_rates_beside_the_same_hours_on_demand() {
    let stage = Stage::new();
    let rates = json!({"a": {"on_demand": "1.00USD", "spot": "0.25USD"}, "b": {"on_demand": "2USD"}});
    let price = async |usage: Json| run(&stage, "cost.rates", json!({"rates": rates, "usage": usage})).await;
    let got = price(json!([
        {"machine": "a", "bought": "spot", "ran": "2h"},
        {"machine": "b", "bought": "on_demand", "ran": "30m"},
    ]))
    .await
    .unwrap();
    assert_eq!(got["cost"], "1.50USD");
    assert_eq!(got["on_demand"], "3.00USD");
    assert_eq!(got["saved"], "50%");
    for (usage, says) in [
        (
            json!([{"machine": "A", "bought": "spot", "ran": "2h"}]),
            "has no machine `A`",
        ),
        (
            json!([{"machine": "b", "bought": "spot", "ran": "2h"}]),
            "no `spot` price of `b`",
        ),
        (
            json!([{"machine": "a", "bought": "spot", "ran": "0s"}]),
            "the baseline is zero",
        ),
    ] {
        let failure = price(usage).await.unwrap_err();
        assert_eq!(failure.class, Class::BadParameter);
        assert!(failure.message.contains(says), "{failure:?}");
    }
    let mixed = json!({
        "rates": {"a": {"on_demand": "1USD", "spot": "1EUR"}},
        "usage": [{"machine": "a", "bought": "spot", "ran": "1h"}],
    });
    let failure = run(&stage, "cost.rates", mixed).await.unwrap_err();
    assert!(failure.message.contains("mix USD and EUR"), "{failure:?}");
}

#[tokio::test]
async fn exports_of_clouds_are_added_up() {
    let stage = Stage::new();
    stage.file("project/specs/cur.csv", recorded("made-up_aws_cur2.csv"));
    stage.file("project/specs/focus.csv", recorded("made-up_focus.csv"));
    let cur = json!({
        "table": {"path": "cur.csv"}, "form": "cur", "currency": "USD",
        "where": {"resource_tags_user_job": "train-spot"},
    });
    let got = run(&stage, "cost.bill", cur.clone()).await.unwrap();
    assert_eq!(got["rows"], 1);
    assert_eq!(got["cost"], "0.7272USD");
    assert_eq!(got["on_demand"], "2.424USD");
    assert_eq!(got["spot"], "100%");
    assert_eq!(got["saved"], "70%");
    let focus = json!({"table": {"path": "focus.csv"}, "form": "focus"});
    let got = run(&stage, "cost.bill", focus).await.unwrap();
    assert_eq!(got["cost"], "0.7272USD");

    let mut nobody = cur.clone();
    nobody["where"]["resource_tags_user_job"] = json!("nobody");
    assert_eq!(
        run(&stage, "cost.bill", nobody).await.unwrap_err().class,
        Class::NotFound
    );
    let mut unknown = cur.clone();
    unknown["where"] = json!({"resource_tag_user_job": "train-spot"});
    let failure = run(&stage, "cost.bill", unknown).await.unwrap_err();
    assert!(
        format!("{failure:?}").contains("resource_tags_user_job"),
        "{failure:?}"
    );
    let mut silent = cur.clone();
    silent.as_object_mut().unwrap().remove("currency");
    let failure = run(&stage, "cost.bill", silent).await.unwrap_err();
    assert!(
        failure.message.contains("does not name its currency"),
        "{failure:?}"
    );
    let wrong = json!({"table": {"path": "cur.csv"}, "form": "focus"});
    assert_eq!(
        run(&stage, "cost.bill", wrong).await.unwrap_err().class,
        Class::BadParameter
    );

    let head = "PricingCategory,BillingCurrency,BilledCost,ListCost\n";
    stage.file(
        "project/specs/mixed.csv",
        format!("{head}Standard,USD,1,1\nDynamic,EUR,1,2\n"),
    );
    let mixed = json!({"table": {"path": "mixed.csv"}, "form": "focus"});
    let failure = run(&stage, "cost.bill", mixed).await.unwrap_err();
    assert_eq!(failure.class, Class::Invalid);
    assert!(
        failure.message.contains("mixes currencies (EUR, USD)"),
        "{failure:?}"
    );
    // A row without a list price: what it would have cost is not known, and not zero.
    stage.file(
        "project/specs/gap.csv",
        format!("{head}Standard,USD,1,2\nDynamic,USD,1,\n"),
    );
    let got = run(
        &stage,
        "cost.bill",
        json!({"table": {"path": "gap.csv"}, "form": "focus"}),
    )
    .await
    .unwrap();
    assert_eq!((got.get("on_demand"), got.get("saved")), (None, None));
    stage.file("project/specs/hole.csv", format!("{head}Standard,USD,,2\n"));
    let failure = run(
        &stage,
        "cost.bill",
        json!({"table": {"path": "hole.csv"}, "form": "focus"}),
    )
    .await
    .unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
}

#[tokio::test]
async fn allocations_are_added_up_over_the_steps_of_the_window() {
    let stage = async |body: &str| {
        let server = Faults::saying(body.to_owned()).await;
        let mut stage = Stage::new();
        stage.endpoint("cost", server.url("/said"));
        (server, stage)
    };
    let ask = json!({"window": "24h", "aggregate": "controller", "name": "train-spot"});
    let (_server, with) = stage(&recorded("made-up_opencost_allocation.json")).await;
    let got = run(&with, "cost.allocation", ask.clone()).await.unwrap();
    assert_eq!(got["total"], "0.8896USD");
    assert_eq!(got["allocations"][0]["gpu"], "0.56USD");
    assert_eq!(got["allocations"][0]["ran"], "2h");
    let other = json!({"window": "24h", "aggregate": "controller", "name": "train"});
    let failure = run(&with, "cost.allocation", other).await.unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    for (body, class, says) in [
        (
            "{\"code\": 200, \"data\": [null, {}]}",
            Class::NotFound,
            "no cost is recorded",
        ),
        (
            "{\"code\": 400, \"message\": \"bad window\"}",
            Class::Invalid,
            "bad window",
        ),
        ("{\"data\": []}", Class::UnreadableAnswer, "no `code`"),
        (
            "{\"code\": 200, \"data\": {}}",
            Class::UnreadableAnswer,
            "OpenCost promises",
        ),
        (
            "{\"code\": 200, \"data\": [{\"train-spot\": {\"minutes\": 1, \"cpuCost\": 1, \"gpuCost\": 1, \"ramCost\": 1, \
             \"totalCost\": null}}]}",
            Class::UnreadableAnswer,
            "`totalCost` of `train-spot` is null",
        ),
        ("<html>", Class::UnreadableAnswer, ""),
    ] {
        let (_server, with) = stage(body).await;
        let failure = run(&with, "cost.allocation", ask.clone()).await.unwrap_err();
        assert_eq!(failure.class, class, "{body}: {failure:?}");
        assert!(failure.message.contains(says), "{body}: {failure:?}");
    }
    let failure = run(&Stage::new(), "cost.allocation", ask).await.unwrap_err();
    assert_eq!(failure.class, Class::Missing);
}
