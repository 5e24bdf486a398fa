//! Locust: existing scripts, headless.
//!
//! Traps that are taken care of: its exit code mixes a single failed request, a broken script and a dead server; a run
//! that was stopped early ends with 0; its own percentiles are rounded to two digits and its CSV loses the last second. So
//! a listener of ours ([`report.py`](report.py)) counts in the same process, and its count must agree with Locust's.
//!
//! Not here: masters and workers. One process is one generator.

mod report;
mod run;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "locust",
    about: "Locust: load scripts in Python, judged by their numbers",
    actions: ACTIONS,
    program: Some("locust"),
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];
