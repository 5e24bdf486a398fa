//! Against the real Evidently (answers in `tests/recorded/evidently/columns.json`, made by `columns.py` beside it).

use std::collections::BTreeMap;

use rand::SeedableRng;
use serde_json::Value as Json;

use super::*;

fn side(case: &Json, key: &str) -> Side {
    let values = case[key].as_array().expect("values");
    let missing = values.iter().filter(|v| v.is_null()).count() as u64;
    if case["kind"] == "numeric" {
        return Side::Numeric {
            values: Sorted::new(values.iter().filter_map(Json::as_f64)),
            missing,
        };
    }
    let mut counts = BTreeMap::new();
    for v in values.iter().filter_map(Json::as_str) {
        *counts.entry(v.to_owned()).or_insert(0) += 1;
    }
    Side::Categorical { counts, missing }
}

#[test]
fn every_method_and_the_default_equal_evidently() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/recorded/evidently/columns.json"
    );
    let cases: Json = serde_json::from_str(&std::fs::read_to_string(path).expect("answers")).expect("JSON");
    let mut compared: BTreeMap<String, u32> = BTreeMap::new();
    for case in cases.as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let (reference, current) = (side(case, "reference"), side(case, "current"));
        let default = default_method(&reference, &current).map(|m| serde_json::to_value(m).expect("a name"));
        assert_eq!(default.as_ref(), Some(&case["default"]), "default of {name}");
        for (word, want) in case["scores"].as_object().expect("scores") {
            let method: Method = serde_json::from_value(Json::from(word.as_str())).expect("a known method");
            let mut rng = rand::rngs::StdRng::seed_from_u64(1);
            let got = score(method, &reference, &current, &mut rng);
            let Some(want_score) = want[0].as_f64() else {
                assert!(
                    got.is_err() || got.as_ref().is_ok_and(|g| !g.is_finite()),
                    "{name} {word}: {got:?}, raised"
                );
                continue;
            };
            let got = got.unwrap_or_else(|e| panic!("{name} {word}: {e}"));
            // The permutation methods draw differently (100 and 1000 rounds), and Evidently loses some ties of the
            // total variation to rounding.
            let near = match method {
                Method::EmpiricalMmd => 0.2,
                Method::Tvd => 0.1,
                _ => 1e-9 * want_score.abs().max(1.0),
            };
            assert!(
                (got - want_score).abs() <= near,
                "{name} {word}: got {got}, evidently {want_score}"
            );
            if near < 1e-3 {
                assert_eq!(
                    Json::from(method.drifted(got, method.threshold())),
                    want[1],
                    "{name} {word}"
                );
            }
            *compared.entry(word.clone()).or_default() += 1;
        }
    }
    for method in Method::ALL {
        let word = serde_json::to_value(method).expect("a name");
        let times = compared.get(word.as_str().expect("text")).copied().unwrap_or(0);
        assert!(times >= 2, "{word} was compared {times} times");
    }
}
