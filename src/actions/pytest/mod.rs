//! Test suites that exist already: run as they are, each test a check of the spec.
//!
//! Not here: what a suite needs to run (the environment's programs say).

mod junit;
mod run;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "pytest",
    about: "test suites that exist already: each test becomes a check",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&run::Run];
