//! `drift.false_positive_rate` and `drift.power`: whether the detector is any good.

use serde_json::json;
use specrun::tools::Grants;

use super::stage;

#[tokio::test]
async fn false_alarms_are_counted_over_disjoint_parts() {
    let stage = stage();
    let params = json!({
        "reference": {"path": "reference.csv"}, "exclude": ["id"], "sizes": {"reference": 400, "current": 400},
        "allowed": 1, "seed": 3,
    });
    let got = stage
        .run("drift.false_positive_rate", params.clone(), Grants::open())
        .await
        .unwrap();
    assert_eq!((&got["resamples"], &got["allowed"]), (&json!(93), &json!(1)));
    assert!(got["alarms"].as_u64().unwrap() <= 5, "{got}");
    assert_eq!(
        got["rows"],
        json!({"reference": 300, "current": 300, "shrunk": true})
    );
    assert_eq!(got["unable_columns"], json!([]));
    // One seed, one answer.
    let again = stage
        .run("drift.false_positive_rate", params, Grants::open())
        .await
        .unwrap();
    assert_eq!(got, again);
    // A detector that cannot fire proves nothing.
    let params = json!({
        "reference": {"path": "reference.csv"}, "exclude": ["id"], "sizes": {"reference": 3, "current": 3},
        "resamples": 59,
    });
    let failure = stage
        .run("drift.false_positive_rate", params, Grants::open())
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("no column could have fired"),
        "{failure}"
    );
}

#[tokio::test]
async fn power_rises_with_the_magnitude() {
    let stage = stage();
    let params = json!({
        "reference": {"path": "reference.csv"}, "exclude": ["id"], "magnitudes": [1, 0], "resamples": 40,
        "inject": {"column": "amount", "kind": "mean_shift"}, "seed": 3,
    });
    let got = stage.run("drift.power", params, Grants::open()).await.unwrap();
    let points = got["points"].as_array().unwrap();
    assert_eq!(points[0]["magnitude"], 0.0);
    assert!(points[0]["detected"]["k"].as_u64().unwrap() <= 4, "{got}");
    assert_eq!(points[1]["detected"], json!({"k": 40, "n": 40}));
    assert!(
        (points[1]["achieved"].as_f64().unwrap() - 1.0).abs() < 1e-9,
        "{got}"
    );
    assert_eq!(got["smallest_detected"], 1.0);
    assert!(
        std::fs::read_to_string(got["plot"].as_str().unwrap())
            .unwrap()
            .contains("</svg>")
    );
}
