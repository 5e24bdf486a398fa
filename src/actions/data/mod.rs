//! Tables: what their rows and columns must be.
//!
//! A table is read once for all its checks. What cannot be looked at is never a pass: a column that does not exist is
//! an error, and a check that found no row to look at is inconclusive.

mod check;
mod contract;
mod inject;
mod object;
pub(in crate::actions) mod profile;
mod rule;
pub mod rules;
mod run;
pub mod suite;
pub(in crate::actions) mod table;

use crate::action::{Context, DynAction, Failure, Family};

pub use rule::Check;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "data",
    about: "tables in CSV, Parquet, JSON lines and Arrow files: quality, contracts, profiles, injected drift",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &check::DataCheck,
    &contract::Contract,
    &inject::Inject,
    &profile::Profile,
];

/// Reads tables away from the threads that wait for networks; ends waiting when the run stops or the step's time is
/// over.
async fn aside<T: Send + 'static>(
    cx: &Context,
    what: &str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    cx.aside(what, work).await
}
