//! `data.inject`

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;

use super::{detect, stage};

#[tokio::test]
async fn inject_writes_what_it_says_in_every_format() {
    let stage = stage();
    for to in ["out.csv", "out.tsv", "out.parquet", "out.ndjson", "out.arrow"] {
        let params = json!({
            "table": {"path": "reference.csv"}, "column": "amount", "kind": "mean_shift", "magnitude": 0.5, "to": to,
        });
        let got = stage.run("data.inject", params, Grants::open()).await.unwrap();
        assert!(
            (got["achieved"].as_f64().unwrap() - 0.5).abs() < 1e-9,
            "{to}: {got}"
        );
        assert_eq!(
            (&got["rows"], &got["changed"]),
            (&json!(600), &json!(600)),
            "{to}"
        );
        let drift = detect(&stage, json!({"current": {"path": got["path"]}}))
            .await
            .unwrap();
        assert_eq!(drift["drifted_columns"], json!(["amount"]), "{to}");
    }
}

#[tokio::test]
async fn every_kind_of_change_can_be_made() {
    let stage = stage();
    for (column, kind, magnitude, more) in [
        ("amount", "scale", 2.0, json!({"fraction": "50%"})),
        ("amount", "unit_change", 1.8, json!({"offset": 32})),
        ("amount", "noise", 1.0, json!({})),
        ("amount", "clip", 0.2, json!({})),
        ("amount", "quantile_warp", 2.0, json!({})),
        ("age", "lag", 3.0, json!({})),
        ("age", "constant", 0.5, json!({})),
        ("age", "missing", 0.2, json!({"by": "amount"})),
        ("age", "permute", 1.0, json!({})),
        ("country", "category_swap", 1.0, json!({})),
        ("country", "category_new", 0.1, json!({})),
        ("country", "category_reweight", 0.9, json!({})),
        ("country", "concept_flip", 1.0, json!({"by": "amount"})),
        ("age", "duplicate_rows", 0.5, json!({})),
        ("amount", "covariate_shift", 1.0, json!({})),
        ("country", "prior_shift", 0.8, json!({})),
    ] {
        let mut params = json!({"table": {"path": "reference.csv"}, "column": column, "kind": kind, "magnitude": magnitude});
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let got = stage.run("data.inject", params, Grants::open()).await.unwrap();
        assert!(got["changed"].as_u64().unwrap() > 0, "{kind}: {got}");
        let wanted = if kind == "duplicate_rows" { 900 } else { 600 };
        assert_eq!(got["rows"], wanted, "{kind}");
        let written = std::fs::read_to_string(got["path"].as_str().unwrap()).unwrap();
        assert_eq!(written.lines().count(), wanted + 1, "{kind}");
        assert_eq!(written.lines().next(), Some("id,amount,country,age"), "{kind}");
    }
    let params =
        json!({"table": {"path": "reference.csv"}, "column": "country", "kind": "noise", "magnitude": 1});
    let failure = stage
        .run("data.inject", params, Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert_eq!(
        failure.message,
        "changing `country`: the kind is for numbers, the column has categories"
    );
}
