//! Costs: what a piece of work cost, and what it would have cost otherwise.
//!
//! Three sources: OpenCost's (or Kubecost's) allocations, the billing exports of clouds (AWS CUR 2.0 and 1, FOCUS), and a
//! table of rates times measured hours. None of them says what something would have cost on demand unless it is asked
//! to: the baseline is always named by the spec, and what is not recorded is absent rather than zero.
//!
//! Money keeps its currency; amounts of different currencies are never added.

mod allocation;
mod bill;
mod rates;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "cost",
    about: "costs: OpenCost allocations, billing exports (AWS CUR, FOCUS), tables of rates",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&allocation::Allocation, &bill::Bill, &rates::Rates];
