use polars::prelude::{DataFrame, IntoLazy, df};
use serde_json::{Value as Json, json};

use super::*;
use crate::actions::data::Check;
use crate::tools::tables::{Opened, Room, figures, rows};

fn opened(frame: DataFrame) -> Opened {
    Opened {
        schema: frame.schema().clone(),
        frame: frame.lazy(),
        name: "t".to_owned(),
        ..Opened::default()
    }
}

fn people() -> Opened {
    opened(
        df!(
            "id" => [1_i64, 2, 3, 4, 5],
            "amount" => [Some(1.5), Some(20.0), None, Some(-3.0), Some(20.0)],
            "country" => [Some("DE"), Some("FR"), Some("DE"), None, Some("IT")],
            "limit" => [2.0, 20.0, 1.0, 0.0, 10.0],
            "none" => [None::<i64>, None, None, None, None],
        )
        .expect("a frame"),
    )
}

/// What a check finds, and the rows that fail. Each is computed with memory to spare and with none: equal.
fn found(table: &Opened, check: &Json) -> Result<(Finding, Vec<u64>), String> {
    let roomy = found_within(table, check, 1 << 20);
    let narrow = found_within(table, check, 0);
    assert_eq!(roomy, narrow, "{check} depends on memory");
    roomy
}

fn found_within(table: &Opened, check: &Json, memory: usize) -> Result<(Finding, Vec<u64>), String> {
    let parsed: Check = serde_json::from_value(check.clone()).map_err(|e| e.to_string())?;
    let folder = tempfile::tempdir().expect("a folder");
    let columns = Columns {
        schema: &table.schema,
        room: &Room::new(folder.path(), memory),
    };
    let planned = plan(&parsed, columns, &Elsewhere::default())?;
    let values = figures(table, &planned.figures).map_err(|f| f.message)?;
    let values = planned
        .settled(&values, |wanted| figures(table, wanted))
        .map_err(|f| f.message)?;
    let finding = (planned.judge)(&values);
    let mut at = Vec::new();
    if let Some(failing) = &planned.failing {
        for row in rows(table, failing.among.as_ref(), &failing.is, 100).map_err(|f| f.message)? {
            at.push(row["row"].as_u64().expect("a number"));
        }
    }
    Ok((finding, at))
}

/// The outcome with the counts of rows, of those looked at, and those that fail.
#[track_caller]
fn is(check: &Json, outcome: Outcome, evaluated: u64, failing: &[u64]) {
    let (finding, at) = found(&people(), check).unwrap_or_else(|e| panic!("{check}: {e}"));
    assert_eq!(finding.outcome, outcome, "{check}: {finding:?}");
    assert_eq!(finding.evaluated, Some(evaluated), "{check}: {finding:?}");
    assert_eq!(
        finding.failing,
        Some(failing.len() as u64),
        "{check}: {finding:?}"
    );
    assert_eq!(at, failing, "{check}");
}

#[track_caller]
fn figure(check: &Json, outcome: Outcome, observed: &Json) {
    let (finding, _) = found(&people(), check).unwrap_or_else(|e| panic!("{check}: {e}"));
    assert_eq!(finding.outcome, outcome, "{check}: {finding:?}");
    assert_eq!(finding.observed, Some(observed.clone()), "{check}: {finding:?}");
}

#[track_caller]
fn refused(check: &Json, words: &str) {
    match found(&people(), check) {
        Ok((finding, _)) => panic!("{check} gave {finding:?}"),
        Err(why) => assert!(why.contains(words), "{check}: {why}"),
    }
}

use Outcome::{Failed, Inconclusive, Passed};

