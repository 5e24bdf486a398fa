//! The same expectations give the same answers as Great Expectations' own (`gx_cases.py`), except for two departures:
//! where no row was looked at nothing is passed, and what cannot be right is an error.

use std::fs::File;
use std::path::Path;

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, ParquetWriter, Series, TimeUnit};
use serde_json::{Value as Json, json};
use specrun::tools::Grants;

use crate::support::actions::Stage;

/// What is known to differ, with the reason; anything else that differs fails.
const DIFFERS: [(&str, &str); 1] = [(
    "42",
    "a text that is no JSON fails its own row; there it stops the whole expectation",
)];

#[tokio::test]
async fn great_expectations_agrees() {
    let text = include_str!("gx_cases.jsonl");
    let mut lines = text.lines().map(|l| serde_json::from_str::<Json>(l).unwrap());
    let head = lines.next().unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for mut case in lines {
        case["data"] = head["data"].clone();
        asked += 1;
        if let Err(why) = agrees(&case).await {
            wrong.push(format!("{} {}: {why}", case["expectation_type"], case["kwargs"]));
        }
    }
    assert!(asked > 100, "{asked} cases");
    assert!(
        wrong.is_empty(),
        "{} of {asked} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Runs the cases of a file of the same form, when `SPECRUN_GX_CASES` names one.
#[tokio::test]
async fn further_cases_agree() {
    let Some(path) = std::env::var_os("SPECRUN_GX_CASES") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for line in text.lines() {
        let fixed = line
            .replace("-Infinity", "\"-inf\"")
            .replace("Infinity", "\"inf\"")
            .replace("NaN", "null");
        let case: Json = serde_json::from_str(&fixed).unwrap();
        asked += 1;
        if let Err(why) = agrees(&case).await {
            wrong.push(format!("{} {}: {why}", case["id"], case["kwargs"]));
        }
    }
    assert!(asked > 0);
    assert!(
        wrong.is_empty(),
        "{} of {asked} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn agrees(case: &Json) -> Result<(), String> {
    let id = case["id"].as_str().unwrap();
    if DIFFERS.iter().any(|(known, _)| *known == id) {
        return Ok(());
    }
    let stage = Stage::new();
    table(case, &stage.path("project/specs").join("t.parquet"))?;
    let suite = json!({"name": "s", "expectations": [
        {"type": case["expectation_type"], "kwargs": case["kwargs"]}
    ]});
    stage.file("project/specs/suite.json", suite.to_string());
    let params = json!({"table": {"path": "t.parquet"}, "expect_suite": "suite.json", "keep_failing": 100});
    let gx = &case["gx"];
    let wanted = gx["success"] == true || gx["success"] == "True";
    let got = match stage.run("data.check", params, Grants::open()).await {
        Ok(got) => got,
        Err(f) if gx.get("error").is_some() => {
            assert!(!f.message.is_empty());
            return Ok(());
        }
        Err(f) => return Err(format!("wanted {wanted}, refused: {} {:?}", f.message, f.details)),
    };
    if gx.get("error").is_some() && got["passed"] != 0 {
        return Err(format!("passed what is an error: {}", gx["error"]));
    }
    let checks = got["checks"].as_array().unwrap();
    let nothing = checks.iter().any(|c| c["outcome"] == "inconclusive");
    let passed = checks.iter().all(|c| c["outcome"] == "passed");
    if nothing {
        // Great Expectations passes or fails without having looked at anything.
        let looked_at = checks
            .iter()
            .any(|c| c["evaluated"].as_u64().is_some_and(|n| n > 1));
        return if looked_at {
            Err(format!("inconclusive: {got}"))
        } else {
            Ok(())
        };
    }
    if passed != wanted {
        return Err(format!("wanted {wanted}, got {}", got["checks"]));
    }
    let check = &checks[0];
    if let (Some(theirs), Some(ours)) = (gx["unexpected_count"].as_u64(), check["failing"].as_u64())
        && theirs != ours
    {
        return Err(format!("{ours} fail, wanted {theirs}"));
    }
    if let (Some(theirs), Some(file)) = (gx["unexpected_rows"].as_array(), check["failing_rows"].as_str()) {
        let text = std::fs::read_to_string(file).unwrap();
        let ours: Vec<Json> = text
            .lines()
            .map(|l| serde_json::from_str::<Json>(l).unwrap()["row"].clone())
            .collect();
        if ours != *theirs {
            return Err(format!("the rows {ours:?} fail, wanted {theirs:?}"));
        }
    }
    if let (Some(theirs), Some(ours)) = (gx["observed_value"].as_f64(), check["observed"].as_f64())
        && (theirs - ours).abs() > 1e-9 * theirs.abs().max(1.0)
    {
        return Err(format!("is {ours}, wanted {theirs}"));
    }
    Ok(())
}

/// Writes the case's data as a Parquet file with the types pandas has them in.
fn table(case: &Json, path: &Path) -> Result<(), String> {
    let mut columns: Vec<Column> = Vec::new();
    let data = case["data"].as_object().unwrap();
    for (name, values) in data {
        let values = values.as_array().unwrap();
        let said = case["schema"]["pandas"][name].as_str().unwrap_or_default();
        columns.push(column(name, values, said).into());
    }
    let height = columns.iter().map(Column::len).max().unwrap_or(0);
    let mut frame = DataFrame::new(height, columns).map_err(|e| e.to_string())?;
    ParquetWriter::new(File::create(path).unwrap())
        .finish(&mut frame)
        .map_err(|e| e.to_string())?;
    Ok(())
}

fn column(name: &str, values: &[Json], said: &str) -> Series {
    let some: Vec<&Json> = values.iter().filter(|v| !v.is_null()).collect();
    let stamp = |s: &str| format!("{}Z", s.trim_end_matches('Z')).parse::<jiff::Timestamp>();
    let stamps = some.iter().all(|v| v.as_str().is_some_and(|s| stamp(s).is_ok()));
    if stamps && (said.starts_with("datetime") || said == "timestamp") {
        let micros: Vec<Option<i64>> = values
            .iter()
            .map(|v| {
                v.as_str()
                    .and_then(|s| stamp(s).ok())
                    .map(jiff::Timestamp::as_microsecond)
            })
            .collect();
        return Series::new(name.into(), micros)
            .cast(&DataType::Datetime(TimeUnit::Microseconds, None))
            .unwrap();
    }
    if some.iter().all(|v| v.is_i64()) {
        Series::new(name.into(), values.iter().map(Json::as_i64).collect::<Vec<_>>())
    } else if some.iter().all(|v| v.is_number()) {
        Series::new(name.into(), values.iter().map(Json::as_f64).collect::<Vec<_>>())
    } else if some.iter().all(|v| v.is_boolean()) {
        Series::new(name.into(), values.iter().map(Json::as_bool).collect::<Vec<_>>())
    } else {
        let text = |v: &Json| match v {
            Json::Null => None,
            Json::String(s) => Some(s.clone()),
            other => Some(other.to_string()),
        };
        Series::new(name.into(), values.iter().map(text).collect::<Vec<_>>())
    }
}
