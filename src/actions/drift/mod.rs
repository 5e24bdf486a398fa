//! Drift: whether two tables come from one distribution, and how well that question is answered.
//!
//! The methods are in `stats::drift`. Here tables are read, detectors are set up, and what was found becomes outputs
//! and pictures. Two things are never called "no drift": a column without values, and a column with so few values
//! that no difference could have been significant.

pub(in crate::actions) mod change;
mod detect;
mod false_positive_rate;
mod judge;
pub(in crate::actions) mod plot;
mod power;
mod reference;
mod report;
mod split;
pub(in crate::actions) mod table;
mod together;

use crate::action::{Class, Context, DynAction, Failure, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "drift",
    about: "drift between two tables, and how often a drift detector is wrong",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &detect::Detect,
    &false_positive_rate::FalsePositiveRate,
    &power::Power,
];

/// Computes away from the threads that wait for networks; ends waiting when the run stops or the step's time is over.
/// The work gets a context whose `cancel` is cancelled in both cases, so that it can end too.
pub(in crate::actions) async fn aside<T: Send + 'static>(
    cx: &Context,
    what: &str,
    work: impl FnOnce(&Context) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let mut inner = cx.clone();
    inner.cancel = cx.cancel.child_token();
    let _ends = inner.cancel.clone().drop_guard();
    let working = tokio::task::spawn_blocking(move || work(&inner));
    tokio::select! {
        biased;
        done = working => done.unwrap_or_else(|e| Err(Failure::new(Class::Internal, format!("{what}: {e}")))),
        () = cx.cancel.cancelled() => Err(stopped(what)),
        () = tokio::time::sleep_until(cx.deadline.into()) => {
            Err(Failure::new(Class::Timeout, format!("{what}: not done before the step's deadline"))
                .help("give the step a longer `timeout`, or use fewer rows or resamples"))
        }
    }
}

/// The failure of work that was stopped.
fn stopped(what: &str) -> Failure {
    Failure::new(Class::Cancelled, format!("{what}: the run was stopped"))
}

/// A number for an output: nothing where it is none, because JSON has no infinity.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
