//! Tables: CSV, Parquet, JSON lines and Arrow IPC files, scanned lazily by polars.
//!
//! Opening a table looks at the files first, because a reader that guesses is how an unread file becomes a pass: the
//! format must fit the bytes, column names must be unique, and a CSV file must split into more than one column when
//! its header shows another delimiter. Nothing here knows what is checked.

mod inspect;
mod open;
mod scan;
mod statistics;

pub use open::{Format, Opened, Source, open, unknown_column};
pub use scan::{collect, figures, json, rows};
pub use statistics::{Known, Statistics};

use crate::check::{Class, Failure};
use polars::error::PolarsError;

/// What polars said, as a classed failure that names what was read.
#[must_use]
pub fn failure(what: &str, error: &PolarsError) -> Failure {
    let class = match error {
        PolarsError::ColumnNotFound(_) | PolarsError::InvalidOperation(_) => Class::BadParameter,
        PolarsError::IO { .. } => Class::Missing,
        _ => Class::UnreadableAnswer,
    };
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let first = lines.next().unwrap_or("polars gave no reason").to_owned();
    lines.take(6).fold(
        Failure::new(class, format!("reading {what}: {first}")),
        Failure::detail,
    )
}

#[cfg(test)]
mod tests;
