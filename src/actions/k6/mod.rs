//! k6: existing scripts.
//!
//! Traps that are taken care of: in the exported summary a threshold that is `true` is one that was crossed; the "passes"
//! of `http_req_failed` are failures; a threshold on a metric without any sample is kept; a refused connection has a
//! duration of 0 ms; iterations that were dropped because all virtual users were busy change no exit code. So every
//! request is read from k6's own CSV, and thresholds on percentiles and rates are tested with a confidence.
//!
//! Not here: k6 on several machines (each would judge for itself), and protocols other than HTTP.

mod csv;
mod requests;
mod run;
mod summary;
mod threshold;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "k6",
    about: "k6: load scripts in JavaScript, judged by their numbers",
    actions: ACTIONS,
    program: Some("k6"),
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];
