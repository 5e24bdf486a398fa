//! Checks of a table's shape: its columns and how many rows it has.

use polars::prelude::{DataType, Expr, PlSmallStr};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};
use super::{Finding, Planned, count, count_where};
use crate::actions::data::rule::{Count, Schema};

pub fn row_count(scope: Option<&Expr>, rule: Count, limited: bool) -> Result<Planned, String> {
    check_count(rule, limited)?;
    Ok(Planned {
        figures: vec![count_where(scope)],
        judge: Box::new(move |figures| {
            let rows = count(figures.first());
            let mut finding = within(rule, rows, "rows");
            finding.rows = Some(rows);
            finding
        }),
        failing: None,
        settle: None,
    })
}

pub fn row_count_matches(scope: Option<&Expr>, other: u64) -> Planned {
    Planned {
        figures: vec![count_where(scope)],
        judge: Box::new(move |figures| {
            let rows = count(figures.first());
            let mut finding =
                Finding::holds(rows == other, format!("{rows} rows, the other table has {other}"))
                    .observed(Json::from(rows));
            finding.rows = Some(rows);
            finding
        }),
        failing: None,
        settle: None,
    }
}

pub fn column_count(columns: Columns<'_>, rule: Count, limited: bool) -> Result<Planned, String> {
    check_count(rule, limited)?;
    Ok(Planned::known(within(
        rule,
        columns.schema.len() as u64,
        "columns",
    )))
}

pub fn schema(columns: Columns<'_>, rule: &Schema) -> Result<Planned, String> {
    let mut wrong = Vec::new();
    for (name, word) in &rule.columns {
        let fits = fits_word(word)?;
        match columns.schema.get(name.as_str()) {
            None => wrong.push(format!("`{name}` is missing")),
            Some(dtype) if fits(dtype) => {}
            Some(dtype) => wrong.push(format!("`{name}` is {dtype}, not {word}")),
        }
    }
    let found: Vec<&str> = columns.schema.iter_names().map(PlSmallStr::as_str).collect();
    if rule.strict {
        let known = |name: &str| rule.columns.contains_key(name) || rule.order.iter().any(|o| o == name);
        for name in found.iter().filter(|n| !known(n)) {
            wrong.push(format!("`{name}` is not expected"));
        }
    }
    if !rule.order.is_empty() && found != rule.order {
        wrong.push(format!(
            "the order is {}, not {}",
            found.join(", "),
            rule.order.join(", ")
        ));
    }
    if rule.columns.is_empty() && rule.order.is_empty() {
        return Err("no column is named".to_owned());
    }
    let message = if wrong.is_empty() {
        format!("{} columns", found.len())
    } else {
        wrong.join("; ")
    };
    let all: Vec<Json> = columns
        .schema
        .iter()
        .map(|(name, dtype)| Json::from(format!("{name}: {dtype}")))
        .collect();
    Ok(Planned::known(
        Finding::holds(wrong.is_empty(), message).observed(Json::Array(all)),
    ))
}

pub fn column_type(columns: Columns<'_>, column: &str, types: &[String]) -> Result<Planned, String> {
    let dtype = columns.dtype(column)?;
    let mut fits = false;
    for word in types {
        fits |= fits_word(word)?(dtype);
    }
    let message = if fits {
        format!("is {dtype}")
    } else {
        format!("is {dtype}, not {}", types.join(" or "))
    };
    Ok(Planned::known(
        Finding::holds(fits, message).observed(Json::from(dtype.to_string())),
    ))
}

type Fits = Box<dyn Fn(&DataType) -> bool>;

/// Whether a type is what a word stands for.
fn fits_word(word: &str) -> Result<Fits, String> {
    let kinds: &'static [Kind] = match word {
        "any" => return Ok(Box::new(|_| true)),
        "int" => &[Kind::Integer],
        "float" => &[Kind::Float],
        "number" => &[Kind::Integer, Kind::Float],
        "text" => &[Kind::Text],
        "bool" => &[Kind::Bool],
        "date" => &[Kind::Date],
        "datetime" => &[Kind::Datetime],
        "time" => &[Kind::Time],
        _ => {
            const EXACT: [(&str, DataType); 12] = [
                ("Int8", DataType::Int8),
                ("Int16", DataType::Int16),
                ("Int32", DataType::Int32),
                ("Int64", DataType::Int64),
                ("UInt8", DataType::UInt8),
                ("UInt16", DataType::UInt16),
                ("UInt32", DataType::UInt32),
                ("UInt64", DataType::UInt64),
                ("Float32", DataType::Float32),
                ("Float64", DataType::Float64),
                ("Boolean", DataType::Boolean),
                ("String", DataType::String),
            ];
            let Some((_, exact)) = EXACT.iter().find(|(name, _)| *name == word) else {
                return Err(format!(
                    "`{word}` is no type; types are int, float, number, text, bool, date, datetime, time, any, and {}",
                    EXACT.map(|(name, _)| name).join(", ")
                ));
            };
            let exact = exact.clone();
            return Ok(Box::new(move |dtype| *dtype == exact));
        }
    };
    Ok(Box::new(move |dtype| kinds.contains(&Kind::of(dtype))))
}

/// Refuses limits that are none; `limited` says that `fail_if` is the limit.
fn check_count(rule: Count, limited: bool) -> Result<(), String> {
    match (rule.min, rule.max, rule.equals) {
        (None, None, None) if limited => Ok(()),
        _ if limited => Err("`fail_if` and the bounds both say when it fails: give one".to_owned()),
        (None, None, None) => Err("one of `min`, `max` and `equals` is needed".to_owned()),
        (Some(min), Some(max), _) if min > max => Err("`min` is more than `max`".to_owned()),
        (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            Err("`equals` does not go with `min` and `max`".to_owned())
        }
        _ => Ok(()),
    }
}

fn within(rule: Count, n: u64, what: &str) -> Finding {
    let fits = rule.min.is_none_or(|min| n >= min)
        && rule.max.is_none_or(|max| n <= max)
        && rule.equals.is_none_or(|equals| n == equals);
    Finding::holds(fits, format!("{n} {what}")).observed(Json::from(n))
}
