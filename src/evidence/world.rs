//! A spec's checks in the world of a recorded run: the same names, with the values they had.

use serde_json::Value as Json;

use super::recording::{Recording, Spec};
use crate::check::{CheckOutcome, Failure, Verdict, decide};
use crate::event::{CheckInfo, Role};
use crate::plan::{CheckPlan, ForEach, NodeIx, Params, SpecPlan, StepPlan, expected};
use crate::value::expr::{Scope, eval};
use crate::value::{StepId, Type, Value};

/// A plan's spec with what was recorded of it.
pub(super) struct World<'a> {
    pub plan: &'a SpecPlan,
    fixed: [(&'static str, Value); 3],
    /// As [`SpecPlan::steps`].
    pub steps: Vec<Step>,
    /// The outputs as other steps and the spec's own checks see them.
    values: Vec<Option<Value>>,
    now: jiff::Timestamp,
}

/// A step with its elements; one when it has no `for_each`.
pub(super) struct Step {
    pub turns: Vec<Turn>,
    pub skipped: bool,
}

pub(super) struct Turn {
    pub id: StepId,
    item: Option<Value>,
    pub got: Got,
}

/// What the action gave.
#[derive(Clone, Debug)]
pub(super) enum Got {
    Output(Json, Value),
    Failure(Failure),
    /// Nothing, and why.
    Nothing(String),
}

/// A check that was evaluated.
pub(super) struct Judged<'a> {
    pub step: Option<StepId>,
    pub info: &'a CheckInfo,
    pub outcome: CheckOutcome,
}

impl<'a> World<'a> {
    pub fn new(plan: &'a SpecPlan, spec: &Spec, recording: &Recording) -> Self {
        let object = |pairs: Vec<(String, Value)>| Value::Object(pairs);
        let run = recording.run.as_ref();
        let of_run = run.map_or_else(Vec::new, |run| {
            vec![
                ("id".to_owned(), Value::String(run.id.0.clone())),
                (
                    "prefix".to_owned(),
                    Value::String(run.id.prefix(&plan.id, spec.attempt)),
                ),
                (
                    "seed".to_owned(),
                    Value::Int(i64::try_from(run.seed).unwrap_or(i64::MAX)),
                ),
            ]
        });
        let inputs = plan
            .inputs
            .iter()
            .map(|i| (i.name.clone(), i.value.clone()))
            .collect();
        // The last check's moment is near enough to all of them: `now()` speaks of ages, not of milliseconds.
        let now = spec
            .checks
            .last()
            .map(|c| c.at.as_str())
            .or(run.map(|r| r.started.as_str()))
            .and_then(|at| at.parse().ok())
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let mut world = Self {
            plan,
            fixed: [
                ("inputs", object(inputs)),
                ("matrix", object(plan.matrix.clone())),
                ("run", object(of_run)),
            ],
            steps: Vec::with_capacity(plan.steps.len()),
            values: vec![None; plan.steps.len()],
            now,
        };
        for (ix, step) in plan.steps.iter().enumerate() {
            let read = world.read(step, spec);
            world.steps.push(read);
            world.refresh(ix);
        }
        world
    }