#[test]
fn rows_are_counted_and_found() {
    is(&json!({"not_null": {"column": "id"}}), Passed, 5, &[]);
    is(&json!({"not_null": {"column": "amount"}}), Failed, 5, &[2]);
    is(&json!({"is_null": {"column": "none"}}), Passed, 5, &[]);
    is(
        &json!({"between": {"column": "amount", "min": 0, "max": 20}}),
        Failed,
        4,
        &[3],
    );
    is(
        &json!({"between": {"column": "amount", "max": 20, "strict_max": true}}),
        Failed,
        4,
        &[1, 4],
    );
    is(
        &json!({"in_set": {"column": "country", "values": ["DE", "FR"]}}),
        Failed,
        4,
        &[4],
    );
    is(
        &json!({"not_in_set": {"column": "id", "values": [9]}}),
        Passed,
        5,
        &[],
    );
    is(&json!({"unique": {"columns": ["amount"]}}), Failed, 4, &[1, 4]);
    is(
        &json!({"unique": {"columns": ["amount", "country"]}}),
        Passed,
        5,
        &[],
    );
    is(
        &json!({"matches": {"column": "country", "pattern": "^[A-Z]{2}$"}}),
        Passed,
        4,
        &[],
    );
    is(
        &json!({"matches": {"column": "country", "pattern": "^(?!IT)"}}),
        Failed,
        4,
        &[4],
    );
    is(
        &json!({"not_matches": {"column": "country", "pattern": "D"}}),
        Failed,
        4,
        &[0, 2],
    );
    is(
        &json!({"like": {"column": "country", "pattern": "D%"}}),
        Failed,
        4,
        &[1, 4],
    );
    is(
        &json!({"length": {"column": "country", "min": 2, "max": 2}}),
        Passed,
        4,
        &[],
    );
    is(
        &json!({"compare": {"left": "amount", "is": "at_most", "right": "limit"}}),
        Failed,
        5,
        &[2, 4],
    );
    is(
        &json!({"expression": "amount <= limit or amount is absent"}),
        Failed,
        5,
        &[4],
    );
    is(
        &json!({"increasing": {"column": "id", "strictly": true}}),
        Passed,
        5,
        &[],
    );
    is(&json!({"decreasing": {"column": "id"}}), Failed, 5, &[1, 2, 3, 4]);
    is(
        &json!({"row_sum": {"columns": ["id", "limit"], "equals": 3.0}}),
        Failed,
        5,
        &[1, 2, 3, 4],
    );
}

#[test]
fn what_is_not_a_number_fits_no_bound() {
    let table = opened(
        df!(
            "v" => [Some(f64::NAN), Some(f64::NAN), Some(1.5), Some(2.5), None],
            "small" => [f32::NAN, 1.0, 2.0, 3.0, 4.0],
            "w" => [1.0, 2.0, 3.0, 1.0, 0.0],
            "far" => [1.0, 2.0, 3.0, f64::INFINITY, f64::NAN],
            "n" => [1_i64, 0, 3, 4, 5],
        )
        .expect("a frame"),
    );
    let fails = |check: &Json, evaluated: u64, at: &[u64]| {
        let (finding, failing) = found(&table, check).expect("a finding");
        assert_eq!(
            (finding.evaluated, finding.failing, failing.as_slice()),
            (Some(evaluated), Some(at.len() as u64), at),
            "{check}"
        );
    };
    fails(&json!({"not_null": {"column": "v"}}), 5, &[0, 1, 4]);
    fails(&json!({"not_null": {"column": "small"}}), 5, &[0]);
    fails(&json!({"is_null": {"column": "v"}}), 5, &[0, 1, 2, 3]);
    fails(&json!({"between": {"column": "v", "min": 0}}), 4, &[0, 1]);
    fails(&json!({"between": {"column": "v", "max": 2}}), 4, &[0, 1, 3]);
    fails(
        &json!({"between": {"column": "v", "min": 0}, "where": "v > 2"}),
        1,
        &[],
    );
    for is in ["greater", "at_least", "equal", "not_equal"] {
        let check = json!({"compare": {"left": "small", "is": is, "right": "small"}, "where": "n == 1"});
        fails(&check, 1, &[0]);
    }
    fails(&json!({"expression": "v >= 0"}), 5, &[0, 1, 4]);
    fails(&json!({"expression": "0 <= v + 1"}), 5, &[0, 1, 4]);
    fails(&json!({"expression": "not (v > 10)"}), 5, &[0, 1, 4]);
    fails(&json!({"expression": "v >= 0 or v is absent"}), 5, &[]);
    fails(&json!({"expression": "v is present"}), 5, &[0, 1, 4]);
    // What the import of Soda's contracts writes: a null is none of its failing rows, NaN is.
    fails(
        &json!({"expression": "not (v > 10) or (v > 10) is absent"}),
        5,
        &[0, 1],
    );
    // Nothing divided by nothing is no number either.
    fails(&json!({"expression": "(n - 1) / (n - 1) >= 0"}), 5, &[0]);
    fails(&json!({"z_score": {"column": "v", "below": 3}}), 4, &[0, 1]);
    fails(&json!({"z_score": {"column": "far", "below": 3}}), 5, &[3, 4]);
    for (figure, column) in [
        ("min", "v"),
        ("max", "v"),
        ("min", "small"),
        ("mean", "v"),
        ("median", "v"),
        ("sum", "v"),
    ] {
        let check = json!({figure: {"column": column, "min": 0}});
        let (finding, _) = found(&table, &check).expect("a finding");
        assert_eq!(finding.outcome, Inconclusive, "{check}: {}", finding.message);
        assert!(finding.message.contains("NaN"), "{check}: {}", finding.message);
    }
    let of_some = json!({"max": {"column": "v", "max": 3}, "where": "v is present"});
    assert_eq!(found(&table, &of_some).expect("a finding").0.outcome, Passed);
    let share = json!({"null_fraction": {"column": "v", "min": 0.6, "max": 0.6}});
    assert_eq!(found(&table, &share).expect("a finding").0.outcome, Passed);
}

