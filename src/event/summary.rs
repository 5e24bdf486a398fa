//! What a run came to, computed from its events alone; the exit code follows from it.

use serde::{Deserialize, Serialize};

use super::{Event, Severity, SpecInfo};
use crate::check::Verdict;

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub inconclusive: u64,
    pub errored: u64,
    pub blocked: u64,
    pub cancelled: u64,
}

/// A spec at the end (or so far).
#[derive(Clone, Debug, PartialEq)]
pub struct SpecSummary {
    pub info: SpecInfo,
    /// None: it has not ended, or never began.
    pub verdict: Option<Verdict>,
    pub reason: Option<String>,
    pub duration: f64,
    /// Tries of the spec; a pass after the first is flaky.
    pub attempts: u32,
    pub severity: Severity,
}

/// A run at the end (or so far). Fold events into it in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub specs: Vec<SpecSummary>,
    /// Specs of severity critical.
    pub critical: Counts,
    pub warning: Counts,
    pub info: Counts,
    pub checks: Counts,
    /// Cleanups that were promised and not done.
    pub cleanup_open: Vec<String>,
    pub interrupted_by: Option<String>,
    pub finished: bool,
    /// A capability was not granted.
    pub not_granted: bool,
    /// A mistake of specrun itself.
    pub internal: bool,
}

impl Summary {
    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        let _ = event;
        todo!()
    }
}
