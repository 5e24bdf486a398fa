//! Alertmanager, over its HTTP API (version 2): which alerts it has, whether one arrives and goes, and sending one.
//!
//! Traps that the actions take care of, so that no spec has to know them:
//!
//! - a resolved alert is dropped from the list: "cleared" is absent after it had been there, and not since a restart;
//! - an alert that is silenced or inhibited is in the list and notifies nobody: told apart from an active one;
//! - an alert of an earlier incident looks like the one that is waited for: `since` tells them apart.
//!
//! Not here: what raises alerts (`prometheus`), and what receivers do with them (ask the receiver).

mod alerts;
mod r#await;
mod client;
mod outputs;
mod send;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "alertmanager",
    about: "Alertmanager: alerts that arrive, are suppressed, and clear",
    actions: &[&alerts::Alerts as &dyn DynAction, &r#await::Await, &send::Send],
    program: None,
};

/// Every action of the family reaches its endpoint and nothing else.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "alertmanager".to_owned(),
    }]
}
