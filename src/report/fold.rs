//! From events to the tree.

use std::collections::HashMap;

use super::model::{
    CheckReport, CleanupReport, EarlierTry, FailedAttempt, Poll, ProgressLine, Report, Run, ServiceReport,
    SpecReport, StepReport, Totals,
};
use crate::check::{CheckOutcome, Verdict};
use crate::event::{Event, EventKind, Role, RunInfo, Severity, SpecInfo};
use crate::value::{SpecId, StepId};

/// Polls kept of one step: the first and the last half.
const POLLS: usize = 200;
/// Progress lines kept of one step: the last ones.
const PROGRESS: usize = 200;

/// How much of a spec is kept once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Everything,
    /// Parameters and outputs of steps are dropped; for formats that show neither.
    Outcomes,
}

/// Builds a [`Report`] from events, in order.
#[derive(Debug)]
pub struct Fold {
    report: Report,
    index: HashMap<SpecId, usize>,
    keep: Keep,
}

impl Fold {
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        Self {
            report: Report::default(),
            index: HashMap::new(),
            keep,
        }
    }

    /// The tree of a whole journal.
    #[must_use]
    pub fn all<'a>(events: impl IntoIterator<Item = &'a Event>) -> Report {
        let mut fold = Self::new(Keep::Everything);
        for e in events {
            fold.event(e);
        }
        fold.count();
        fold.report
    }

    /// The tree so far, counted.
    pub fn report(&mut self) -> &Report {
        self.count();
        &self.report
    }

    /// The tree so far, with counts of an earlier moment; costs nothing.
    #[must_use]
    pub const fn report_uncounted(&self) -> &Report {
        &self.report
    }

    /// One spec so far.
    #[must_use]
    pub fn spec(&self, id: &SpecId) -> Option<&SpecReport> {
        self.index.get(id).map(|i| &self.report.specs[*i])
    }

    /// Takes one event in. An event of a spec that was not announced is ignored: it cannot be placed.
    pub fn event(&mut self, event: &Event) {
        self.report.duration = self.report.duration.max(event.elapsed);
        match &event.kind {
            EventKind::RunStarted { run } => self.start(run),
            EventKind::RunFinished { exit_code, duration } => {
                self.report.finished = true;
                self.report.exit_code = Some(*exit_code);
                self.report.duration = *duration;
            }
            EventKind::Signalled { signal } => {
                self.report.interrupted_by.get_or_insert_with(|| signal.clone());
            }
            EventKind::Service { name, state, message } => self.service(name, state, message.as_ref(), event),
            EventKind::Note { message } => match self.spec_mut(event) {
                Some(spec) => spec.notes.push(message.clone()),
                None => self.report.notes.push(message.clone()),
            },
            EventKind::SpecStarted {}
            | EventKind::StepStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::AttemptFailed { .. }
            | EventKind::Polled { .. }
            | EventKind::Checked { .. }
            | EventKind::StepFinished { .. }
            | EventKind::CleanupRegistered { .. }
            | EventKind::CleanupFinished { .. }
            | EventKind::SpecFinished { .. } => {
                let keep = self.keep;
                if let Some(spec) = self.spec_mut(event) {
                    spec.take(event, keep);
                }
            }
        }
    }

    fn start(&mut self, run: &RunInfo) {
        self.report.run = Run {
            id: run.id.0.clone(),
            version: run.version.clone(),
            argv: run.argv.clone(),
            environment: run.environment.clone(),
            profile: run.profile.clone(),
            seed: run.seed,
            jobs: run.jobs,
            started: run.started.clone(),
        };
        self.report.specs = run.specs.iter().map(SpecReport::announced).collect();
        self.index = run
            .specs
            .iter()
            .enumerate()
            .map(|(i, s)| (s.id.clone(), i))
            .collect();
    }

    fn spec_mut(&mut self, event: &Event) -> Option<&mut SpecReport> {
        let i = *self.index.get(event.spec.as_ref()?)?;
        self.report.specs.get_mut(i)
    }

    fn service(&mut self, name: &str, state: &str, message: Option<&String>, event: &Event) {
        let at = self
            .report
            .services
            .iter()
            .position(|s| s.name == name)
            .unwrap_or_else(|| {
                self.report.services.push(ServiceReport {
                    name: name.to_owned(),
                    state: String::new(),
                    message: None,
                    ready_at: None,
                });
                self.report.services.len() - 1
            });
        let service = &mut self.report.services[at];
        state.clone_into(&mut service.state);
        service.message = message.cloned().or_else(|| service.message.take());
        if state == "ready" {
            service.ready_at = Some(event.elapsed);
        }
    }

    fn count(&mut self) {
        let mut totals = Totals::default();
        for spec in &self.report.specs {
            totals.specs.add(spec.verdict);
            if spec.severity == Severity::Critical {
                totals.critical.add(spec.verdict);
            }
            totals.flaky += u64::from(spec.flaky);
            totals.cleanup_open += spec.cleanups.iter().filter(|c| !c.done).count() as u64;
            for check in &spec.checks {
                if check.skipped {
                    totals.checks_skipped += 1;
                } else {
                    totals.checks.add(check.outcome.verdict);
                }
            }
        }
        self.report.counts = totals;
    }
}

