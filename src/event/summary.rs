//! What a run came to, computed from its events alone; the exit code follows from it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Event, EventKind, Severity, SpecInfo};
use crate::check::{Class, Failure, Verdict};
use crate::value::SpecId;

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

impl Counts {
    /// Counts one more.
    pub const fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::Errored => self.errored += 1,
            Verdict::Blocked => self.blocked += 1,
            Verdict::Cancelled => self.cancelled += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.passed + self.failed + self.inconclusive + self.errored + self.blocked + self.cancelled
    }
}

/// A spec at the end (or so far).
#[derive(Clone, Debug, PartialEq)]
pub struct SpecSummary {
    pub info: SpecInfo,
    /// None: it has not ended, or never began.
    pub verdict: Option<Verdict>,
    pub reason: Option<String>,
    /// Seconds, of the last try.
    pub duration: f64,
    /// Tries of the spec; a pass after the first is flaky.
    pub attempts: u32,
    pub severity: Severity,
    /// Whether it began.
    pub started: bool,
    /// The verdicts of the checks of the last try, by check id.
    pub checks: HashMap<String, Verdict>,
}

impl SpecSummary {
    /// The verdict that counts: one that began and never ended is errored, one that never began cancelled.
    #[must_use]
    pub fn settled(&self) -> Verdict {
        match self.verdict {
            Some(verdict) => verdict,
            None if self.started => Verdict::Errored,
            None => Verdict::Cancelled,
        }
    }

    /// Passed, but not at the first try.
    #[must_use]
    pub fn flaky(&self) -> bool {
        self.verdict == Some(Verdict::Passed) && self.attempts > 1
    }
}

/// A run at the end (or so far). Fold events into it in order; the counts are right after each event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub specs: Vec<SpecSummary>,
    /// Specs of severity critical.
    pub critical: Counts,
    pub warning: Counts,
    pub info: Counts,
    /// Every check of every spec. One without a verdict counts as errored when its spec began, else as cancelled.
    pub checks: Counts,
    /// Checks of severity warning or info that did not pass; they are in `checks` too.
    pub check_warnings: u64,
    /// Cleanups that were promised and not done.
    pub cleanup_open: Vec<String>,
    pub interrupted_by: Option<String>,
    pub finished: bool,
    /// A capability was not granted.
    pub not_granted: bool,
    /// A mistake of specrun itself.
    pub internal: bool,
    /// Where each spec stands in `specs`.
    pub(crate) index: HashMap<SpecId, usize>,
}

impl Summary {
    /// The summary of events in order.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut summary = Self::default();
        for event in events {
            summary.fold(event);
        }
        summary
    }

    /// Specs that passed, but not at the first try.
    pub fn flaky(&self) -> impl Iterator<Item = &SpecSummary> {
        self.specs.iter().filter(|s| s.flaky())
    }

    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { run } => {
                for info in &run.specs {
                    self.add(info);
                }
            }
            EventKind::SpecStarted {} => self.change(event, |spec| {
                spec.started = true;
                spec.verdict = None;
                spec.reason = None;
                spec.checks.clear();
            }),
            EventKind::Checked { check, outcome } => self.change(event, |spec| {
                spec.checks.insert(check.id.clone(), outcome.verdict);
            }),
            EventKind::SpecFinished {
                verdict,
                reason,
                duration,
                attempt,
            } => self.change(event, |spec| {
                spec.started = true;
                spec.verdict = Some(*verdict);
                spec.reason.clone_from(reason);
                spec.duration = *duration;
                spec.attempts = *attempt;
            }),
            EventKind::AttemptFailed { failure, .. } => self.notice(failure),
            EventKind::StepFinished { failure, .. } => {
                if let Some(failure) = failure {
                    self.notice(failure);
                }
            }
            EventKind::CleanupRegistered { cleanup } => {
                if !self.cleanup_open.contains(&cleanup.id) {
                    self.cleanup_open.push(cleanup.id.clone());
                }
            }
            EventKind::CleanupFinished { id, done, failure } => {
                if *done {
                    self.cleanup_open.retain(|open| open != id);
                } else if !self.cleanup_open.contains(id) {
                    self.cleanup_open.push(id.clone());
                }
                if let Some(failure) = failure {
                    self.notice(failure);
                }
            }
            EventKind::Signalled { signal } => {
                self.interrupted_by.get_or_insert_with(|| signal.clone());
            }
            EventKind::RunFinished { .. } => self.finished = true,
            EventKind::StepStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::Polled { .. }
            | EventKind::Service { .. }
            | EventKind::Note { .. } => {}
        }
    }

    fn add(&mut self, info: &SpecInfo) {
        if self.index.contains_key(&info.id) {
            return;
        }
        self.index.insert(info.id.clone(), self.specs.len());
        let spec = SpecSummary {
            severity: info.severity,
            info: info.clone(),
            verdict: None,
            reason: None,
            duration: 0.0,
            attempts: 0,
            started: false,
            checks: HashMap::new(),
        };
        self.count(&spec, true);
        self.specs.push(spec);
    }

    /// Changes the spec of an event and keeps the counts in step. An event of a spec that was never announced
    /// changes nothing: such a journal is refused by its reader.
    fn change(&mut self, event: &Event, change: impl FnOnce(&mut SpecSummary)) {
        let Some(index) = event.spec.as_ref().and_then(|id| self.index.get(id)).copied() else {
            return;
        };
        let mut spec = self.specs[index].clone();
        self.count(&spec, false);
        change(&mut spec);
        self.count(&spec, true);
        self.specs[index] = spec;
    }

    fn count(&mut self, spec: &SpecSummary, plus: bool) {
        let mut step = |counts: &mut Counts, verdict: Verdict| {
            if plus {
                counts.add(verdict);
            } else {
                counts.remove(verdict);
            }
        };
        let counts = match spec.severity {
            Severity::Critical => &mut self.critical,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        };
        step(counts, spec.settled());
        let missing = if spec.started {
            Verdict::Errored
        } else {
            Verdict::Cancelled
        };
        let mut known = HashSet::new();
        for check in &spec.info.checks {
            known.insert(check.id.as_str());
            let verdict = spec.checks.get(&check.id).copied().unwrap_or(missing);
            step(&mut self.checks, verdict);
            if check.severity != Severity::Critical && verdict != Verdict::Passed {
                if plus {
                    self.check_warnings += 1;
                } else {
                    self.check_warnings -= 1;
                }
            }
        }
        // `for_each` makes checks that the announcement could not know.
        for (id, verdict) in &spec.checks {
            if !known.contains(id.as_str()) {
                step(&mut self.checks, *verdict);
            }
        }
    }

    fn notice(&mut self, failure: &Failure) {
        self.not_granted |= failure.class == Class::NotGranted;
        self.internal |= failure.class == Class::Internal;
    }
}

impl Counts {
    const fn remove(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed -= 1,
            Verdict::Failed => self.failed -= 1,
            Verdict::Inconclusive => self.inconclusive -= 1,
            Verdict::Errored => self.errored -= 1,
            Verdict::Blocked => self.blocked -= 1,
            Verdict::Cancelled => self.cancelled -= 1,
        }
    }
}
