//! Load on HTTP services, with honest numbers: `load.run`.
//!
//! Here are the parameters and outputs and what is made of a finished load; the generator is `tools::load`, the verdicts
//! are those of every check (`check::decide`).

mod asked;
mod outputs;
mod params;
mod run;
mod validate;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "load",
    about: "load on an HTTP service: open, closed or in a burst, latency counted from the intended time",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];