    /// Every check, in the order in which a run evaluates them.
    pub fn judge(&self) -> Vec<Judged<'a>> {
        let mut all: Vec<_> = (0..self.steps.len()).flat_map(|ix| self.judge_step(ix)).collect();
        all.extend(self.plan.expect.iter().map(|c| self.judge_own(c)));
        all
    }

    /// Only the checks that look at a step.
    pub fn judge_around(&self, ix: NodeIx) -> Vec<Judged<'a>> {
        let mut all = self.judge_step(ix);
        for (other, step) in self.plan.steps.iter().enumerate() {
            if other != ix && checks(step).any(|c| c.uses.contains(&ix)) {
                all.extend(self.judge_step(other));
            }
        }
        let own = self.plan.expect.iter().filter(|c| c.uses.contains(&ix));
        all.extend(own.map(|c| self.judge_own(c)));
        all
    }

    /// Takes a changed result into the values that others see.
    pub fn refresh(&mut self, ix: NodeIx) {
        let outputs: Option<Vec<Value>> = self.steps[ix]
            .turns
            .iter()
            .map(|t| match &t.got {
                Got::Output(_, value) => Some(value.clone()),
                Got::Failure(_) | Got::Nothing(_) => None,
            })
            .collect();
        self.values[ix] = match (outputs, &self.plan.steps[ix].for_each) {
            (Some(all), Some(_)) if !all.is_empty() => Some(Value::List(all)),
            (Some(mut one), None) => one.pop(),
            _ => None,
        };
    }

    fn read(&self, step: &StepPlan, spec: &Spec) -> Step {
        let recorded = spec.steps.get(&step.id);
        if recorded.is_some_and(|r| r.skipped) {
            return Step {
                turns: Vec::new(),
                skipped: true,
            };
        }
        let got = |id: &StepId| match spec.steps.get(id) {
            None => Got::Nothing(format!("step `{id}` did not run in the recorded run")),
            Some(r) => match (&r.output, &r.failure) {
                (_, Some(failure)) => Got::Failure(failure.clone()),
                (Some(output), None) => read_output(output, &step.output),
                (None, None) => {
                    let why = r.reason.as_deref().unwrap_or_else(|| r.verdict.word());
                    Got::Nothing(format!("step `{id}` has no output: {why}"))
                }
            },
        };
        let turns = match &step.for_each {
            None => vec![Turn {
                id: step.id.clone(),
                item: None,
                got: got(&step.id),
            }],
            Some(each) => {
                let items = self.items(each);
                (0..spec.steps.len())
                    .map(|n| StepId(format!("{}[{n}]", step.id)))
                    .take_while(|id| spec.steps.contains_key(id))
                    .enumerate()
                    .map(|(n, id)| Turn {
                        item: items.get(n).cloned(),
                        got: got(&id),
                        id,
                    })
                    .collect()
            }
        };
        Step {
            turns,
            skipped: false,
        }
    }

    /// The elements of a `for_each`, as far as they are known without running.
    fn items(&self, each: &ForEach) -> Vec<Value> {
        let view = View {
            world: self,
            own: None,
            item: None,
        };
        let one = |params: &Params| match params {
            Params::Text(text) => text.value.alone().and_then(|e| eval(e, &view).ok()),
            Params::Literal(json) => Value::from_json(json, &Type::Any).ok(),
            Params::List(_) | Params::Map(_) => None,
        };
        match &each.items {
            Params::List(list) => list.iter().map(|p| one(p).unwrap_or(Value::Null)).collect(),
            other => match one(other) {
                Some(Value::List(items)) => items,
                _ => Vec::new(),
            },
        }
    }

    fn judge_step(&self, ix: NodeIx) -> Vec<Judged<'a>> {
        let plan = &self.plan.steps[ix];
        let step = &self.steps[ix];
        let counted = matches!(plan.role, Role::Precondition | Role::Step);
        if step.skipped || !counted {
            return Vec::new();
        }
        let mut all = Vec::new();
        if step.turns.is_empty() {
            let why = format!("step `{}` did not run in the recorded run", plan.id);
            for info in infos(plan) {
                all.push(not_evaluated(Some(&plan.id), info, &why));
            }
        }
        for turn in &step.turns {
            self.judge_turn(plan, turn, &mut all);
        }
        if plan.role == Role::Precondition {
            for judged in &mut all {
                if judged.outcome.verdict != Verdict::Passed {
                    judged.outcome.verdict = Verdict::Blocked;
                }
            }
        }
        all
    }

    fn judge_turn(&self, plan: &'a StepPlan, turn: &Turn, all: &mut Vec<Judged<'a>>) {
        let mut push = |info: &'a CheckInfo, outcome| {
            all.push(Judged {
                step: Some(turn.id.clone()),
                info,
                outcome,
            });
        };
        let value = match (&turn.got, &plan.expect_failure) {
            (Got::Output(json, value), wanted) => {
                if let Some(wanted) = wanted {
                    push(&wanted.info, expected::judge(wanted, Ok(json)));
                }
                value
            }
            (Got::Failure(failure), Some(wanted)) => {
                push(&wanted.info, expected::judge(wanted, Err(failure)));
                return;
            }
            (Got::Failure(failure), None) => {
                for info in infos(plan) {
                    all.push(not_evaluated(Some(&turn.id), info, &failure.message));
                }
                return;
            }
            (Got::Nothing(why), _) => {
                for info in infos(plan) {
                    all.push(not_evaluated(Some(&turn.id), info, why));
                }
                return;
            }
        };
        let view = View {
            world: self,
            own: Some((plan.id.as_str(), value)),
            item: plan
                .for_each
                .as_ref()
                .and_then(|e| turn.item.as_ref().map(|item| (e.name.as_str(), item))),
        };
        for check in checks(plan) {
            push(&check.info, decide(&check.expr, &view, check.confidence));
        }
    }

    fn judge_own(&self, check: &'a CheckPlan) -> Judged<'a> {
        let missing = check
            .uses
            .iter()
            .find(|ix| self.values.get(**ix).is_some_and(Option::is_none) && !self.steps[**ix].skipped);
        if let Some(ix) = missing {
            let id = &self.plan.steps[*ix].id;
            return not_evaluated(None, &check.info, &format!("step `{id}` has no recorded output"));
        }
        let view = View {
            world: self,
            own: None,
            item: None,
        };
        Judged {
            step: None,
            info: &check.info,
            outcome: decide(&check.expr, &view, check.confidence),
        }
    }
}

