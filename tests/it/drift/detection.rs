//! `drift.detect`: what drifted, what did not, and what could not be judged.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use specrun::action::{Class, OwnCheck};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::tools::Grants;

use super::{detect, stage, table};
use crate::support::actions::{Stage, mistakes, only};

#[tokio::test]
async fn detect_names_the_column_that_moved_and_draws_it() {
    let stage = stage();
    let got = detect(&stage, json!({})).await.unwrap();
    assert_eq!(got["drifted"], true);
    assert_eq!(got["drifted_columns"], json!(["amount"]));
    assert_eq!(got["share"], json!({"k": 1, "n": 3}));
    let amount = &got["columns"][0];
    assert_eq!(
        (&amount["method"], &amount["drifted"]),
        (&json!("ks"), &json!(true))
    );
    assert_eq!(amount["reasons"], json!(["distribution"]));
    // The values are even over 1, so that half a unit is √3 standard deviations.
    assert!(
        (amount["effect"].as_f64().unwrap() - 3.0_f64.sqrt()).abs() < 0.01,
        "{amount}"
    );
    let svg = std::fs::read_to_string(amount["plot"].as_str().unwrap()).unwrap();
    assert!(svg.contains("amount: drifted"), "{svg}");
    let age = &got["columns"][2];
    assert_eq!(
        (&age["drifted"], &age["reference_missing"]),
        (&json!(false), &json!("10%"))
    );
}

#[tokio::test]
async fn equal_tables_have_no_drift_by_any_method() {
    let stage = stage();
    for method in ["auto", "ks", "wasserstein", "psi", "mann_whitney"] {
        let params = json!({
            "current": {"path": "reference.csv"}, "method": method, "columns": ["amount", "age"], "plots": "none",
        });
        let got = detect(&stage, params).await.unwrap();
        assert_eq!(got["drifted"], false, "{method}: {got}");
        assert_eq!(got["columns"][0]["drifted"], false, "{method}: {got}");
        assert_eq!(got["columns"][0].get("plot"), Some(&Json::Null));
    }
}

