//! Any HTTP service.

mod body;
mod load;
mod request;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "http",
    about: "any HTTP service: one request and its answer",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&request::Request];