#[test]
fn conditions_and_allowances_count() {
    is(
        &json!({"between": {"column": "amount", "min": 0}, "where": "country == \"DE\""}),
        Passed,
        1,
        &[],
    );
    is(
        &json!({"unique": {"columns": ["amount"]}, "where": "id < 5"}),
        Passed,
        3,
        &[],
    );
    is(
        &json!({"not_null": {"column": "amount"}, "max_failing": "20%"}),
        Passed,
        5,
        &[2],
    );
    is(
        &json!({"not_null": {"column": "amount"}, "max_failing": "19%"}),
        Failed,
        5,
        &[2],
    );
    is(
        &json!({"not_null": {"column": "amount"}, "max_failing": 1}),
        Passed,
        5,
        &[2],
    );
}

#[test]
fn nothing_to_look_at_is_never_a_pass() {
    is(
        &json!({"between": {"column": "none", "min": 0}}),
        Inconclusive,
        0,
        &[],
    );
    is(
        &json!({"not_null": {"column": "id"}, "where": "id > 99"}),
        Inconclusive,
        0,
        &[],
    );
    is(&json!({"unique": {"columns": ["none"]}}), Inconclusive, 0, &[]);
    is(
        &json!({"between": {"column": "none", "min": 0}, "allow_empty": true}),
        Passed,
        0,
        &[],
    );
    for rule in ["mean", "median", "min", "stddev"] {
        let mut check = json!({});
        check[rule] = json!({"column": "none", "min": 0});
        let (finding, _) = found(&people(), &check).expect("a finding");
        assert_eq!(finding.outcome, Inconclusive, "{check}: {finding:?}");
    }
    let (finding, _) = found(
        &people(),
        &json!({"distinct_in_set": {"column": "none", "values": [1]}}),
    )
    .expect("a finding");
    assert_eq!(finding.outcome, Inconclusive);
}

