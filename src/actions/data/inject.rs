//! `data.inject`

use std::fs::File;
use std::path::Path;

use polars::prelude::{
    Column as TableColumn, CsvWriter, DataFrame, DataType, IdxCa, IdxSize, IpcWriter, JsonFormat, JsonWriter,
    NewChunkedArray, ParquetWriter, PolarsResult, SerWriter, Series, StringChunked,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::table::Table;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::drift::aside;
use crate::actions::drift::change::{self, Change, Measured, refused};
use crate::actions::drift::table::{load, reads};
use crate::stats::drift::frame::{Column, MISSING};
use crate::stats::drift::inject::{Injected, Kind, inject};
use crate::tools::Capability;
use crate::tools::tables::{Format, failure};
use crate::value::Ratio;

/// Writes a copy of a table with drift put in: for asking whether a detector, an alert or a retraining notices. The
/// same seed gives the same table. What was really reached is measured on the result.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table.
    table: Table,
    /// The column that is changed, or by which rows are drawn.
    column: String,
    /// How it is changed.
    kind: Kind,
    /// How much, in the unit of the kind: standard deviations, a factor, a share, rows.
    magnitude: f64,
    /// For kinds that change numbers: the share of rows that are changed.
    #[serde(default)]
    fraction: Option<Ratio>,
    /// For `unit_change`: what is added after the multiplication.
    #[serde(default)]
    offset: Option<f64>,
    /// For `missing` and `concept_flip`: the column that says in which rows.
    #[serde(default)]
    by: Option<String>,
    /// The name of the file in the step's artifacts; the table's own without it. Its ending decides the format.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"))]
    to: Option<String>,
    /// The seed of everything random; from the run's seed without it.
    #[serde(default)]
    seed: Option<u64>,
}

/// The changed table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The file.
    path: String,
    /// Its rows.
    rows: usize,
    /// How many rows differ from before: changed values, appended rows, or all rows where they were drawn again.
    changed: usize,
    /// What was asked for.
    requested: f64,
    /// What was reached, in the same unit, measured on the result; nothing where the kind has no such measure.
    achieved: Option<f64>,
    /// How far the column is from what it was.
    effect: Measured,
}

pub(super) struct Inject;

impl Action for Inject {
    const NAME: &'static str = "data.inject";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        vec![reads(params, "table")]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let magnitude: Vec<(&str, &Json)> = params
            .get("magnitude")
            .map(|m| ("/magnitude", m))
            .into_iter()
            .collect();
        change::problems(params, "", &magnitude)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!("changing `{}`", params.table.path());
        aside(cx, &what, move |cx| changed(&params, cx)).await
    }
}

fn changed(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let change = Change {
        column: params.column.clone(),
        kind: params.kind,
        fraction: params.fraction,
        offset: params.offset,
        by: params.by.clone(),
    };
    let name = match &params.to {
        Some(name) => name.clone(),
        None => Path::new(params.table.path()).file_name().map_or_else(
            || "table.parquet".to_owned(),
            |n| n.to_string_lossy().into_owned(),
        ),
    };
    let format = Format::of_ending(&name).ok_or_else(|| {
        Failure::new(
            Class::BadParameter,
            format!("the ending of `{name}` says no format to write"),
        )
        .help("give `to:` a name that ends with .csv, .parquet, .ndjson or .arrow")
    })?;
    let loaded = load(&params.table, cx)?;
    let frame = loaded.frame(&change.columns(), &[])?;
    let mut rng = StdRng::seed_from_u64(params.seed.unwrap_or(cx.seed));
    let done =
        inject(&frame, &change.of(params.magnitude), &mut rng).map_err(|e| refused(&params.column, &e))?;
    let mut data = applied(loaded.data, &params.column, &done).map_err(|e| failure(&loaded.name, &e))?;
    // Other steps read it from the folder of their spec.
    let path = cx
        .artifact(&name)
        .and_then(std::path::absolute)
        .map_err(|e| unwritten(&name, &e))?;
    write(&mut data, &path, format).map_err(|e| unwritten(&name, &e))?;
    Ok(Output {
        path: path.display().to_string(),
        rows: data.height(),
        changed: done.changed,
        requested: params.magnitude,
        achieved: done.achieved,
        effect: done.effect.into(),
    })
}

/// The table with the changed rows or the changed column. The column keeps its type where the new values fit it.
fn applied(mut data: DataFrame, name: &str, done: &Injected) -> PolarsResult<DataFrame> {
    if let Some(rows) = &done.rows {
        let places: Vec<IdxSize> = rows.iter().map(|r| *r as IdxSize).collect();
        data = data.take(&IdxCa::from_vec("rows".into(), places))?;
    }
    if let Some(column) = &done.column {
        let dtype = data.column(name)?.dtype().clone();
        data.with_column(TableColumn::from(series(name, column, &dtype)?))?;
    }
    Ok(data)
}

fn series(name: &str, column: &Column, dtype: &DataType) -> PolarsResult<Series> {
    match column {
        Column::Numeric(values) => {
            let whole = values.iter().all(|v| !v.is_finite() || v.fract() == 0.0);
            let options = values.iter().map(|v| (!v.is_nan()).then_some(*v));
            let numbers = options.collect::<Series>().with_name(name.into());
            if dtype.is_temporal() {
                // The numbers are the physical ones of the type: days, microseconds.
                let rounded: Series = values
                    .iter()
                    .map(|v| v.is_finite().then_some(v.round() as i64))
                    .collect();
                return rounded
                    .cast(&dtype.to_physical())?
                    .cast(dtype)
                    .map(|s| s.with_name(name.into()));
            }
            if dtype.is_float() || (dtype.is_integer() && whole) {
                return numbers.strict_cast(dtype);
            }
            Ok(numbers)
        }
        Column::Categorical { codes, names } => {
            let texts = codes
                .iter()
                .map(|c| (*c != MISSING).then(|| names[*c as usize].as_str()));
            let texts = StringChunked::from_iter_options(name.into(), texts);
            let series = Series::from(texts);
            if *dtype == DataType::Boolean {
                // A new category does not fit a truth value; then the column becomes text.
                return Ok(series.strict_cast(dtype).unwrap_or(series));
            }
            Ok(series)
        }
    }
}

fn write(data: &mut DataFrame, path: &Path, format: Format) -> PolarsResult<()> {
    let file = File::create(path)?;
    match format {
        Format::Csv => {
            let tab = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("tsv"));
            let separator = if tab { b'\t' } else { b',' };
            CsvWriter::new(file).with_separator(separator).finish(data)
        }
        Format::Parquet => ParquetWriter::new(file).finish(data).map(|_| ()),
        Format::Ndjson => JsonWriter::new(file)
            .with_json_format(JsonFormat::JsonLines)
            .finish(data),
        Format::Ipc => IpcWriter::new(file).finish(data),
    }
}

fn unwritten(name: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Class::Internal, format!("writing `{name}`: {error}"))
}
