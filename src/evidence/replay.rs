//! The checks of a plan on the outputs of a recorded run.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::recording::{Check, Recording};
use super::world::World;
use crate::check::{CheckOutcome, Verdict};
use crate::event::{CheckInfo, Event, Severity};
use crate::plan::{Plan, SpecPlan};
use crate::value::{SpecId, StepId};

/// A spec, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SpecReplay {
    pub id: SpecId,
    /// None when it did not end, or is not in the recorded run.
    pub before: Option<Verdict>,
    /// The worst of what its critical checks say now, and of steps that broke then. None when the run does not have
    /// the spec.
    pub after: Option<Verdict>,
    /// Every check of now, then those that are gone.
    pub checks: Vec<CheckReplay>,
    /// What the reader has to know: changed inputs, checks that only a run can evaluate.
    pub notes: Vec<String>,
}

/// A check, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CheckReplay {
    pub check: CheckInfo,
    pub step: Option<StepId>,
    pub change: Change,
    pub before: Option<CheckOutcome>,
    pub after: Option<CheckOutcome>,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The verdict is what it was.
    Same,
    /// The verdict is another one.
    Verdict,
    /// The recorded run did not have the check.
    New,
    /// The spec no longer has the check.
    Gone,
}

/// Evaluates every check again. Nothing is sent; a step that did not run then has no output now.
#[must_use]
pub fn replay(plan: &Plan, events: &[Event]) -> Vec<SpecReplay> {
    let recording = Recording::of(events);
    plan.specs.iter().map(|spec| one(spec, &recording)).collect()
}

fn one(plan: &SpecPlan, recording: &Recording) -> SpecReplay {
    let Some(spec) = recording.specs.get(&plan.id) else {
        return SpecReplay {
            id: plan.id.clone(),
            before: None,
            after: None,
            checks: Vec::new(),
            notes: vec!["the recorded run does not have this spec".to_owned()],
        };
    };
    let world = World::new(plan, spec, recording);
    let mut recorded: HashMap<(Option<StepId>, String), &Check> = spec
        .checks
        .iter()
        .map(|c| ((c.step.clone(), c.info.id.clone()), c))
        .collect();

    let mut after = Verdict::Passed;
    let mut checks = Vec::new();
    for judged in world.judge() {
        let before = recorded.remove(&(judged.step.clone(), judged.info.id.clone()));
        if judged.info.severity == Severity::Critical {
            after = after.worst(judged.outcome.verdict);
        }
        checks.push(CheckReplay {
            check: judged.info.clone(),
            step: judged.step,
            change: match before {
                None => Change::New,
                Some(b) if b.outcome.verdict == judged.outcome.verdict => Change::Same,
                Some(_) => Change::Verdict,
            },
            before: before.map(|b| b.outcome.clone()),
            after: Some(judged.outcome),
        });
    }
    let mut notes = notes(plan, &spec.info.inputs);
    let mut gone: Vec<_> = recorded.into_values().collect();
    gone.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    let (own, gone): (Vec<_>, Vec<_>) = gone.into_iter().partition(|c| announced_by_action(c, spec));
    for check in own {
        // The action itself made this check while it ran; its outcome stands.
        if check.info.severity == Severity::Critical {
            after = after.worst(check.outcome.verdict);
        }
    }
    checks.extend(gone.into_iter().map(|c| CheckReplay {
        check: c.info.clone(),
        step: c.step.clone(),
        change: Change::Gone,
        before: Some(c.outcome.clone()),
        after: None,
    }));
    for step in plan.steps.iter().filter(|s| s.expect_failure.is_none()) {
        if let Some(failed) = spec.steps.get(&step.id).filter(|r| r.failure.is_some()) {
            after = after.worst(failed.verdict);
            notes.push(format!(
                "step `{}` was {} in the recorded run",
                step.id, failed.verdict
            ));
        }
    }
    SpecReplay {
        id: plan.id.clone(),
        before: spec.verdict,
        after: Some(after),
        checks,
        notes,
    }
}

/// A check that is in no spec file: the action made it.
fn announced_by_action(check: &Check, spec: &super::recording::Spec) -> bool {
    check.step.is_some() && !spec.info.checks.iter().any(|c| c.id == check.info.id)
}

fn notes(plan: &SpecPlan, recorded: &[crate::event::InputInfo]) -> Vec<String> {
    let mut notes = Vec::new();
    for input in &plan.inputs {
        let now = input.value.to_json();
        match recorded.iter().find(|r| r.name == input.name) {
            Some(then) if then.value == now => {}
            Some(then) => notes.push(format!(
                "input `{}` was {} in the recorded run and is {now} now; the outputs were made with the old value",
                input.name, then.value
            )),
            None => notes.push(format!("input `{}` is new; the outputs were made without it", input.name)),
        }
    }
    notes
}