#[test]
fn figures_are_those_of_the_rows() {
    figure(
        &json!({"mean": {"column": "limit", "min": 6, "max": 7}}),
        Passed,
        &json!(6.6),
    );
    figure(&json!({"sum": {"column": "id", "max": 14}}), Failed, &json!(15));
    figure(&json!({"max": {"column": "id", "max": 5}}), Passed, &json!(5));
    figure(
        &json!({"max": {"column": "id", "max": 5, "strict_max": true}}),
        Failed,
        &json!(5),
    );
    figure(
        &json!({"median": {"column": "id", "min": 3, "max": 3}}),
        Passed,
        &json!(3.0),
    );
    figure(
        &json!({"null_fraction": {"column": "amount", "max": 0.2}}),
        Passed,
        &json!(0.2),
    );
    figure(
        &json!({"distinct_count": {"column": "amount", "min": 3, "max": 3}}),
        Passed,
        &json!(3),
    );
    figure(
        &json!({"unique_proportion": {"column": "amount", "min": 1}}),
        Failed,
        &json!(0.75),
    );
    figure(&json!({"row_count": {"equals": 4}}), Failed, &json!(5));
    figure(&json!({"column_count": {"equals": 5}}), Passed, &json!(5));
    figure(
        &json!({"distinct_equals": {"column": "country", "values": ["DE", "FR"]}}),
        Failed,
        &json!(["DE", "FR", "IT"]),
    );
    figure(
        &json!({"most_common_in_set": {"column": "country", "values": ["DE"]}}),
        Passed,
        &json!(["DE"]),
    );
    figure(
        &json!({"quantile": {"column": "id", "at": "75%", "min": 4, "max": 4}}),
        Passed,
        &json!(4.0),
    );
}

/// A table with repeated values of every kind, and nulls.
fn many() -> Opened {
    let n = 3000_i64;
    let each = |f: &dyn Fn(i64) -> i64| (0..n).map(f).collect::<Vec<_>>();
    opened(
        df!(
            "text" => (0..n).map(|i| (i % 11 > 0).then(|| format!("t{}", i % 1700))).collect::<Vec<_>>(),
            "number" => (0..n).map(|i| if i % 13 == 0 { f64::NAN } else { (i % 900) as f64 - 450.5 }).collect::<Vec<_>>(),
            "huge" => (0..n).map(|i| u64::MAX - (i % 2999) as u64).collect::<Vec<_>>(),
            "scattered" => each(&|i| (i % 2500).wrapping_mul(6_364_136_223_846_793_005)),
            "dense" => each(&|i| i % 2990),
            "flag" => (0..n).map(|i| i % 2 == 0).collect::<Vec<_>>(),
        )
        .expect("a frame"),
    )
}

#[test]
fn repeated_and_different_values_are_those_of_polars() {
    use polars::prelude::{Expr, as_struct, col};
    let table = many();
    let counted = |expr: Expr| {
        figures(&table, &[expr.cast(polars::prelude::DataType::UInt64).sum()]).expect("a figure")[0]
            .as_u64()
            .expect("a number")
    };
    let all = |names: &[&str]| as_struct(names.iter().map(|n| col(*n)).collect());
    for names in [
        vec!["text"],
        vec!["number"],
        vec!["huge"],
        vec!["scattered"],
        vec!["dense"],
        vec!["flag"],
        vec!["text", "flag"],
        vec!["scattered", "number", "text"],
    ] {
        for ignore in ["never", "any_null", "all_null"] {
            let nulls = names.iter().map(|n| col(*n).is_null());
            let looked_at = match ignore {
                "never" => polars::prelude::lit(true),
                "any_null" => nulls.reduce(Expr::or).expect("columns").not(),
                _ => nulls.reduce(Expr::and).expect("columns").not(),
            };
            let wanted = counted(all(&names).filter(looked_at).is_duplicated());
            let check = json!({"unique": {"columns": names, "ignore_row_if": ignore}});
            let (finding, at) = found(&table, &check).expect("a finding");
            assert_eq!(finding.failing, Some(wanted), "{check}");
            assert_eq!(at.len() as u64, wanted.min(100), "{check}");
        }
    }
    for name in ["text", "number", "huge", "scattered", "dense", "flag"] {
        let wanted = counted(col(name).drop_nulls().n_unique());
        let check = json!({"distinct_count": {"column": name, "min": wanted, "max": wanted}});
        let (finding, _) = found(&table, &check).expect("a finding");
        assert_eq!(
            (finding.outcome, finding.observed),
            (Passed, Some(json!(wanted))),
            "{check}"
        );
    }
}

