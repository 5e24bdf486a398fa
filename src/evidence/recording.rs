//! What the events of a run say of each spec: the outputs, failures and outcomes of its last try.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::check::{CheckOutcome, Failure, Verdict};
use crate::event::{CheckInfo, Event, EventKind, RunInfo, SpecInfo};
use crate::value::{SpecId, StepId};

/// A run as it was recorded.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// None when the events do not begin with a start.
    pub run: Option<RunInfo>,
    pub specs: HashMap<SpecId, Spec>,
}

#[derive(Debug)]
pub(super) struct Spec {
    pub info: SpecInfo,
    /// None when it did not end.
    pub verdict: Option<Verdict>,
    /// Which try, from 1.
    pub attempt: u32,
    pub steps: HashMap<StepId, Step>,
    pub checks: Vec<Check>,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub verdict: Verdict,
    pub output: Option<Json>,
    pub failure: Option<Failure>,
    pub skipped: bool,
    pub reason: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Check {
    pub step: Option<StepId>,
    pub info: CheckInfo,
    pub outcome: CheckOutcome,
    /// Wall clock, as in the event.
    pub at: String,
}

impl Recording {
    pub fn of(events: &[Event]) -> Self {
        let mut recording = Self::default();
        for event in events {
            recording.take(event);
        }
        recording
    }

    fn take(&mut self, event: &Event) {
        if let EventKind::RunStarted { run } = &event.kind {
            self.run = Some(run.clone());
            self.specs = run.specs.iter().map(|s| (s.id.clone(), Spec::new(s))).collect();
        }
        let Some(spec) = event.spec.as_ref().and_then(|id| self.specs.get_mut(id)) else {
            return;
        };
        match &event.kind {
            EventKind::SpecStarted {} => {
                if spec.verdict.take().is_some() {
                    spec.attempt += 1;
                }
                spec.steps.clear();
                spec.checks.clear();
            }
            EventKind::Checked { check, outcome } => {
                spec.checks
                    .retain(|c| c.info.id != check.id || c.step != event.step);
                spec.checks.push(Check {
                    step: event.step.clone(),
                    info: check.clone(),
                    outcome: outcome.clone(),
                    at: event.at.clone(),
                });
            }
            EventKind::StepFinished {
                verdict,
                reason,
                output,
                failure,
                skipped,
                ..
            } => {
                let Some(id) = &event.step else { return };
                let step = Step {
                    verdict: *verdict,
                    output: output.clone(),
                    failure: failure.clone(),
                    skipped: *skipped,
                    reason: reason.clone(),
                };
                spec.steps.insert(id.clone(), step);
            }
            EventKind::SpecFinished { verdict, attempt, .. } => {
                spec.verdict = Some(*verdict);
                spec.attempt = *attempt;
            }
            EventKind::RunStarted { .. }
            | EventKind::RunFinished { .. }
            | EventKind::StepStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::AttemptFailed { .. }
            | EventKind::Polled { .. }
            | EventKind::CleanupRegistered { .. }
            | EventKind::CleanupFinished { .. }
            | EventKind::Service { .. }
            | EventKind::Signalled { .. }
            | EventKind::Note { .. } => {}
        }
    }
}

impl Spec {
    fn new(info: &SpecInfo) -> Self {
        Self {
            info: info.clone(),
            verdict: None,
            attempt: 1,
            steps: HashMap::new(),
            checks: Vec::new(),
        }
    }
}