#[tokio::test]
async fn evidently_is_reproduced_with_its_blind_spot() {
    let stage = stage();
    // Half of the ages go missing, which Evidently leaves out before it looks.
    let holes: String = table(600, 0.0)
        .lines()
        .enumerate()
        .map(|(i, line)| match line.rsplit_once(',') {
            Some((rest, _)) if i > 0 && i % 2 == 0 => format!("{rest},\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    stage.file("project/specs/holes.csv", holes);
    let ours = detect(&stage, json!({"current": {"path": "holes.csv"}}))
        .await
        .unwrap();
    assert_eq!(ours["drifted_columns"], json!(["age"]));
    assert_eq!(ours["columns"][2]["reasons"], json!(["missingness"]));
    let theirs = detect(
        &stage,
        json!({"current": {"path": "holes.csv"}, "compat": "evidently"}),
    )
    .await
    .unwrap();
    assert_eq!(theirs["drifted"], false);
    assert_eq!(theirs["columns"][1]["method"], "chisquare");
}

#[tokio::test]
async fn a_profile_stands_for_the_reference() {
    let stage = stage();
    let params = json!({"table": {"path": "reference.csv"}, "hide": ["id"], "save": "kept.json"});
    let made = stage.run("data.profile", params, Grants::open()).await.unwrap();
    assert_eq!(
        made["columns"][1]["bars"]["reference"].as_array().unwrap().len(),
        11
    );
    let svg = std::fs::read_to_string(made["columns"][1]["plot"].as_str().unwrap()).unwrap();
    assert!(svg.contains("<title>amount</title>"), "{svg}");
    assert_eq!(
        made["columns"][0].get("plot"),
        None,
        "what is hidden is not drawn"
    );
    let whole = detect(&stage, json!({"seed": 1})).await.unwrap();
    let kept = detect(&stage, json!({"seed": 1, "reference": {"profile": "kept.json"}}))
        .await
        .unwrap();
    let without_plots = |mut json: Json| {
        for column in json["columns"].as_array_mut().unwrap() {
            column.as_object_mut().unwrap().remove("plot");
        }
        json
    };
    assert_eq!(without_plots(kept), without_plots(whole));

    stage.file("project/specs/odd.json", r#"{"rows": 3}"#);
    stage.file(
        "project/specs/old.json",
        r#"{"specrun_profile": 9, "table": "t", "rows": 3, "columns": []}"#,
    );
    let profile = |path: &str| json!({"profile": path});
    for (params, class, words) in [
        (
            json!({"reference": profile("none.json")}),
            Class::Missing,
            "none.json",
        ),
        (
            json!({"reference": profile("odd.json")}),
            Class::UnreadableAnswer,
            "odd.json",
        ),
        (
            json!({"reference": profile("old.json")}),
            Class::UnreadableAnswer,
            "format is 9",
        ),
        (
            json!({"reference": profile("reference.csv")}),
            Class::UnreadableAnswer,
            "reference.csv",
        ),
        (
            json!({"reference": profile("kept.json"), "exclude": []}),
            Class::BadParameter,
            "the column `id`: it is hidden",
        ),
        (
            json!({"reference": profile("kept.json"), "categorical": ["age"]}),
            Class::BadParameter,
            "not its categories",
        ),
        (
            json!({"reference": profile("kept.json"), "together": {"methods": ["mmd"]}}),
            Class::BadParameter,
            "a profile has none",
        ),
    ] {
        let failure = detect(&stage, params.clone()).await.unwrap_err();
        assert_eq!(failure.class, class, "{params}: {failure}");
        assert!(failure.to_string().contains(words), "{params}: {failure}");
    }
    let current = json!({"path": "b.csv"});
    for (reference, wrong) in [
        (json!({"path": "a.csv"}), false),
        (json!({"profile": "a.json"}), false),
        (json!({}), true),
        (json!({"path": "a.csv", "profile": "a.json"}), true),
        (json!({"profile": "a.json", "delimiter": ";"}), true),
    ] {
        let found = mistakes(
            "drift.detect",
            &json!({"reference": reference, "current": current}),
        );
        assert_eq!(!found.is_empty(), wrong, "{reference}: {found:?}");
    }
}

#[tokio::test]
async fn a_broken_correlation_shows_in_all_columns_together() {
    let stage = Stage::new();
    let pairs = |follows: bool| {
        let mut text = "x,y\n".to_owned();
        for i in 0..300_u32 {
            let x = f64::from((i * 7919) % 300);
            let y = if follows {
                x
            } else {
                f64::from((i * 104_729) % 300)
            };
            let _ = writeln!(text, "{x},{y}");
        }
        text
    };
    stage.file("project/specs/reference.csv", pairs(true));
    stage.file("project/specs/moved.csv", pairs(false));
    let together = json!({"methods": ["mmd", "domain_classifier"], "rows": 200});
    let params = json!({"exclude": [], "together": together, "plots": "none"});
    let got = detect(&stage, params.clone()).await.unwrap();
    assert_eq!(
        (&got["drifted"], &got["drifted_columns"]),
        (&json!(true), &json!([])),
        "{got}"
    );
    for (i, method) in ["mmd", "domain_classifier"].into_iter().enumerate() {
        let test = &got["together"][i];
        assert_eq!(
            (&test["method"], &test["drifted"]),
            (&json!(method), &json!(true)),
            "{test}"
        );
        assert_eq!(
            (&test["reference_rows"], &test["current_rows"]),
            (&json!(200), &json!(200))
        );
        // The smallest p-value there is, times the tests in the family: two columns, two tests of all.
        assert!(
            (test["adjusted_p"].as_f64().unwrap() - 0.004).abs() < 0.0011,
            "{test}"
        );
    }
    assert_eq!(detect(&stage, params).await.unwrap(), got, "one seed, one answer");
    stage.file("project/specs/again.csv", pairs(true));
    let same =
        json!({"exclude": [], "together": together, "current": {"path": "again.csv"}, "plots": "none"});
    let got = detect(&stage, same).await.unwrap();
    assert_eq!(
        (&got["drifted"], &got["together"][0]["drifted"]),
        (&json!(false), &json!(false)),
        "{got}"
    );
    assert!(
        (got["together"][1]["statistic"].as_f64().unwrap() - 0.5).abs() < 0.1,
        "{got}"
    );
    let few = json!({"methods": ["mmd"], "permutations": 99});
    let action = REGISTRY.get("drift.detect").unwrap();
    let cx = stage.context(Grants::open());
    let params = json!({
        "reference": {"path": "reference.csv"}, "current": {"path": "again.csv"}, "together": few, "alpha": "2%",
    });
    let got = action.run(params, &cx).await.unwrap();
    assert_eq!(got["together"][0]["drifted"], Json::Null);
    let checks: Vec<OwnCheck> = cx.checks.take();
    assert_eq!(checks.len(), 1);
    assert!(
        checks[0].outcome.message.contains("99 regroupings"),
        "{}",
        checks[0].outcome.message
    );
}

#[tokio::test]
async fn times_of_different_units_are_not_compared() {
    let stage = Stage::new();
    stage.file("project/specs/reference.csv", "t\n2026-01-01\n2026-01-02\n");
    stage.file(
        "project/specs/moved.csv",
        "t\n2026-01-01T00:00:00\n2026-01-02T00:00:00\n",
    );
    let table = |path: &str| json!({"path": path, "parse_dates": true});
    let params = json!({"reference": table("reference.csv"), "current": table("moved.csv"), "exclude": []});
    let failure = detect(&stage, params).await.unwrap_err();
    assert_eq!(failure.class, Class::UnreadableAnswer);
    assert!(failure.message.contains("`t` has the type date"), "{failure}");
}

#[tokio::test]
async fn what_could_not_be_judged_makes_the_step_inconclusive() {
    let stage = Stage::new();
    stage.file("project/specs/a.csv", "x,y\n1,\n2,\n3,\n");
    stage.file("project/specs/b.csv", "x,y\n7,\n8,\n9,\n");
    let action = REGISTRY.get("drift.detect").unwrap();
    let cx = stage.context(Grants::open());
    let params = json!({"reference": {"path": "a.csv"}, "current": {"path": "b.csv"}});
    let got = action.run(params, &cx).await.unwrap();
    assert_eq!(got["drifted"], false);
    assert_eq!(got["columns"][0]["drifted"], Json::Null);
    let checks: Vec<OwnCheck> = cx.checks.take();
    let ids: Vec<&str> = checks.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(ids, ["drift[x]", "drift[y]"]);
    assert!(checks.iter().all(|c| c.outcome.verdict == Verdict::Inconclusive));
    assert!(
        checks[0].outcome.message.contains("3 against 3 values"),
        "{}",
        checks[0].outcome.message
    );
}

#[tokio::test]
async fn odd_tables_and_parameters_are_failures() {
    let stage = stage();
    stage.file(
        "project/specs/text.csv",
        "id,amount,country,age\n1,many,DE,3\n2,few,FR,4\n",
    );
    stage.file("project/specs/empty.csv", "");
    stage.file("project/specs/narrow.csv", "id,amount\n1,2\n");
    stage.file("outside/table.csv", table(9, 0.0));
    for (params, class, message) in [
        (
            json!({"current": {"path": "none.csv"}}),
            Class::Missing,
            "none.csv",
        ),
        (
            json!({"current": {"path": "../../outside/table.csv"}}),
            Class::NotGranted,
            "outside",
        ),
        (
            json!({"current": {"path": "empty.csv"}}),
            Class::UnreadableAnswer,
            "empty",
        ),
        (
            json!({"current": {"path": "narrow.csv"}}),
            Class::BadParameter,
            "narrow.csv has no column `country`",
        ),
        (
            json!({"current": {"path": "text.csv"}}),
            Class::UnreadableAnswer,
            "the column `amount` has numbers in reference.csv and text in text.csv",
        ),
        (
            json!({"columns": ["amont"]}),
            Class::BadParameter,
            "no column `amont`",
        ),
        (
            json!({"method": "ks"}),
            Class::BadParameter,
            "the method `ks` is for numbers, but the column `country` has categories",
        ),
        (
            json!({"methods": {"id": "ks"}}),
            Class::BadParameter,
            "`methods` names `id`, which is not compared",
        ),
        (json!({"alpha": "0%"}), Class::BadParameter, "`alpha`"),
        (
            json!({"exclude": ["id", "amount", "country", "age"]}),
            Class::BadParameter,
            "no column of reference.csv is left",
        ),
    ] {
        let failure = detect(&stage, params.clone()).await.unwrap_err();
        assert_eq!(failure.class, class, "{params}: {failure}");
        assert!(failure.message.contains(message), "{params}: {failure}");
    }
    let params = json!({"reference": {"path": "reference.csv"}, "current": {"path": "moved.csv"}});
    let failure = stage.run("drift.detect", params, only(&[])).await;
    assert!(
        failure.is_ok(),
        "the project's own files need no grant: {failure:?}"
    );
}
