//! Traffic between versions, measured by requests that say which version answered.
//!
//! What a route file or a canary's status says is configuration; where requests go is a fact. The answers of a sample
//! say it with an exact binomial interval. Requests that say no version are counted, never dropped, and make the step
//! inconclusive.
//!
//! Not here: what the configuration says (`istio`), and latency (`load`).

mod r#await;
mod probe;
mod split;
mod tally;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "traffic",
    about: "Traffic: which version answers, measured by requests",
    actions: &[&r#await::Await as &dyn DynAction, &split::Split],
    program: None,
};

/// Every action of the family reaches its endpoint and nothing else.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "traffic".to_owned(),
    }]
}
