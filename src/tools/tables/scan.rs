//! Reading a table: many figures from one scan, and a few of its rows.

use polars::prelude::{AnyValue, DataFrame, Engine, Expr, LazyFrame, col};
use serde_json::{Map, Value as Json};

use super::footer::guarded;
use super::{Format, Opened, failure, placed};
use crate::check::{Class, Failure};

/// A name no column has.
const ROW_NUMBER: &str = "\u{1}row number";

/// The number of each row from 0, for expressions of [`figures`].
pub fn row_number() -> Expr {
    col(ROW_NUMBER)
}

/// Evaluates all expressions, each a single value, in one scan of the table. Blocks.
///
/// # Errors
/// Classed, with the table's name.
pub fn figures(opened: &Opened, wanted: &[Expr]) -> Result<Vec<Json>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let named: Vec<Expr> = wanted
        .iter()
        .enumerate()
        .map(|(i, e)| e.clone().alias(format!("f{i}")))
        .collect();
    let numbered = |expr: &Expr| matches!(expr, Expr::Column(name) if name == ROW_NUMBER);
    let mut frame = opened.frame.clone();
    if wanted.iter().any(|wanted| wanted.into_iter().any(numbered)) {
        frame = frame.with_row_index(ROW_NUMBER, None);
    }
    let frame = opened.collect(frame.select(named))?;
    if frame.height() != 1 || frame.width() != wanted.len() {
        let why = format!(
            "the figures of {} have the shape {:?}, wanted was one row of {}",
            opened.name,
            frame.shape(),
            wanted.len()
        );
        return Err(Failure::new(Class::Internal, why));
    }
    frame
        .columns()
        .iter()
        .map(|c| c.get(0).map(|v| json(&v)).map_err(|e| failure(&opened.name, &e)))
        .collect()
}

/// The first rows, at most `limit`, of those in `among` for which `is` holds, with their number from 0 as `row`. Blocks.
///
/// # Errors
/// Classed, with the table's name.
pub fn rows(
    opened: &Opened,
    among: Option<&Expr>,
    is: &Expr,
    limit: u32,
) -> Result<Vec<Map<String, Json>>, Failure> {
    let mut frame = opened.frame.clone();
    if !opened.schema.contains("row") {
        frame = frame.with_row_index("row", None);
    }
    if let Some(among) = among {
        frame = frame.filter(among.clone());
    }
    let found = opened.collect(frame.filter(is.clone()).limit(limit))?;
    let mut all = Vec::with_capacity(found.height());
    for row in 0..found.height() {
        let mut object = Map::new();
        for column in found.columns() {
            let value = column.get(row).map_err(|e| failure(&opened.name, &e))?;
            object.insert(column.name().to_string(), json(&value));
        }
        all.push(object);
    }
    Ok(all)
}

impl Opened {
    /// Runs a query over this table in pieces, so that memory does not grow with it.
    ///
    /// # Errors
    /// Classed, with the table's name and the place.
    pub fn collect(&self, query: LazyFrame) -> Result<DataFrame, Failure> {
        let Some(format) = self.format else {
            return collect(query, &self.name);
        };
        let collected = match format {
            // Their readers believe what a file says of itself; those of text are asked to find mistakes.
            Format::Parquet | Format::Ipc => guarded(&self.name, || collect(query, &self.name)),
            Format::Csv | Format::Ndjson => collect(query, &self.name),
        };
        collected.map_err(|failure| placed(failure, &self.files, format, self.delimiter))
    }
}

/// Runs a query in pieces.
///
/// # Errors
/// Classed, with the table's name.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the type of the result has no name outside of polars"
)]
pub fn collect(query: LazyFrame, name: &str) -> Result<DataFrame, Failure> {
    query
        .collect_with_engine(Engine::Streaming)
        .map(|result| result.unwrap_single())
        .map_err(|e| failure(name, &e))
}

/// A value as JSON: numbers that JSON has not are text, times are written as polars shows them.
#[must_use]
pub fn json(value: &AnyValue<'_>) -> Json {
    match value {
        AnyValue::Null => Json::Null,
        AnyValue::Boolean(b) => Json::from(*b),
        AnyValue::String(s) => Json::from(*s),
        AnyValue::StringOwned(s) => Json::from(s.as_str()),
        AnyValue::Int8(n) => Json::from(*n),
        AnyValue::Int16(n) => Json::from(*n),
        AnyValue::Int32(n) => Json::from(*n),
        AnyValue::Int64(n) => Json::from(*n),
        AnyValue::UInt8(n) => Json::from(*n),
        AnyValue::UInt16(n) => Json::from(*n),
        AnyValue::UInt32(n) => Json::from(*n),
        AnyValue::UInt64(n) => Json::from(*n),
        AnyValue::Float32(n) => number(f64::from(*n)),
        AnyValue::Float64(n) => number(*n),
        AnyValue::List(series) => Json::Array(series.iter().map(|v| json(&v)).collect()),
        other => Json::from(other.to_string().trim_matches('"')),
    }
}

/// A number as JSON; one that JSON has not is text.
#[must_use]
pub fn number(n: f64) -> Json {
    serde_json::Number::from_f64(n).map_or_else(|| Json::from(n.to_string()), Json::Number)
}
