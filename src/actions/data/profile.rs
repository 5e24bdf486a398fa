//! `data.profile`

mod stored;

pub use stored::{Distribution, FORMAT, Stored};

use polars::prelude::{DataType, Expr, QuantileMethod, col, len, lit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use stored::StoredColumn;

use super::table::Table;
use crate::action::{Action, Class, Context, Failure};
use crate::actions::drift::{plot, table as rows};
use crate::tools::Capability;
use crate::tools::tables::{Opened, figures};

/// The quantiles of a profile.
const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Describes the columns of a table and writes the description as `profile.json`. With the distributions in that file it
/// can stand for the table as the reference of `drift.detect`, so that CI need not read the table again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table.
    table: Table,
    /// Columns of which only counts are told.
    #[serde(default)]
    hide: Vec<String>,
    /// Columns of numbers that are codes of categories.
    #[serde(default)]
    categorical: Vec<String>,
    /// Whether the distributions are drawn.
    #[serde(default = "yes")]
    plots: bool,
    /// A second place for the file, relative to the spec's folder; it is written whole or not at all.
    #[serde(default)]
    save: Option<String>,
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
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// The standard deviation of a sample, of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stddev: Option<f64>,
    /// The smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// The values at 1%, 5%, 25%, 50%, 75%, 95% and 99%, of numbers; the nearest value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quantiles: Vec<f64>,
    /// The picture of its distribution, an SVG file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plot: Option<String>,
    /// The same picture as data: shares of bins or categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bars: Option<plot::Bars>,
}

impl Column {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }
}

pub(super) struct Profile;

impl Action for Profile {
    const NAME: &'static str = "data.profile";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = super::table::reads(params);
        if let Some(path) = params.get("save").and_then(Json::as_str) {
            let path = if path.contains("${{") { "?" } else { path };
            all.push(Capability::Write {
                path: path.to_owned(),
            });
        }
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let inner = cx.clone();
        super::aside(cx, "describing the table", move || describe(&params, &inner)).await
    }
}

fn describe(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let opened = params.table.open(cx)?;
    let known: Vec<&str> = opened
        .schema
        .iter_names()
        .map(polars::prelude::PlSmallStr::as_str)
        .collect();
    if let Some(name) = params
        .hide
        .iter()
        .chain(&params.categorical)
        .find(|n| !known.contains(&n.as_str()))
    {
        return Err(crate::tools::tables::unknown_column(name, &known, &opened.name));
    }
    let (rows, mut columns) = counted(&opened, &params.hide)?;
    let mut stored = Vec::with_capacity(columns.len());
    for (number, column) in columns.iter_mut().enumerate() {
        let distribution = distribution(&opened, column, params, cx)?;
        if params.plots
            && let Ok(side) = distribution.side()
            && let Some((bars, svg)) = plot::alone(&column.name, &side)
        {
            column.plot = Some(plot::keep(cx, &format!("{number:03}-{}", column.name), &svg)?);
            column.bars = Some(bars);
        }
        stored.push(StoredColumn {
            about: Column {
                plot: None,
                bars: None,
                ..column.clone()
            },
            distribution,
        });
    }
    let failed =
        |e: &dyn std::fmt::Display| Failure::new(Class::Internal, format!("writing profile.json: {e}"));
    let text = serde_json::to_string_pretty(&Stored {
        specrun_profile: FORMAT,
        table: opened.name.clone(),
        rows,
        columns: stored,
    })
    .map_err(|e| failed(&e))?;
    let path = cx.artifact("profile.json").map_err(|e| failed(&e))?;
    std::fs::write(&path, &text).map_err(|e| failed(&e))?;
    // Steps name files relative to their spec, not to where the program was started.
    let path = std::path::absolute(&path).map_err(|e| failed(&e))?;
    if let Some(save) = &params.save {
        cx.tools.files.write(&cx.base_dir, save, text.as_bytes())?;
    }
    Ok(Output {
        rows,
        columns,
        file: path.display().to_string(),
    })
}

/// What of a column's values is kept; each column is read alone, since it has to be sorted.
fn distribution(
    opened: &Opened,
    column: &Column,
    params: &Params,
    cx: &Context,
) -> Result<Distribution, Failure> {
    if params.hide.contains(&column.name) {
        return Ok(Distribution::none("it is hidden"));
    }
    if cx.cancel.is_cancelled() {
        return Err(Failure::new(
            Class::Cancelled,
            "describing the table: the run was stopped",
        ));
    }
    let one = rows::only(opened, &column.name)?;
    if rows::nested(&one.data, &column.name) {
        return Ok(Distribution::none(format!("its type is {}", column.kind)));
    }
    let frame = one.frame(std::slice::from_ref(&column.name), &params.categorical)?;
    let side = frame
        .get(&column.name)
        .map(crate::stats::drift::frame::Column::side);
    Ok(side.map_or_else(
        || Distribution::none("it was not read"),
        |side| Distribution::of(&side),
    ))
}

/// The table's rows and the figures of each column, in one scan.
fn counted(opened: &Opened, hide: &[String]) -> Result<(u64, Vec<Column>), Failure> {
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
    let values = figures(opened, &wanted)?;
    let number = |i: usize| values.get(i).and_then(Json::as_f64);
    let whole = |i: usize| values.get(i).and_then(Json::as_u64).unwrap_or(0);
    let mut columns = Vec::new();
    for ((name, dtype), at) in opened.schema.iter().zip(starts) {
        let told = dtype.is_primitive_numeric() && !hide.iter().any(|h| h == name.as_str());
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
            plot: None,
            bars: None,
        });
    }
    Ok((whole(0), columns))
}

const fn yes() -> bool {
    true
}
