//! Values of parameters as values of a column.

use polars::prelude::{DataType, Expr, LiteralValue, NULL, NamedFrom, Series, lit};
use serde_json::Value as Json;

use super::columns::{Columns, Kind};

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
    let list = match kind {
        Kind::Integer if values.iter().all(|v| v.is_i64()) => {
            let all: Vec<i64> = values.iter().filter_map(|v| v.as_i64()).collect();
            return Ok(expr
                .cast(DataType::Int64)
                .is_in(listed(Series::new("".into(), all)), false));
        }
        Kind::Integer | Kind::Float => {
            let all: Vec<f64> = values.iter().filter_map(|v| v.as_f64()).collect();
            return Ok(expr
                .cast(DataType::Float64)
                .is_in(listed(Series::new("".into(), all)), false));
        }
        Kind::Text => {
            let all: Vec<&str> = values.iter().filter_map(|v| v.as_str()).collect();
            Series::new("".into(), all)
        }
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
    Ok(expr.cast(DataType::String).is_in(listed(list), false))
}

pub fn listed(series: Series) -> Expr {
    let literal: LiteralValue = LiteralValue::Series(polars::prelude::SpecialEq::new(series));
    Expr::Literal(literal).implode(true)
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
