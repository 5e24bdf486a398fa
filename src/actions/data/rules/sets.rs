//! Checks of the set of a column's values.

use polars::prelude::{DataType, Expr};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};
use super::figures::counts;
use super::literal::literal;
use super::looking::masked;
use super::{Finding, Planned, count};
use crate::actions::data::rule::{Check, MostCommon, Set};

/// How the column's set and the given one must stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    PartOf,
    Contains,
    Equals,
}

/// How many strange or missing values a message shows.
const SHOWN: usize = 10;

pub fn distinct(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &Set,
    relation: Relation,
) -> Result<Planned, String> {
    let wanted = wanted(columns, &rule.column, &rule.values)?;
    if wanted.is_empty() {
        return Err("`values` holds no value".to_owned());
    }
    let values = masked(comparable(columns, &rule.column)?, scope)
        .drop_nulls()
        .unique()
        .implode(false);
    let [rows, evaluated] = counts(scope, &rule.column);
    let allow_empty = check.allow_empty;
    Ok(Planned {
        figures: vec![rows, evaluated, values],
        judge: Box::new(move |figures| {
            let (rows, evaluated) = (count(figures.first()), count(figures.get(1)));
            let mut found: Vec<Json> = figures
                .get(2)
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default();
            found.sort_by_key(Json::to_string);
            let strange: Vec<&Json> = found
                .iter()
                .filter(|v| !wanted.iter().any(|w| same(w, v)))
                .collect();
            let missing: Vec<&Json> = wanted
                .iter()
                .filter(|w| !found.iter().any(|v| same(w, v)))
                .collect();
            let mut finding = if evaluated == 0 {
                Finding::nothing(allow_empty, format!("no value in {rows} rows"))
            } else {
                let holds = match relation {
                    Relation::PartOf => strange.is_empty(),
                    Relation::Contains => missing.is_empty(),
                    Relation::Equals => strange.is_empty() && missing.is_empty(),
                };
                let mut message = format!("{} different values", found.len());
                if relation != Relation::Contains && !strange.is_empty() {
                    message = format!("{message}; unexpected: {}", list(&strange));
                }
                if relation != Relation::PartOf && !missing.is_empty() {
                    message = format!("{message}; missing: {}", list(&missing));
                }
                Finding::holds(holds, message)
            };
            finding.rows = Some(rows);
            finding.evaluated = Some(evaluated);
            let total = found.len();
            found.truncate(100);
            if total > found.len() {
                found.push(Json::from(format!("and {} more", total - found.len())));
            }
            finding.observed(Json::Array(found))
        }),
        failing: None,
        settle: None,
    })
}

pub fn most_common(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &MostCommon,
) -> Result<Planned, String> {
    let wanted = wanted(columns, &rule.column, &rule.values)?;
    let values = masked(comparable(columns, &rule.column)?, scope).drop_nulls();
    let [rows, evaluated] = counts(scope, &rule.column);
    let (ties_okay, allow_empty) = (rule.ties_okay, check.allow_empty);
    Ok(Planned {
        figures: vec![
            rows,
            evaluated,
            values.clone().unique_stable().implode(true),
            values.unique_counts().cast(DataType::UInt64).implode(true),
        ],
        judge: Box::new(move |figures| {
            let (rows, evaluated) = (count(figures.first()), count(figures.get(1)));
            let tally = tally(figures.get(2), figures.get(3));
            let most = tally.iter().map(|(_, n)| *n).max().unwrap_or(0);
            let top: Vec<Json> = tally
                .into_iter()
                .filter(|(_, n)| *n == most)
                .map(|(v, _)| v)
                .collect();
            let mut finding = if evaluated == 0 {
                Finding::nothing(allow_empty, format!("no value in {rows} rows"))
            } else {
                let hit = |v: &Json| wanted.iter().any(|w| same(w, v));
                let holds = if ties_okay {
                    top.iter().any(hit)
                } else {
                    top.len() == 1 && top.iter().all(hit)
                };
                let all: Vec<&Json> = top.iter().collect();
                Finding::holds(holds, format!("{} with {most} of {evaluated} values", list(&all)))
            };
            finding.rows = Some(rows);
            finding.evaluated = Some(evaluated);
            finding.observed(Json::Array(top))
        }),
        failing: None,
        settle: None,
    })
}

/// Values with how often they stand there.
pub fn tally(values: Option<&Json>, counts: Option<&Json>) -> Vec<(Json, u64)> {
    let list = |v: Option<&Json>| v.and_then(Json::as_array).cloned().unwrap_or_default();
    list(values)
        .into_iter()
        .zip(list(counts))
        .map(|(v, n)| (v, n.as_u64().unwrap_or(0)))
        .collect()
}

/// Whether two values are the same; numbers by their value.
pub fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// The column with values that JSON can hold as they are given.
pub fn comparable(columns: Columns<'_>, column: &str) -> Result<Expr, String> {
    let (expr, kind) = columns.get(column)?;
    Ok(match kind {
        Kind::Date | Kind::Datetime | Kind::Time => {
            return Err(format!(
                "sets of {} are not looked at; use `between` or `in_set`",
                kind.word()
            ));
        }
        Kind::Other => return Err(format!("sets of {} are not looked at", kind.word())),
        _ => expr,
    })
}

fn wanted(columns: Columns<'_>, column: &str, values: &[Json]) -> Result<Vec<Json>, String> {
    for value in values {
        let _ = literal(column, columns, value)?;
    }
    Ok(values.iter().filter(|v| !v.is_null()).cloned().collect())
}

fn list(values: &[&Json]) -> String {
    let mut words: Vec<String> = values.iter().take(SHOWN).map(ToString::to_string).collect();
    if values.len() > SHOWN {
        words.push(format!("and {} more", values.len() - SHOWN));
    }
    words.join(", ")
}
