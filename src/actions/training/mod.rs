//! Training runs: whether they do the same twice.
//!
//! Not here: how a model is trained (the program does), and what its files hold (`model`).

mod collect;
mod judge;
mod twice;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "training",
    about: "training runs: whether the same parameters and seed give the same weights",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&twice::Twice];
