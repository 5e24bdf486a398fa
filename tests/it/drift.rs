//! The family drift and `data.inject`, each action as the engine runs it: it works, it is refused, its table is missing
//! or odd, its parameters are wrong. The row T10 is held to its faults with the other rows, in `lab`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure, OwnCheck, ParamSchema};
use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::tools::Grants;

use crate::support::actions::{Stage, only};
use crate::support::root;
use crate::support::specrun::{Project, Running};

/// A table of `rows` rows: a number around `mean`, a country, and an age of which every tenth is missing.
fn table(rows: u32, mean: f64) -> String {
    let mut text = "id,amount,country,age\n".to_owned();
    for i in 0..rows {
        // Evenly spread values in an order that has nothing to do with the other columns.
        let spread = f64::from((i * 7919) % rows) / f64::from(rows);
        let age = if i % 10 == 0 {
            String::new()
        } else {
            (20 + (i * 31) % 50).to_string()
        };
        let country = ["DE", "FR", "IT"][(i % 3) as usize];
        let _ = writeln!(text, "{i},{:.4},{country},{age}", mean + spread);
    }
    text
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.file("project/specs/reference.csv", table(600, 0.0));
    stage.file("project/specs/moved.csv", table(600, 0.5));
    stage
}

async fn detect(stage: &Stage, params: Json) -> Result<Json, Failure> {
    let mut all = json!({
        "reference": {"path": "reference.csv"}, "current": {"path": "moved.csv"}, "exclude": ["id"],
    });
    all.as_object_mut()
        .unwrap()
        .extend(params.as_object().unwrap().clone());
    stage.run("drift.detect", all, Grants::open()).await
}

fn mistakes(action: &str, params: &Json) -> Vec<String> {
    let action = REGISTRY.get(action).unwrap();
    let mut problems = ParamSchema::of(action).problems(params);
    problems.extend(action.validate(params));
    problems
        .into_iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect()
}

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

#[test]
fn mistakes_are_found_before_the_run() {
    let table = json!({"path": "a.csv"});
    for (action, params, message) in [
        (
            "drift.detect",
            json!({"reference": table, "current": table, "method": "kss"}),
            "/method: ",
        ),
        (
            "drift.detect",
            json!({"reference": table, "current": table, "compat": "evidently", "alpha": "1%"}),
            "/alpha: `alpha` has no meaning with `compat: evidently`",
        ),
        (
            "drift.detect",
            json!({"reference": table, "current": table, "evidently": {"method": "psi"}}),
            "/evidently: `evidently` needs `compat: evidently`",
        ),
        (
            "drift.false_positive_rate",
            json!({"reference": table, "scheme": "bootstrap"}),
            "/scheme: `bootstrap` draws the current side from the rows it is compared with",
        ),
        (
            "drift.false_positive_rate",
            json!({"reference": table, "scheme": "block_split"}),
            "/scheme: `block_split` needs `block`",
        ),
        (
            "drift.false_positive_rate",
            json!({"reference": table, "block": "day"}),
            "/block: `block` has no meaning without `scheme: block_split`",
        ),
        (
            "drift.power",
            json!({"reference": table, "inject": {"column": "a", "kind": "missing"}, "magnitudes": [0.1, 2]}),
            "/magnitudes/1: a magnitude of `missing` is a share, between 0 and 1",
        ),
        (
            "data.inject",
            json!({"table": table, "column": "a", "kind": "concept_flip", "magnitude": 1}),
            "/kind: the kind `concept_flip` needs `by`",
        ),
        (
            "data.inject",
            json!({"table": table, "column": "a", "kind": "noise", "magnitude": 1, "offset": 3}),
            "/offset: `offset` has no meaning with the kind `noise`",
        ),
    ] {
        let found = mistakes(action, &params);
        assert!(
            found.len() == 1 && found[0].starts_with(message),
            "{params}: {found:?}"
        );
    }
}

#[test]
fn the_examples_hold() {
    let project = Project::new();
    let all: Vec<String> = [
        "drift.detect",
        "drift.false_positive_rate",
        "drift.power",
        "data.inject",
    ]
    .iter()
    .map(|name| {
        root()
            .join(format!("examples/actions/{name}.yaml"))
            .display()
            .to_string()
    })
    .collect();
    let mut args = vec!["run"];
    args.extend(all.iter().map(String::as_str));
    Running::start(project.command(&args))
        .wait_up_to(std::time::Duration::from_mins(15))
        .code(0);
}
