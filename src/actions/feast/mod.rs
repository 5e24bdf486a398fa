//! Feast: online features over the HTTP feature server, offline ones from their sources, and both compared.
//!
//! Written against Feast 0.67. Traps of the server that the actions take care of, so that no spec has to know them:
//!
//! - columns come in any order: values are mapped by name, never by position;
//! - entity columns carry the year 1970 as their time: it is dropped;
//! - a row older than its ttl is PRESENT with every store but few: its age is computed here;
//! - a stored null is PRESENT, an absent row is `NOT_FOUND` with null: they are told apart here;
//! - while a view is materialized the server answers 500 for it: `unavailable` here;
//! - an unknown feature is a 500, an unknown view a 404 whose body is JSON in a JSON string: both are `not_found` here;
//! - there is no call for offline values: file sources are joined here, point in time, other stores through the
//!   project's own Python ([`bridge`]).
//!
//! Not here: what a feature should be (checks say), and training sets (`data` reads what Feast wrote).

mod bridge;
mod client;
mod compare;
mod entities;
mod join;
mod materialize;
mod offline;
mod online;
mod push;
mod refusal;
mod sources;
mod tally;
mod when;
mod wire;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "feast",
    about: "Feast: features online and offline, and whether they agree",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &compare::Compare,
    &materialize::Materialize,
    &offline::Offline,
    &online::Online,
    &push::Push,
];

/// Every action of the family reaches its endpoint; the sources and the bridge are the environment's own.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "feast".to_owned(),
    }]
}