#[test]
fn scores_are_those_of_the_sample() {
    // The mean is 3, the sample's standard deviation is the root of 2.5: scores are -1.26, -0.63, 0, 0.63, 1.26.
    is(
        &json!({"z_score": {"column": "id", "below": 1.2}}),
        Failed,
        5,
        &[4],
    );
    is(
        &json!({"z_score": {"column": "id", "below": 1.2, "both_sides": true}}),
        Failed,
        5,
        &[0, 4],
    );
    is(
        &json!({"z_score": {"column": "id", "below": 1.3}}),
        Passed,
        5,
        &[],
    );
    is(
        &json!({"z_score": {"column": "none", "below": 1.3}}),
        Inconclusive,
        0,
        &[],
    );
}

#[test]
fn figures_that_no_scan_finds_are_a_failure() {
    let planned = Planned {
        figures: Vec::new(),
        judge: Box::new(|_| Finding::new(Passed, "")),
        failing: None,
        settle: Some(Box::new(|_| Ok(Next::Scan(Vec::new())))),
    };
    let failure = planned.settled(&[], |_| Ok(Vec::new())).expect_err("never known");
    assert_eq!(failure.class, Class::Internal);
    // Another number of values was looked at than there are.
    let room = Room::new(std::path::Path::new("/"), 1 << 20);
    let repeats = repeats::Repeats::new(false, &room);
    let why = repeats.counts(1).expect_err("nothing was looked at");
    assert!(why.contains("did the table change"), "{why}");
}

#[test]
fn what_cannot_be_right_is_refused() {
    refused(&json!({"not_null": {"column": "amuont"}}), "amount");
    refused(&json!({"between": {"column": "country", "min": 1}}), "texts");
    refused(
        &json!({"between": {"column": "amount", "min": 2, "max": 1}}),
        "more than",
    );
    refused(&json!({"between": {"column": "amount"}}), "neither");
    refused(&json!({"mean": {"column": "country", "min": 1}}), "not numbers");
    refused(
        &json!({"in_set": {"column": "id", "values": ["x"]}}),
        "none of them",
    );
    refused(
        &json!({"matches": {"column": "country", "pattern": "("}}),
        "regular expression",
    );
    refused(
        &json!({"not_null": {"column": "id"}, "where": "nope > 1"}),
        "nope",
    );
    refused(
        &json!({"not_null": {"column": "id"}, "where": "country > 1"}),
        "compared",
    );
    refused(
        &json!({"not_null": {"column": "id"}, "where": "id + 1"}),
        "yes or no",
    );
    refused(&json!({"expression": "size(country) > 1"}), "size");
    refused(&json!({"row_count": {}}), "needed");
    refused(&json!({"row_count": {"min": 1}, "max_failing": 1}), "row by row");
    refused(&json!({"schema": {"columns": {"id": "integer"}}}), "no type");
    refused(
        &json!({"compare": {"left": "country", "is": "equal", "right": "id"}}),
        "compare",
    );
    refused(&json!({}), "no rule");
    refused(&json!({"not_nul": {"column": "id"}}), "not_nul");
}

#[test]
fn schemas_are_held_against_the_columns() {
    let (finding, _) = found(
        &people(),
        &json!({"schema": {"columns": {"id": "int", "amount": "int", "gone": "any"}, "strict": true}}),
    )
    .expect("a finding");
    assert_eq!(finding.outcome, Failed);
    for words in [
        "`gone` is missing",
        "`amount` is f64, not int",
        "`limit` is not expected",
    ] {
        assert!(finding.message.contains(words), "{}", finding.message);
    }
}

#[test]
fn the_list_of_rules_is_that_of_the_parameters() {
    let schema = schemars::schema_for!(Check);
    let keys: Vec<&str> = schema.as_value()["properties"]
        .as_object()
        .expect("keys")
        .keys()
        .map(String::as_str)
        .filter(|k| {
            let common = [
                "name",
                "where",
                "severity",
                "max_failing",
                "allow_empty",
                "fail_if",
                "warn_if",
            ];
            !common.contains(k)
        })
        .collect();
    let mut rules = crate::actions::data::rule::RULES.to_vec();
    rules.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, rules);
}