impl SpecReport {
    fn announced(info: &SpecInfo) -> Self {
        Self {
            id: info.id.clone(),
            title: info.title.clone(),
            description: info.description.clone(),
            category: info.category.clone(),
            tags: info.tags.clone(),
            severity: info.severity,
            place: info.place.clone(),
            digest: info.digest.clone(),
            inputs: info.inputs.clone(),
            verdict: Verdict::Cancelled,
            finished: false,
            reason: Some("it never began".to_owned()),
            started: None,
            duration: 0.0,
            attempt: 1,
            flaky: false,
            earlier: Vec::new(),
            checks: info.checks.iter().cloned().map(CheckReport::announced).collect(),
            steps: Vec::new(),
            steps_not_run: info.steps.clone(),
            cleanups: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn take(&mut self, event: &Event, keep: Keep) {
        match &event.kind {
            EventKind::SpecStarted {} => self.begin(event.elapsed),
            EventKind::SpecFinished {
                verdict,
                reason,
                duration,
                attempt,
            } => {
                self.verdict = *verdict;
                self.finished = true;
                self.reason.clone_from(reason);
                self.duration = *duration;
                self.attempt = *attempt;
                self.flaky = *verdict == Verdict::Passed && *attempt > 1;
                self.settle();
                if keep == Keep::Outcomes {
                    self.slim();
                }
            }
            EventKind::Checked { check, outcome } => {
                let report = CheckReport {
                    check: check.clone(),
                    step: event.step.clone(),
                    outcome: outcome.clone(),
                    evaluated: !outcome.message.starts_with("not evaluated"),
                    skipped: false,
                    at: event.elapsed.max(f64::MIN_POSITIVE),
                };
                self.checked(report);
            }
            EventKind::CleanupRegistered { cleanup } => self.cleanups.push(CleanupReport {
                id: cleanup.id.clone(),
                action: cleanup.action.clone(),
                done: false,
                failure: None,
            }),
            EventKind::CleanupFinished { id, done, failure } => {
                for c in self.cleanups.iter_mut().filter(|c| c.id == *id) {
                    c.done = *done;
                    c.failure.clone_from(failure);
                }
            }
            EventKind::StepStarted {
                role,
                action,
                attempt,
                params,
            } => {
                let Some(id) = &event.step else { return };
                let step = self.step(id, *role, event.elapsed);
                action.clone_into(&mut step.action);
                step.attempts = *attempt;
                step.params = params.clone();
                step.finished = false;
            }
            EventKind::StepFinished { .. } => self.step_finished(event),
            EventKind::StepProgress { message } => {
                let Some(id) = &event.step else { return };
                let step = self.step(id, Role::Step, event.elapsed);
                if step.progress.len() >= PROGRESS {
                    step.progress.remove(0);
                }
                step.progress.push(ProgressLine {
                    at: event.elapsed,
                    message: message.clone(),
                });
            }
            EventKind::AttemptFailed {
                attempt,
                failure,
                next_in,
            } => {
                let Some(id) = &event.step else { return };
                self.step(id, Role::Step, event.elapsed)
                    .failed_attempts
                    .push(FailedAttempt {
                        attempt: *attempt,
                        at: event.elapsed,
                        failure: failure.clone(),
                        next_in: *next_in,
                    });
            }
            EventKind::Polled {
                attempt,
                held,
                message,
            } => {
                let Some(id) = &event.step else { return };
                let step = self.step(id, Role::Step, event.elapsed);
                if step.polls.len() >= POLLS {
                    step.polls.remove(POLLS / 2);
                    step.polls_left_out += 1;
                }
                step.polls.push(Poll {
                    attempt: *attempt,
                    at: event.elapsed,
                    held: *held,
                    message: message.clone(),
                });
            }
            EventKind::RunStarted { .. }
            | EventKind::RunFinished { .. }
            | EventKind::Service { .. }
            | EventKind::Signalled { .. }
            | EventKind::Note { .. } => {}
        }
    }

    /// A try begins; what an earlier one found is put aside.
    fn begin(&mut self, at: f64) {
        if self.finished {
            let bad = self.checks.iter().filter(|c| c.is_bad()).cloned().collect();
            self.earlier.push(EarlierTry {
                attempt: self.attempt,
                verdict: self.verdict,
                reason: self.reason.take(),
                duration: self.duration,
                checks: bad,
            });
            let mut seen = std::collections::HashSet::new();
            let checks = std::mem::take(&mut self.checks);
            self.checks = checks
                .into_iter()
                .filter(|c| seen.insert(c.check.id.clone()))
                .map(|c| CheckReport::announced(c.check))
                .collect();
            let steps = std::mem::take(&mut self.steps);
            for id in steps
                .into_iter()
                .filter(|s| s.role != Role::Cleanup)
                .map(|s| s.id)
            {
                if !self.steps_not_run.contains(&id) {
                    self.steps_not_run.push(id);
                }
            }
            self.attempt += 1;
        }
        // One that began and never ends broke; only one that never began was cancelled.
        self.verdict = Verdict::Errored;
        for c in &mut self.checks {
            c.outcome.verdict = Verdict::Errored;
        }
        self.finished = false;
        self.reason = Some("it has not ended".to_owned());
        self.started = Some(at);
        self.flaky = false;
    }

    fn step(&mut self, id: &StepId, role: Role, at: f64) -> &mut StepReport {
        // Steps mostly begin in the order of the file; then nothing has to be looked for, however many there are.
        let next = self.steps_not_run.first() == Some(id);
        let known = if next {
            None
        } else {
            self.steps.iter().rposition(|s| s.id == *id)
        };
        let i = known.unwrap_or_else(|| {
            if next {
                self.steps_not_run.remove(0);
            } else {
                self.steps_not_run
                    .retain(|s| s != id && s.as_str() != base(id.as_str()));
            }
            self.steps.push(StepReport {
                id: id.clone(),
                role,
                action: String::new(),
                verdict: Verdict::Cancelled,
                finished: false,
                skipped: false,
                reason: Some("it has not ended".to_owned()),
                started: at,
                duration: 0.0,
                attempts: 0,
                params: serde_json::Value::Null,
                output: None,
                failure: None,
                failed_attempts: Vec::new(),
                polls: Vec::new(),
                polls_left_out: 0,
                progress: Vec::new(),
            });
            self.steps.len() - 1
        });
        &mut self.steps[i]
    }

    fn step_finished(&mut self, event: &Event) {
        let (
            Some(id),
            EventKind::StepFinished {
                role,
                verdict,
                reason,
                output,
                failure,
                attempts,
                duration,
                skipped,
            },
        ) = (&event.step, &event.kind)
        else {
            return;
        };
        let step = self.step(id, *role, event.elapsed);
        step.role = *role;
        step.verdict = *verdict;
        step.finished = true;
        step.skipped = *skipped;
        step.reason.clone_from(reason);
        step.output.clone_from(output);
        step.failure.clone_from(failure);
        step.attempts = *attempts;
        step.duration = *duration;
        if *skipped {
            let prefix = format!("{}.", base(id.as_str()));
            for c in &mut self.checks {
                if !c.evaluated && c.check.id.starts_with(&prefix) {
                    c.skipped = true;
                    c.step = Some(id.clone());
                    "the step's `if` was false".clone_into(&mut c.outcome.message);
                }
            }
        }
    }

    fn checked(&mut self, report: CheckReport) {
        let same = |c: &CheckReport| c.check.id == report.check.id;
        // The first that is open is mostly the one; as long as it is open there is no other of its id.
        let open = self.checks.iter().position(|c| c.at == 0.0);
        let at = open.filter(|i| same(&self.checks[*i])).or_else(|| {
            let again = |c: &CheckReport| c.at > 0.0 && c.step == report.step && same(c);
            let unseen = |c: &CheckReport| c.at == 0.0 && same(c);
            let checks = &self.checks;
            checks
                .iter()
                .position(again)
                .or_else(|| checks.iter().position(unseen))
        });
        match at {
            Some(i) => self.checks[i] = report,
            None => match self.checks.iter().rposition(same) {
                Some(i) => self.checks.insert(i + 1, report),
                None => self.checks.push(report),
            },
        }
    }

    /// Gives every check that was not evaluated an outcome that follows from the spec's.
    fn settle(&mut self) {
        let verdict = match self.verdict {
            Verdict::Blocked => Verdict::Blocked,
            Verdict::Cancelled => Verdict::Cancelled,
            Verdict::Passed | Verdict::Failed | Verdict::Inconclusive | Verdict::Errored => Verdict::Errored,
        };
        let why = match &self.reason {
            Some(reason) => format!("not evaluated: {reason}"),
            None => "not evaluated".to_owned(),
        };
        for c in self
            .checks
            .iter_mut()
            .filter(|c| !c.evaluated && !c.skipped && c.at == 0.0)
        {
            c.outcome = CheckOutcome::new(verdict, why.clone());
        }
    }

    fn slim(&mut self) {
        for s in &mut self.steps {
            s.params = serde_json::Value::Null;
            s.output = None;
            if s.verdict == Verdict::Passed {
                s.polls = Vec::new();
                s.progress = Vec::new();
            }
        }
    }
}

impl CheckReport {
    fn announced(check: crate::event::CheckInfo) -> Self {
        Self {
            check,
            step: None,
            outcome: CheckOutcome::new(Verdict::Cancelled, "not evaluated"),
            evaluated: false,
            skipped: false,
            at: 0.0,
        }
    }
}

/// `predict` of `predict[2]`.
fn base(id: &str) -> &str {
    id.split_once('[').map_or(id, |(name, _)| name)
}
