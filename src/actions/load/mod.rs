//! Load on HTTP services, with honest numbers: `load.run`.
//!
//! Here are the parameters and outputs and what is made of a finished load; the generator is `tools::load`, the verdicts
//! are those of every check (`check::decide`).

mod asked;
mod drive;
mod extend;
mod figures;
mod keep;
mod outputs;
mod params;
mod pods;
mod prepare;
mod run;
mod saturation;
mod validate;

use std::io::{BufRead, Write};

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "load",
    about: "load on an HTTP service: open, closed or in a burst, latency counted from the intended time",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];

/// A worker process of a load; see `tools::load`.
///
/// # Errors
/// When whoever started it is gone.
pub fn serve(input: impl BufRead + Send + 'static, output: impl Write) -> std::io::Result<()> {
    crate::tools::load::serve(input, output, prepare::judge)
}
