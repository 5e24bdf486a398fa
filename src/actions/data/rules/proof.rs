//! Checks that a file's own statistics or dictionaries decide, so that no row is read for them: the figures they would
//! have found.

use polars::prelude::Series;
use serde_json::{Value as Json, json};

use super::columns::Columns;
use crate::actions::data::rule::{Between, Check};
use crate::tools::tables::{Known, Statistics};

/// The largest whole number that a float holds exactly.
const EXACT: i64 = 1 << 53;

/// The figures of a check, in the order of its plan; none when rows have to be looked at.
#[must_use]
pub fn figures(check: &Check, columns: Columns<'_>, known: &Statistics) -> Option<Vec<Json>> {
    if check.condition.is_some() {
        return None;
    }
    let rows = known.rows;
    if check.row_count.is_some() || check.row_count_matches.is_some() {
        return Some(vec![json!(rows)]);
    }
    let of = |column: &str| columns.dtype(column).ok().and_then(|_| known.column(column));
    if let Some(rule) = &check.not_null {
        if columns.nan(&rule.column).is_some() {
            return None;
        }
        let nulls = of(&rule.column)?.nulls;
        return Some(vec![json!(rows), json!(rows), json!(nulls)]);
    }
    if let Some(rule) = &check.is_null {
        let nulls = of(&rule.column)?.nulls;
        return Some(vec![json!(rows), json!(rows), json!(rows.checked_sub(nulls)?)]);
    }
    if let Some(rule) = &check.null_fraction {
        if columns.nan(&rule.column).is_some() {
            return None;
        }
        let nulls = of(&rule.column)?.nulls;
        let share = if rows == 0 {
            Json::Null
        } else {
            json!(nulls as f64 / rows as f64)
        };
        return Some(vec![json!(rows), json!(rows.checked_sub(nulls)?), share]);
    }
    if let Some(rule) = &check.between {
        let found = of(&rule.column)?;
        let evaluated = rows.checked_sub(found.nulls)?;
        let inside = columns.whole(&rule.column) && holds(rule, found);
        // That all of a range lies inside is known; how many of its values lie outside is not.
        return inside.then(|| vec![json!(rows), json!(evaluated), json!(0)]);
    }
    let (rule, most) = match (&check.min, &check.max) {
        (Some(rule), _) => (rule, false),
        (None, Some(rule)) => (rule, true),
        (None, None) => return None,
    };
    let found = of(&rule.column)?;
    let (low, high) = found.values().filter(|_| columns.whole(&rule.column))?;
    let evaluated = rows.checked_sub(found.nulls)?;
    Some(vec![
        json!(rows),
        json!(evaluated),
        json!(if most { high } else { low }),
    ])
}

/// The figures of a check that holds or not by a value alone, when it holds for every value its column can have;
/// `values` gives those of a column, `compute` the figures of the same check over them. Where one of them fails it is
/// not known in how many rows it stands, if in any.
#[must_use]
pub fn by_values(
    check: &Check,
    known: &Statistics,
    values: impl FnOnce(&str) -> Option<Series>,
    compute: impl FnOnce(Series) -> Option<Vec<Json>>,
) -> Option<Vec<Json>> {
    let column = by_value(check)?;
    let evaluated = known.rows.checked_sub(known.column(column)?.nulls)?;
    let values = values(column)?;
    let all = values.len() as u64;
    let figures = compute(values)?;
    let [looked_at, failing] = [1, 2].map(|i| figures.get(i).and_then(Json::as_u64));
    // Of no value nothing is known; that is for a scan to say.
    let holds = all > 0 && looked_at == Some(all) && failing == Some(0);
    holds.then(|| vec![json!(known.rows), json!(evaluated), json!(0)])
}

/// The column of a check that holds or not by each of its values alone.
fn by_value(check: &Check) -> Option<&str> {
    if check.condition.is_some() {
        return None;
    }
    let values = [&check.in_set, &check.not_in_set].into_iter().flatten();
    let patterns = [&check.matches, &check.not_matches, &check.like, &check.not_like];
    let ranges = [&check.between, &check.length].into_iter().flatten();
    let columns = values
        .map(|rule| &rule.column)
        .chain(patterns.into_iter().flatten().map(|rule| &rule.column))
        .chain(ranges.map(|rule| &rule.column))
        .chain(check.format.as_ref().map(|rule| &rule.column))
        .chain(check.json_schema.as_ref().map(|rule| &rule.column));
    columns.map(String::as_str).next()
}

/// Whether all values of a column lie between the bounds.
fn holds(rule: &Between, known: Known) -> bool {
    let Some((least, most)) = known.values() else {
        return false;
    };
    let above = |bound: &Option<Json>| match bound {
        None => true,
        Some(bound) => {
            compare(least, bound).is_some_and(|order| order.is_gt() || (order.is_eq() && !rule.strict_min))
        }
    };
    let below = |bound: &Option<Json>| match bound {
        None => true,
        Some(bound) => {
            compare(most, bound).is_some_and(|order| order.is_lt() || (order.is_eq() && !rule.strict_max))
        }
    };
    above(&rule.min) && below(&rule.max)
}

/// A whole number against a bound; none where that is not exact.
fn compare(value: i64, bound: &Json) -> Option<std::cmp::Ordering> {
    if let Some(whole) = bound.as_i64() {
        return Some(value.cmp(&whole));
    }
    if value.checked_abs().is_none_or(|v| v >= EXACT) {
        return None;
    }
    (value as f64).partial_cmp(&bound.as_f64()?)
}