/// The output as the value it promises to be.
pub(super) fn read_output(json: &Json, ty: &Type) -> Got {
    match Value::from_json(json, ty) {
        Ok(value) => Got::Output(json.clone(), value),
        Err(e) => Got::Nothing(format!(
            "its recorded output is not what the action promises now: {e}"
        )),
    }
}

/// The checks of a step that look at its output.
pub(super) fn checks(step: &StepPlan) -> impl Iterator<Item = &CheckPlan> {
    let until = step.poll.iter().filter_map(|p| p.until.as_ref());
    until.chain(&step.expect)
}

fn infos(step: &StepPlan) -> impl Iterator<Item = &CheckInfo> {
    let expected = step.expect_failure.iter().map(|e| &e.info);
    checks(step).map(|c| &c.info).chain(expected)
}

fn not_evaluated<'a>(step: Option<&StepId>, info: &'a CheckInfo, why: &str) -> Judged<'a> {
    Judged {
        step: step.cloned(),
        info,
        outcome: CheckOutcome::new(Verdict::Errored, format!("not evaluated: {why}")),
    }
}

/// The names one check sees.
struct View<'a> {
    world: &'a World<'a>,
    own: Option<(&'a str, &'a Value)>,
    item: Option<(&'a str, &'a Value)>,
}

impl Scope for View<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        if let Some((own, value)) = self.own
            && (name == "." || name == own)
        {
            return Some(value.clone());
        }
        if let Some((item, value)) = self.item
            && name == item
        {
            return Some(value.clone());
        }
        if let Some((_, value)) = self.world.fixed.iter().find(|(n, _)| *n == name) {
            return Some(value.clone());
        }
        let ix = self.world.plan.steps.iter().position(|s| s.id.as_str() == name)?;
        self.world.values[ix].clone()
    }

    fn is_output(&self, name: &str) -> bool {
        match name {
            "." => self.own.is_some(),
            name => self.world.plan.steps.iter().any(|s| s.id.as_str() == name),
        }
    }

    fn now(&self) -> jiff::Timestamp {
        self.world.now
    }
}
