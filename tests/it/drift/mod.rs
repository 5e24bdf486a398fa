//! The family drift and `data.inject`, each action as the engine runs it: it works, it is refused, its table is missing
//! or odd, its parameters are wrong. The row T10 is held to its faults with the other rows, in `lab`.

mod detection;
mod detector;
mod inject;

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use specrun::action::Failure;
use specrun::tools::Grants;

use crate::support::actions::{Stage, mistakes};
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
