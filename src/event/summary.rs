//! What a run came to, computed from its events alone; the exit code follows from it.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{CheckInfo, Event, EventKind, Severity, SpecInfo};
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
    pub checks: HashMap<String, (Severity, Verdict)>,
    /// Checks of steps whose `if` was false; they count nowhere.
    pub skipped: HashSet<String>,
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
    /// The announced checks of each spec, by id.
    pub(crate) announced: Vec<HashMap<String, Severity>>,
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
            EventKind::SpecStarted {} => {
                if let Some(at) = self.at(event) {
                    self.restart(at);
                }
            }
            EventKind::Checked { check, outcome } => {
                if let Some(at) = self.at(event) {
                    self.checked(at, check, outcome.verdict);
                }
            }
            EventKind::SpecFinished {
                verdict,
                reason,
                duration,
                attempt,
            } => {
                if let Some(at) = self.at(event) {
                    self.settle(at, |spec| {
                        spec.verdict = Some(*verdict);
                        spec.reason.clone_from(reason);
                        spec.duration = *duration;
                        spec.attempts = *attempt;
                    });
                }
            }
            EventKind::AttemptFailed { failure, .. } => self.notice(failure),
            EventKind::StepFinished {
                failure,
                skipped,
                verdict,
                ..
            } => {
                // A refusal that the spec expects is what it tests.
                if let Some(failure) = failure
                    && *verdict != Verdict::Passed
                {
                    self.notice(failure);
                }
                if *skipped && let (Some(at), Some(step)) = (self.at(event), &event.step) {
                    self.skipped(at, step.as_str());
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
        let index = self.specs.len();
        self.index.insert(info.id.clone(), index);
        self.announced
            .push(info.checks.iter().map(|c| (c.id.clone(), c.severity)).collect());
        self.specs.push(SpecSummary {
            severity: info.severity,
            info: info.clone(),
            verdict: None,
            reason: None,
            duration: 0.0,
            attempts: 0,
            started: false,
            checks: HashMap::new(),
            skipped: HashSet::new(),
        });
        self.counts(info.severity).add(Verdict::Cancelled);
        self.all_checks(index, 1);
    }

    /// The spec of an event. An event of a spec that was never announced changes nothing: such a journal is refused
    /// by its reader.
    fn at(&self, event: &Event) -> Option<usize> {
        event.spec.as_ref().and_then(|id| self.index.get(id)).copied()
    }

    /// A try begins: what earlier tries found counts no more.
    fn restart(&mut self, at: usize) {
        self.all_checks(at, -1);
        self.specs[at].checks.clear();
        self.specs[at].skipped.clear();
        self.settle(at, |spec| {
            spec.started = true;
            spec.verdict = None;
            spec.reason = None;
        });
        self.all_checks(at, 1);
    }

    fn checked(&mut self, at: usize, check: &CheckInfo, verdict: Verdict) {
        // `for_each`, and actions with checks of their own, make some that the announcement could not know.
        let announced = self.announced[at].get(&check.id).copied();
        let severity = announced.unwrap_or(check.severity);
        let spec = &mut self.specs[at];
        let missing = missing(spec);
        let before = spec.checks.insert(check.id.clone(), (severity, verdict));
        let was_skipped = spec.skipped.remove(&check.id);
        match before {
            Some((severity, before)) => self.count_check(severity, before, -1),
            None if announced.is_some() && !was_skipped => self.count_check(severity, missing, -1),
            None => {}
        }
        self.count_check(severity, verdict, 1);
    }

    /// The checks of a step whose `if` was false are not missing.
    fn skipped(&mut self, at: usize, step: &str) {
        let of_step = |id: &str| id.strip_prefix(step).is_some_and(|rest| rest.starts_with('.'));
        let missing = missing(&self.specs[at]);
        let announced = std::mem::take(&mut self.announced[at]);
        for (id, severity) in announced.iter().filter(|(id, _)| of_step(id)) {
            let spec = &mut self.specs[at];
            if !spec.checks.contains_key(id) && spec.skipped.insert(id.clone()) {
                self.count_check(*severity, missing, -1);
            }
        }
        self.announced[at] = announced;
    }

    /// Adds every check of a spec to the counts, or takes them out.
    fn all_checks(&mut self, at: usize, sign: i64) {
        let spec = &self.specs[at];
        let missing = missing(spec);
        let open = self.announced[at]
            .iter()
            .filter(|(id, _)| !spec.checks.contains_key(id.as_str()) && !spec.skipped.contains(id.as_str()));
        let all: Vec<(Severity, Verdict)> = open
            .map(|(_, severity)| (*severity, missing))
            .chain(spec.checks.values().copied())
            .collect();
        for (severity, verdict) in all {
            self.count_check(severity, verdict, sign);
        }
    }

    /// Changes the verdict of a spec and keeps the counts in step.
    fn settle(&mut self, at: usize, change: impl FnOnce(&mut SpecSummary)) {
        let (severity, before) = (self.specs[at].severity, self.specs[at].settled());
        change(&mut self.specs[at]);
        let after = self.specs[at].settled();
        let counts = self.counts(severity);
        counts.remove(before);
        counts.add(after);
    }

    const fn counts(&mut self, severity: Severity) -> &mut Counts {
        match severity {
            Severity::Critical => &mut self.critical,
            Severity::Warning => &mut self.warning,
            Severity::Info => &mut self.info,
        }
    }

    fn count_check(&mut self, severity: Severity, verdict: Verdict, sign: i64) {
        if sign > 0 {
            self.checks.add(verdict);
        } else {
            self.checks.remove(verdict);
        }
        if severity != Severity::Critical && verdict != Verdict::Passed {
            self.check_warnings = self.check_warnings.saturating_add_signed(sign);
        }
    }

    fn notice(&mut self, failure: &Failure) {
        self.not_granted |= failure.class == Class::NotGranted;
        self.internal |= failure.class == Class::Internal;
    }
}

/// What a check counts as that has no verdict yet.
const fn missing(spec: &SpecSummary) -> Verdict {
    if spec.started {
        Verdict::Errored
    } else {
        Verdict::Cancelled
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

#[cfg(test)]
mod tests;
