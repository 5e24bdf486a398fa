//! Suites of other tools, as checks.

mod expectation;
mod gx;

pub use gx::{Converted, great_expectations};
