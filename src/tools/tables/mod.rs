//! Tables: CSV, Parquet, JSON lines and Arrow IPC files, scanned lazily by polars.
//!
//! Opening a table looks at the files first, because a reader that guesses is how an unread file becomes a pass: the
//! format must fit the bytes, column names must be unique, and a CSV file must split into more than one column when
//! its header shows another delimiter. Nothing here knows what is checked.

mod dictionary;
mod footer;
mod inspect;
mod open;
mod pages;
mod place;
mod prints;
mod scan;
mod statistics;

pub use open::{Format, Opened, Source, open, unknown_column};
pub use prints::{Counted, Prints, Room, print};
pub use scan::{collect, figures, json, number, row_number, rows};
pub use statistics::{Known, Statistics};

use std::path::PathBuf;

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
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    // What follows is advice for those who call polars, and an offset in the piece that was read.
    let advice = ["You might want", "Consider setting", "The current offset"];
    let mut lines = lines.take_while(|l| !advice.iter().any(|a| l.starts_with(a)));
    let first = lines.next().unwrap_or("polars gave no reason").to_owned();
    lines.take(6).fold(
        Failure::new(class, format!("reading {what}: {first}")),
        Failure::detail,
    )
}

/// The failure with the place in the files, where it can be found.
fn placed(failure: Failure, files: &[PathBuf], format: Format, delimiter: u8) -> Failure {
    if failure.class != Class::UnreadableAnswer {
        return failure;
    }
    match place::of(files, format, delimiter, &failure.message) {
        Some(place) => failure.detail(place),
        None => failure,
    }
}

#[cfg(test)]
mod tests;
