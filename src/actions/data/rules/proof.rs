//! Checks that a file's own statistics decide, so that no row is read for them: the figures they would have found.

use polars::prelude::DataType;
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
        let nulls = of(&rule.column)?.nulls;
        return Some(vec![json!(rows), json!(rows), json!(nulls)]);
    }
    if let Some(rule) = &check.is_null {
        let nulls = of(&rule.column)?.nulls;
        return Some(vec![json!(rows), json!(rows), json!(rows.checked_sub(nulls)?)]);
    }
    if let Some(rule) = &check.null_fraction {
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
        let inside = whole(columns, &rule.column) && holds(rule, found);
        // That all of a range lies inside is known; how many of its values lie outside is not.
        return inside.then(|| vec![json!(rows), json!(evaluated), json!(0)]);
    }
    let (rule, most) = match (&check.min, &check.max) {
        (Some(rule), _) => (rule, false),
        (None, Some(rule)) => (rule, true),
        (None, None) => return None,
    };
    let found = of(&rule.column)?;
    let (low, high) = found.values().filter(|_| whole(columns, &rule.column))?;
    let evaluated = rows.checked_sub(found.nulls)?;
    Some(vec![
        json!(rows),
        json!(evaluated),
        json!(if most { high } else { low }),
    ])
}

/// Whether a column holds whole numbers as numbers; the numbers of dates are days.
fn whole(columns: Columns<'_>, column: &str) -> bool {
    columns
        .dtype(column)
        .is_ok_and(|dtype| dtype.is_integer() && *dtype != DataType::UInt64)
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
