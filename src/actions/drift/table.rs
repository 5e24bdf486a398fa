//! Tables as `drift` and `data.inject` read them: whole, as numbers and categories.

use polars::prelude::{DataFrame, DataType};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::{Class, Context, Failure};
use crate::stats::drift::frame::{Column, Frame};
use crate::tools::tables::{Format, Source, failure, open, unknown_column};

/// A table in a file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    pub path: String,
    /// How to read it; without it the name's ending decides.
    #[serde(default)]
    pub format: Option<Format>,
    /// CSV only: what stands between fields, one character; a comma unless the name ends with `.tsv`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// CSV only: texts that stand for a missing value, besides the empty field.
    #[serde(default)]
    pub null_values: Vec<String>,
}

/// A table in memory.
pub struct Loaded {
    /// For messages.
    pub name: String,
    pub data: DataFrame,
}

impl Table {
    /// The literal path, for capabilities; none when it is computed.
    pub fn path_in(params: &serde_json::Value, key: &str) -> String {
        params
            .get(key)
            .and_then(|t| t.get("path"))
            .and_then(serde_json::Value::as_str)
            .filter(|p| !p.contains("${{"))
            .unwrap_or("?")
            .to_owned()
    }

    /// Reads the whole table. Blocks.
    pub fn load(&self, cx: &Context) -> Result<Loaded, Failure> {
        let file = cx.tools.files.readable(&cx.base_dir, &self.path)?;
        let delimiter = match self.delimiter.as_deref().map(str::as_bytes) {
            None => None,
            Some(&[byte]) => Some(byte),
            Some(_) => {
                return Err(Failure::new(
                    Class::BadParameter,
                    "`delimiter` must be one ASCII character",
                ));
            }
        };
        let opened = open(&Source {
            files: vec![file],
            format: self.format.or_else(|| Format::of_ending(&self.path)),
            delimiter,
            header: true,
            null_values: self.null_values.clone(),
            parse_dates: true,
            ..Source::default()
        })?;
        let data = opened.frame.collect().map_err(|e| failure(&self.path, &e))?;
        Ok(Loaded {
            name: self.path.clone(),
            data,
        })
    }
}

impl Loaded {
    /// The names of the table's columns.
    pub fn columns(&self) -> Vec<&str> {
        self.data
            .get_column_names()
            .into_iter()
            .map(polars::prelude::PlSmallStr::as_str)
            .collect()
    }

    /// These columns as numbers and categories; those in `categorical` are categories though they hold numbers.
    pub fn frame(&self, columns: &[String], categorical: &[String]) -> Result<Frame, Failure> {
        let read = |name: &String| Ok((name.clone(), self.column(name, categorical.contains(name))?));
        Ok(Frame(columns.iter().map(read).collect::<Result<_, Failure>>()?))
    }

    fn column(&self, name: &str, categorical: bool) -> Result<Column, Failure> {
        let Ok(column) = self.data.column(name) else {
            return Err(unknown_column(name, &self.columns(), &self.name));
        };
        let dtype = column.dtype().clone();
        let failed = |e| failure(&format!("column `{name}` of {}", self.name), &e);
        let nested = matches!(
            dtype,
            DataType::List(_) | DataType::Struct(_) | DataType::Binary | DataType::Array(..)
        );
        if nested {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "column `{name}` of {} has the type {dtype}, which is neither a number nor a category",
                    self.name
                ),
            )
            .help(format!("leave it out: `exclude: [{name}]`")));
        }
        let numeric = dtype.is_primitive_numeric() || dtype.is_decimal() || dtype.is_temporal();
        let series = column.as_materialized_series();
        if numeric && !categorical {
            // Times are compared by their physical numbers.
            let numbers = series
                .to_physical_repr()
                .cast(&DataType::Float64)
                .map_err(failed)?;
            let values = numbers.f64().map_err(failed)?;
            return Ok(Column::Numeric(
                values.iter().map(|v| v.unwrap_or(f64::NAN)).collect(),
            ));
        }
        let text = series.cast(&DataType::String).map_err(failed)?;
        let values = text.str().map_err(failed)?;
        Ok(Column::of_names(values.iter()))
    }
}
