//! Models: what their files hold.
//!
//! Not here: where models are registered (`mlflow`), and how good they are.

mod hash;
pub(in crate::actions) mod weights;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "model",
    about: "files of models: a hash of the weights themselves",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&hash::Hash];
