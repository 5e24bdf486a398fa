//! Tables as `drift` and `data.inject` read them: whole, as numbers and categories.

use crate::action::{Class, Context, Failure};
use crate::actions::data::table::{Table, reach};
use crate::stats::drift::frame::{Column, Frame};
use crate::tools::Capability;
use crate::tools::tables::{Opened, failure, unknown_column};
use polars::prelude::{DataFrame, DataType};

/// A table in memory.
pub struct Loaded {
    /// For messages.
    pub name: String,
    pub data: DataFrame,
}

/// Reads a whole table. Blocks.
pub fn load(table: &Table, cx: &Context) -> Result<Loaded, Failure> {
    let opened = table.open(cx)?;
    Ok(Loaded {
        data: opened.collect(opened.frame.clone())?,
        name: opened.name,
    })
}

/// Reads one column of a table that is open. Blocks.
pub fn only(opened: &Opened, column: &str) -> Result<Loaded, Failure> {
    let frame = opened.frame.clone().select([polars::prelude::col(column)]);
    Ok(Loaded {
        data: opened.collect(frame)?,
        name: opened.name.clone(),
    })
}

/// Whether a column holds neither numbers nor categories.
pub fn nested(data: &DataFrame, column: &str) -> bool {
    data.column(column).is_ok_and(|c| is_nested(c.dtype()))
}

const fn is_nested(dtype: &DataType) -> bool {
    matches!(
        dtype,
        DataType::List(_) | DataType::Struct(_) | DataType::Binary | DataType::Array(..)
    )
}

/// What reading the table under this key needs, as far as its path is known before the run.
pub fn reads(params: &serde_json::Value, key: &str) -> Capability {
    let path = params.get(key).and_then(|t| t.get("path"));
    reach(path.and_then(serde_json::Value::as_str).unwrap_or("?"))
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

    /// The type of a column, as polars names it.
    pub fn kind(&self, column: &str) -> Option<String> {
        self.data.column(column).ok().map(|c| c.dtype().to_string())
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
        if is_nested(&dtype) {
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
