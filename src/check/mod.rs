//! Verdicts, failures, and what a check found. Pure.

mod decide;
mod failure;
mod verdict;

pub use decide::{Confidence, decide};
pub use failure::{Class, Failure};
pub use verdict::{CheckOutcome, Evidence, Verdict};
