//! The columns of a table by name, and what kind of values they hold.

use polars::prelude::{DataType, Expr, PlSmallStr, Schema, TimeUnit, col};

use crate::tools::tables::Room;

/// The columns of a table.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    pub schema: &'a Schema,
    /// Where one check may put what memory should not hold.
    pub room: &'a Room,
}

/// What kind of values a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Integer,
    Float,
    Text,
    Bool,
    Date,
    Datetime,
    Time,
    /// Nothing but nulls is known of it.
    Null,
    Other,
}

impl<'a> Columns<'a> {
    /// The column with its kind.
    pub(super) fn get(self, name: &str) -> Result<(Expr, Kind), String> {
        Ok((col(name), Kind::of(self.dtype(name)?)))
    }

    pub(super) fn dtype(self, name: &str) -> Result<&'a DataType, String> {
        self.schema.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.schema.iter_names().map(PlSmallStr::as_str).collect();
            let nearest = crate::diag::did_you_mean(name, known);
            let help = nearest.map_or_else(String::new, |help| format!("; {help}"));
            format!("the table has no column `{name}`{help}")
        })
    }

    /// Whether it is a column of whole numbers that are numbers to 64 bits with a sign.
    pub(super) fn whole(self, name: &str) -> bool {
        self.dtype(name)
            .is_ok_and(|dtype| dtype.is_integer() && *dtype != DataType::UInt64)
    }

    /// Where a column of floats has NaN, which polars takes for a value larger than every other; none of another column.
    pub(super) fn nan(self, name: &str) -> Option<Expr> {
        let floats = self.dtype(name).is_ok_and(DataType::is_float);
        floats.then(|| col(name).is_nan())
    }

    /// A column of numbers.
    pub(super) fn number(self, name: &str) -> Result<Expr, String> {
        let (expr, kind) = self.get(name)?;
        match kind {
            Kind::Integer | Kind::Float => Ok(expr),
            Kind::Bool => Ok(expr.cast(DataType::Int64)),
            Kind::Null => Ok(expr.cast(DataType::Float64)),
            _ => Err(format!("the column `{name}` holds {}, not numbers", kind.word())),
        }
    }

    /// A column as text, as patterns see it.
    pub(super) fn text(self, name: &str) -> Result<Expr, String> {
        let (expr, kind) = self.get(name)?;
        match kind {
            Kind::Text => Ok(expr),
            Kind::Other => Err(format!(
                "the column `{name}` holds {}, which have no text",
                kind.word()
            )),
            _ => Ok(expr.cast(DataType::String)),
        }
    }

    /// How many units of a column of times a second has.
    pub(super) fn per_second(dtype: &DataType) -> Option<i64> {
        match dtype {
            DataType::Datetime(TimeUnit::Nanoseconds, _) => Some(1_000_000_000),
            DataType::Datetime(TimeUnit::Microseconds, _) => Some(1_000_000),
            DataType::Datetime(TimeUnit::Milliseconds, _) => Some(1000),
            _ => None,
        }
    }
}

impl Kind {
    pub(super) fn of(dtype: &DataType) -> Self {
        match dtype {
            DataType::Null => Self::Null,
            DataType::String | DataType::Categorical(..) | DataType::Enum(..) => Self::Text,
            DataType::Boolean => Self::Bool,
            DataType::Date => Self::Date,
            DataType::Datetime(..) => Self::Datetime,
            DataType::Time => Self::Time,
            d if d.is_integer() => Self::Integer,
            d if d.is_primitive_numeric() || matches!(d, DataType::Decimal(..)) => Self::Float,
            _ => Self::Other,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Integer => "whole numbers",
            Self::Float => "numbers",
            Self::Text => "texts",
            Self::Bool => "truth values",
            Self::Date => "dates",
            Self::Datetime => "times",
            Self::Time => "times of day",
            Self::Null => "nothing but nulls",
            Self::Other => "nested values",
        }
    }
}
