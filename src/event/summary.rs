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
        let index = self.specs.len();
        self.index.insert(info.id.clone(), index);
        self.specs.push(SpecSummary {
            severity: info.severity,
            info: info.clone(),
            verdict: None,
            reason: None,
            duration: 0.0,
            attempts: 0,
            started: false,
            checks: HashMap::new(),
        });
        self.count(index, Counts::add, 1);
    }

    /// Changes the spec of an event and keeps the counts in step. An event of a spec that was never announced
    /// changes nothing: such a journal is refused by its reader.
    fn change(&mut self, event: &Event, change: impl FnOnce(&mut SpecSummary)) {
        let Some(index) = event.spec.as_ref().and_then(|id| self.index.get(id)).copied() else {
            return;
        };
        self.count(index, Counts::remove, -1);
        change(&mut self.specs[index]);
        self.count(index, Counts::add, 1);
    }

    /// Adds a spec and its checks to the counts, or takes them out.
    fn count(&mut self, index: usize, step: impl Fn(&mut Counts, Verdict), sign: i64) {
        let spec = &self.specs[index];
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
        let mut announced = HashSet::with_capacity(spec.info.checks.len());
        for check in &spec.info.checks {
            announced.insert(check.id.as_str());
            let verdict = spec.checks.get(&check.id).copied().unwrap_or(missing);
            step(&mut self.checks, verdict);
            if check.severity != Severity::Critical && verdict != Verdict::Passed {
                self.check_warnings = self.check_warnings.saturating_add_signed(sign);
            }
        }
        // `for_each` makes checks that the announcement could not know.
        for (id, verdict) in &spec.checks {
            if !announced.contains(id.as_str()) {
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

#[cfg(test)]
mod tests {
    use super::Summary;
    use crate::check::{CheckOutcome, Class, Failure, Verdict};
    use crate::event::{
        CheckInfo, CleanupInfo, Event, EventKind, Place, Role, RunId, RunInfo, Severity, SpecInfo,
    };

    fn place() -> Place {
        Place {
            file: "T01.yaml".to_owned(),
            line: 1,
            col: 1,
        }
    }

    fn check(id: &str, severity: Severity) -> CheckInfo {
        CheckInfo {
            id: id.to_owned(),
            text: "x == 1".to_owned(),
            severity,
            because: None,
            place: place(),
        }
    }

    fn spec(id: &str, severity: Severity) -> SpecInfo {
        SpecInfo {
            id: id.into(),
            title: String::new(),
            description: None,
            category: None,
            tags: Vec::new(),
            severity,
            place: place(),
            inputs: Vec::new(),
            checks: vec![
                check("expect[0]", Severity::Critical),
                check("expect[1]", Severity::Warning),
            ],
            steps: Vec::new(),
            digest: String::new(),
        }
    }

    fn event(spec: Option<&str>, kind: EventKind) -> Event {
        Event {
            seq: 0,
            at: String::new(),
            elapsed: 0.0,
            spec: spec.map(Into::into),
            step: None,
            kind,
        }
    }

    fn started(specs: Vec<SpecInfo>) -> Event {
        event(
            None,
            EventKind::RunStarted {
                run: RunInfo {
                    id: RunId("r".to_owned()),
                    format: 1,
                    version: String::new(),
                    argv: Vec::new(),
                    environment: None,
                    profile: None,
                    seed: 0,
                    jobs: 1,
                    started: String::new(),
                    pid: 1,
                    specs,
                },
            },
        )
    }

    fn checked(spec: &str, id: &str, verdict: Verdict) -> Event {
        event(
            Some(spec),
            EventKind::Checked {
                check: check(id, Severity::Critical),
                outcome: CheckOutcome::new(verdict, ""),
            },
        )
    }

    fn ended(spec: &str, verdict: Verdict, attempt: u32) -> Event {
        event(
            Some(spec),
            EventKind::SpecFinished {
                verdict,
                reason: None,
                duration: 1.5,
                attempt,
            },
        )
    }

    #[test]
    fn nothing_that_never_ended_counts_as_passed() {
        let mut summary = Summary::of(&[started(vec![
            spec("T01", Severity::Critical),
            spec("T02", Severity::Critical),
        ])]);
        assert_eq!((summary.critical.cancelled, summary.critical.total()), (2, 2));
        assert_eq!((summary.checks.cancelled, summary.checks.total()), (4, 4));

        summary.fold(&event(Some("T01"), EventKind::SpecStarted {}));
        assert_eq!((summary.critical.errored, summary.critical.cancelled), (1, 1));
        assert_eq!((summary.checks.errored, summary.checks.cancelled), (2, 2));

        summary.fold(&checked("T01", "expect[0]", Verdict::Passed));
        summary.fold(&ended("T01", Verdict::Passed, 1));
        assert_eq!((summary.critical.passed, summary.critical.cancelled), (1, 1));
        // The check that never ran is still seen.
        assert_eq!(
            (
                summary.checks.passed,
                summary.checks.errored,
                summary.checks.cancelled
            ),
            (1, 1, 2)
        );
        assert!(!summary.finished);
    }

    #[test]
    fn specs_count_by_severity_and_checks_that_only_warn_apart() {
        let summary = Summary::of(&[
            started(vec![
                spec("T01", Severity::Critical),
                spec("T02", Severity::Warning),
            ]),
            event(Some("T01"), EventKind::SpecStarted {}),
            checked("T01", "expect[0]", Verdict::Passed),
            checked("T01", "expect[1]", Verdict::Failed),
            checked("T01", "probe[2].expect[0]", Verdict::Passed),
            ended("T01", Verdict::Passed, 1),
            event(Some("T02"), EventKind::SpecStarted {}),
            checked("T02", "expect[0]", Verdict::Failed),
            checked("T02", "expect[1]", Verdict::Passed),
            ended("T02", Verdict::Failed, 1),
        ]);
        assert_eq!((summary.critical.passed, summary.critical.total()), (1, 1));
        assert_eq!((summary.warning.failed, summary.warning.total()), (1, 1));
        assert_eq!(
            (
                summary.checks.passed,
                summary.checks.failed,
                summary.checks.total()
            ),
            (3, 2, 5)
        );
        assert_eq!(summary.check_warnings, 1);
    }

    #[test]
    fn a_retried_spec_counts_once_with_its_last_try() {
        let summary = Summary::of(&[
            started(vec![spec("T01", Severity::Critical)]),
            event(Some("T01"), EventKind::SpecStarted {}),
            checked("T01", "expect[0]", Verdict::Failed),
            ended("T01", Verdict::Failed, 1),
            event(Some("T01"), EventKind::SpecStarted {}),
            checked("T01", "expect[0]", Verdict::Passed),
            checked("T01", "expect[1]", Verdict::Passed),
            ended("T01", Verdict::Passed, 2),
        ]);
        assert_eq!((summary.critical.passed, summary.critical.total()), (1, 1));
        assert_eq!((summary.checks.passed, summary.checks.total()), (2, 2));
        assert_eq!(summary.flaky().count(), 1);
        assert_eq!(summary.specs[0].duration, 1.5);
    }

    #[test]
    fn a_promised_cleanup_stays_open_until_it_is_done() {
        let promised = |id: &str| {
            event(
                Some("T01"),
                EventKind::CleanupRegistered {
                    cleanup: CleanupInfo {
                        id: id.to_owned(),
                        action: "mlflow.delete".to_owned(),
                        params: None,
                    },
                },
            )
        };
        let finished = |id: &str, done| {
            event(
                Some("T01"),
                EventKind::CleanupFinished {
                    id: id.to_owned(),
                    done,
                    failure: None,
                },
            )
        };
        let summary = Summary::of(&[
            started(vec![spec("T01", Severity::Critical)]),
            promised("a"),
            promised("b"),
            promised("c"),
            finished("b", true),
            finished("c", false),
        ]);
        assert_eq!(summary.cleanup_open, ["a", "c"]);
    }

    #[test]
    fn refusals_internal_mistakes_and_signals_are_seen() {
        let failed = |class| {
            event(
                Some("T01"),
                EventKind::StepFinished {
                    role: Role::Step,
                    verdict: Verdict::Errored,
                    reason: None,
                    output: None,
                    failure: Some(Failure::new(class, "x")),
                    attempts: 1,
                    duration: 0.0,
                    skipped: false,
                },
            )
        };
        let signal = |name: &str| {
            event(
                None,
                EventKind::Signalled {
                    signal: name.to_owned(),
                },
            )
        };
        let run = started(vec![spec("T01", Severity::Critical)]);
        let summary = Summary::of(&[run.clone(), failed(Class::Timeout)]);
        assert!(!summary.not_granted && !summary.internal && summary.interrupted_by.is_none());
        assert!(Summary::of(&[run.clone(), failed(Class::NotGranted)]).not_granted);
        assert!(Summary::of(&[run.clone(), failed(Class::Internal)]).internal);
        let summary = Summary::of(&[run, signal("SIGTERM"), signal("SIGINT")]);
        assert_eq!(summary.interrupted_by.as_deref(), Some("SIGTERM"));
        let done = event(
            None,
            EventKind::RunFinished {
                exit_code: 0,
                duration: 0.0,
            },
        );
        assert!(Summary::of(&[done]).finished);
    }
}
