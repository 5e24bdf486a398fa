//! Tables: what their rows and columns must be, and tables changed on purpose.

mod inject;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "data",
    about: "tables in CSV, Parquet, JSON lines and Arrow files: quality, contracts, profiles, injected drift",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&inject::Inject];
