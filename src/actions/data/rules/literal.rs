//! Values of parameters as values of a column.

use std::collections::HashSet;

use polars::prelude::{DataType, Expr, NULL, lit};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};
use super::looking::asking;

/// The value as one of the column's.
///
/// # Errors
/// What is expected, when it is of another kind.
pub fn literal(column: &str, columns: Columns<'_>, value: &Json) -> Result<Expr, String> {
    let dtype = columns.dtype(column)?;
    let kind = Kind::of(dtype);
    let wrong = || {
        format!(
            "the column `{column}` holds {}, {value} is none of them",
            kind.word()
        )
    };
    Ok(match (kind, value) {
        (_, Json::Null) | (Kind::Null, _) => lit(NULL),
        (Kind::Integer | Kind::Float, Json::Number(n)) => number(n),
        (Kind::Float, Json::String(s)) if matches!(s.as_str(), "inf" | "-inf") => {
            lit(s.parse::<f64>().map_err(|_| wrong())?)
        }
        (Kind::Bool, Json::Bool(b)) => lit(*b),
        (Kind::Text, Json::String(s)) => lit(s.as_str()),
        (Kind::Date, Json::String(s)) => {
            let day = micros(s).ok_or_else(wrong)?.div_euclid(86_400_000_000);
            lit(day as i32).cast(DataType::Date)
        }
        (Kind::Datetime, Json::String(s)) => {
            let per_second = Columns::per_second(dtype).ok_or_else(wrong)?;
            let micros = i128::from(micros(s).ok_or_else(wrong)?);
            let units = micros * i128::from(per_second) / 1_000_000;
            lit(i64::try_from(units).map_err(|_| wrong())?).cast(dtype.clone())
        }
        _ => return Err(wrong()),
    })
}

/// Whether the column's value is among these; null where it is null.
pub fn among(column: &str, columns: Columns<'_>, values: &[Json]) -> Result<Expr, String> {
    let (expr, kind) = columns.get(column)?;
    let values: Vec<&Json> = values.iter().filter(|v| !v.is_null()).collect();
    for value in &values {
        let _ = literal(column, columns, value)?;
    }
    if values.is_empty() {
        return Ok(lit(false));
    }
    let texts = match kind {
        Kind::Integer if values.iter().all(|v| v.is_i64()) => {
            let all: HashSet<i64> = values.iter().filter_map(|v| v.as_i64()).collect();
            return Ok(asking(expr.cast(DataType::Int64), move |column| {
                let found = |value: Option<i64>| value.map(|value| all.contains(&value));
                Ok(column.i64()?.iter().map(found).collect())
            }));
        }
        Kind::Integer | Kind::Float => {
            // 0 and -0 are equal, their bits are not.
            let bits = |value: f64| (value + 0.0).to_bits();
            let all: HashSet<u64> = values.iter().filter_map(|v| v.as_f64()).map(bits).collect();
            return Ok(asking(expr.cast(DataType::Float64), move |column| {
                let found = |value: Option<f64>| value.map(|value| all.contains(&bits(value)));
                Ok(column.f64()?.iter().map(found).collect())
            }));
        }
        Kind::Text => values.iter().filter_map(|v| v.as_str()).map(str::to_owned),
        _ => {
            let mut any: Option<Expr> = None;
            for value in values {
                let one = expr.clone().eq(literal(column, columns, value)?);
                any = Some(match any {
                    None => one,
                    Some(any) => any.or(one),
                });
            }
            return Ok(any.unwrap_or_else(|| lit(false)));
        }
    };
    Ok(one_of(expr.cast(DataType::String), texts.collect()))
}

/// Whether each text is one of these; null where it is null. By a function of our own: `is_in` makes a stream of its
/// own of the scan, and streams that differ in speed are held in memory.
pub fn one_of(texts: Expr, all: HashSet<String>) -> Expr {
    // Of a few, comparing each is faster than finding one.
    let few: Option<Vec<String>> = (all.len() <= 8).then(|| all.iter().cloned().collect());
    asking(texts, move |column| {
        let held = |text: &str| match &few {
            Some(few) => few.iter().any(|one| one == text),
            None => all.contains(text),
        };
        Ok(column.str()?.iter().map(|text| text.map(held)).collect())
    })
}

fn number(n: &serde_json::Number) -> Expr {
    match n.as_i64() {
        Some(whole) => lit(whole),
        None => lit(n.as_f64().unwrap_or(f64::NAN)),
    }
}

/// Microseconds since 1970 of a date or a time; without an offset it is UTC.
pub fn micros(text: &str) -> Option<i64> {
    use jiff::civil::{Date, DateTime};
    use jiff::{Timestamp, tz::TimeZone};
    let civil = |t: DateTime| t.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    let stamp = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(civil))
        .or_else(|| {
            text.parse::<Date>()
                .ok()
                .and_then(|d| civil(d.to_datetime(jiff::civil::Time::midnight())))
        })?;
    Some(stamp.as_microsecond())
}
