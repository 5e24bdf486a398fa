//! `data.profile`

use polars::prelude::{DataType, Expr, QuantileMethod, col, len, lit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::table::Table;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::tables::figures;

/// The quantiles of a profile.
const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Describes the columns of a table and writes the description as `profile.json`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table.
    table: Table,
    /// Columns of which only counts are told.
    #[serde(default)]
    hide: Vec<String>,
}

/// A description of a table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many rows it has.
    rows: u64,
    /// Its columns, in their order.
    columns: Vec<Column>,
    /// Where the description was written.
    file: String,
}

/// A description of a column.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Column {
    /// Its name.
    name: String,
    /// Its type, as polars names it.
    #[serde(rename = "type")]
    kind: String,
    /// How many values are null.
    nulls: u64,
    /// How many different values there are besides null.
    distinct: u64,
    /// The arithmetic mean, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// The standard deviation of a sample, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    stddev: Option<f64>,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// The values at 1%, 5%, 25%, 50%, 75%, 95% and 99%, of numbers; the nearest value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quantiles: Vec<f64>,
}

pub(super) struct Profile;

impl Action for Profile {
    const NAME: &'static str = "data.profile";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::table::reads(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let inner = cx.clone();
        super::aside(cx, "describing the table", move || describe(&params, &inner)).await
    }
}

fn describe(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let opened = params.table.open(cx)?;
    let mut wanted: Vec<Expr> = vec![len().cast(DataType::UInt64)];
    let mut starts = Vec::new();
    for (name, dtype) in opened.schema.iter() {
        starts.push(wanted.len());
        let column = col(name.as_str());
        wanted.push(column.clone().is_null().cast(DataType::UInt64).sum());
        if matches!(
            dtype,
            DataType::List(_) | DataType::Struct(_) | DataType::Array(..)
        ) {
            wanted.push(lit(0_u64));
        } else {
            wanted.push(column.clone().drop_nulls().n_unique().cast(DataType::UInt64));
        }
        if dtype.is_primitive_numeric() {
            let column = column.cast(DataType::Float64);
            wanted.extend([
                column.clone().mean(),
                column.clone().std(1),
                column.clone().min(),
                column.clone().max(),
            ]);
            wanted.extend(QUANTILES.map(|q| column.clone().quantile(lit(q), QuantileMethod::Nearest)));
        }
    }
    let values = figures(&opened, &wanted)?;
    let number = |i: usize| values.get(i).and_then(Json::as_f64);
    let whole = |i: usize| values.get(i).and_then(Json::as_u64).unwrap_or(0);
    let mut columns = Vec::new();
    for ((name, dtype), at) in opened.schema.iter().zip(starts) {
        let told = dtype.is_primitive_numeric() && !params.hide.iter().any(|h| h == name.as_str());
        let figure = |i: usize| if told { number(at + i) } else { None };
        columns.push(Column {
            name: name.to_string(),
            kind: dtype.to_string(),
            nulls: whole(at),
            distinct: whole(at + 1),
            mean: figure(2),
            stddev: figure(3),
            min: figure(4),
            max: figure(5),
            quantiles: (6..6 + QUANTILES.len()).filter_map(figure).collect(),
        });
    }
    let write = |e: std::io::Error| Failure::new(Class::Internal, format!("writing profile.json: {e}"));
    let path = cx.artifact("profile.json").map_err(write)?;
    let output = Output {
        rows: whole(0),
        columns,
        file: path.display().to_string(),
    };
    let text = serde_json::to_string_pretty(&output)
        .map_err(|e| Failure::new(Class::Internal, format!("writing profile.json: {e}")))?;
    std::fs::write(&path, text).map_err(write)?;
    Ok(output)
}
