//! Reports: what a run with every verdict looks like in each format, and that no text from outside steers one.

mod files;
pub mod hostile;
pub mod junit;
mod machine;
mod people;

use specrun::report::{Fold, Format, Options, Report, render};

use crate::support::events;

fn every_verdict() -> Report {
    Fold::all(&events::every_verdict())
}

fn text(format: Format, report: &Report) -> String {
    render(format, report, &Options::default()).unwrap()
}
