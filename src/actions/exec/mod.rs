//! Programs: whatever the platform's own tools can tell.

mod command;
mod run;

use crate::action::{DynAction, Family};

pub(in crate::actions) use command::{Line, Word, given_twice, printed, reach};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "exec",
    about: "programs: argv without a shell, exit code, outputs",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];
