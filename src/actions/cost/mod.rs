//! What a workload cost: money with its currency, from what meters it.
//!
//! A saving needs a baseline, and no meter has one that can be trusted unseen: OpenCost prices by list price unless it
//! is told otherwise, so that a spot job can cost "the same". The spec names its baseline: a rate table
//! (`cost.estimate`), a twin run (two allocations), or the list price in the bill (`cost.report`). Currencies are never
//! mixed, nor guessed where the source names none.
//!
//! Not here: PromQL (`prometheus.query` with `currency`), and on which nodes a job ran (`kube`).

mod allocation;
mod bill;
mod estimate;
mod report;

#[cfg(test)]
mod tests;

use crate::action::{Class, DynAction, Failure, Family};
use crate::value::{Money, is_currency};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "cost",
    about: "costs: OpenCost allocations, AWS and FOCUS bills, rate tables",
    actions: &[
        &allocation::Allocation as &dyn DynAction,
        &estimate::Estimate,
        &report::Report,
    ],
    program: None,
};

/// The sum of amounts in one currency; none of no amount.
///
/// # Errors
/// Class `invalid` when there are two currencies.
fn sum<'a>(amounts: impl IntoIterator<Item = &'a Money>) -> Result<Option<Money>, Failure> {
    let mut total: Option<Money> = None;
    for money in amounts {
        match &mut total {
            None => total = Some(money.clone()),
            Some(sum) if sum.currency == money.currency => sum.amount += money.amount,
            Some(sum) => {
                return Err(Failure::new(
                    Class::Invalid,
                    format!(
                        "amounts in {} and in {} cannot be added",
                        sum.currency, money.currency
                    ),
                ));
            }
        }
    }
    Ok(total)
}

/// A currency as it is written in specs.
///
/// # Errors
/// Class `bad_parameter` for anything else than three capital letters of ISO 4217.
fn currency(code: &str) -> Result<&str, Failure> {
    if is_currency(code) {
        Ok(code)
    } else {
        Err(Failure::new(
            Class::BadParameter,
            format!("`{code}` is no currency: three capital letters, such as `USD`, were expected"),
        ))
    }
}
