//! Prometheus, over its HTTP API: values, series, rules, alerts, targets.
//!
//! What the server leaves unsaid, the actions say, so that no spec goes green by it:
//!
//! - nothing matched is an empty list and not zero: inconclusive unless the spec allows it;
//! - `NaN` and infinities are text in its JSON, and no comparison with them means anything: never among the samples;
//! - a series whose source died keeps its last value for five minutes: `max_age` asks how old it is;
//! - "no alert" and "no such rule" look the same in the list of alerts: here an alert is asked of its rule;
//! - a part of the answer may be missing (a store behind Thanos is down): its warnings make the step inconclusive.
//!
//! Not here: whether a notification arrives (`alertmanager`), and what a good value is (checks say).

mod alerts;
mod client;
mod measured;
mod query;
mod range;
mod rules;
mod targets;
mod test_rules;
mod wire;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "prometheus",
    about: "Prometheus: values and series with their units, rules, alerts, targets",
    actions: &[
        &alerts::Alerts as &dyn DynAction,
        &query::Query,
        &range::Range,
        &rules::Rules,
        &targets::Targets,
        &test_rules::TestRules,
    ],
    program: None,
};

/// All but `test_rules` reach the endpoint and nothing else.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "prometheus".to_owned(),
    }]
}
