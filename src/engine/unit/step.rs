//! One step with all its rules: `if`, locks, `for_each`, attempts, its checks, its verdict.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::attempts::{Got, Turn};
use super::checks::in_role;
use super::scope::Local;
use super::tally::Ended;
use super::{Unit, follows, held_throughout, render};
use crate::action::OwnCheck;
use crate::check::{CheckOutcome, Class, Failure, Verdict};
use crate::engine::clock::Moment;
use crate::event::{CheckInfo, EventKind, Role, Severity};
use crate::plan::{CheckPlan, ForEach, StepPlan, expected};
use crate::value::expr::eval;
use crate::value::{StepId, Value};

/// Set when a background step is told to end because all others have.
pub(super) type Dismissed<'a> = Option<&'a AtomicBool>;

impl<'a> Unit<'a> {
    /// Runs a step to its end. Its events are recorded; what it means for the spec is not yet.
    pub(super) async fn step(
        &self,
        step: &'a StepPlan,
        cancel: &CancellationToken,
        dismissed: Dismissed<'_>,
    ) -> Ended {
        match self.wanted(step, Local::default()) {
            Ok(true) => {}
            Ok(false) => return self.skipped(step),
            Err(failure) => return self.never_began(step, &step.id, failure),
        }
        let names: &[String] = if held_throughout(self.spec) {
            &[]
        } else {
            &step.locks
        };
        let _held = tokio::select! {
            biased;
            held = self.run.locks.take(names) => held,
            () = cancel.cancelled() => {
                let (verdict, why) = self.cut_off();
                return self.not_run(step, verdict, &format!("not run: {why}"));
            }
        };
        match &step.for_each {
            None => {
                let (ended, value) = self.turn(step, &step.id, None, cancel, dismissed).await;
                if let Some(value) = value {
                    self.names.set(step, value);
                }
                ended
            }
            Some(each) => self.each(step, each, cancel, dismissed).await,
        }
    }

    /// Whether `if` holds.
    pub(super) fn wanted(&self, step: &StepPlan, local: Local<'_>) -> Result<bool, Failure> {
        let Some(condition) = &step.condition else {
            return Ok(true);
        };
        let expr = &condition.value;
        match eval(expr, &self.names.view(local)) {
            Ok(Value::Bool(b)) => Ok(b),
            Ok(other) => Err(Failure::new(
                Class::BadParameter,
                format!("`if: {expr}` must be true or false, got {}", other.describe()),
            )),
            Err(e) => Err(Failure::new(
                Class::BadParameter,
                format!("`if: {expr}` has no value: {}", e.message),
            )),
        }
    }

    async fn each(
        &self,
        step: &'a StepPlan,
        each: &'a ForEach,
        cancel: &CancellationToken,
        dismissed: Dismissed<'_>,
    ) -> Ended {
        let items = match render::items(&each.items, &self.names.view(Local::default())) {
            Ok(items) => items,
            Err(failure) => return self.never_began(step, &step.id, failure),
        };
        let began = self.clock().now();
        let shown: Vec<Json> = items.iter().map(Value::to_json).collect();
        self.emit(
            Some(&step.id),
            EventKind::StepStarted {
                role: step.role,
                action: step.action.name().to_owned(),
                attempt: 1,
                params: json!({ each.name.as_str(): shown }),
            },
        );
        let mut worst = Ended {
            verdict: Verdict::Passed,
            skipped: false,
            reason: None,
            output: None,
        };
        if items.is_empty() {
            let verdict = in_role(step.role, Verdict::Inconclusive);
            worst = Ended::new(verdict, "`for_each` has nothing to run for: the list is empty");
            self.none_evaluated(step, &step.id, infos(step), verdict, "`for_each` had no element");
        }
        let mut outputs = Vec::with_capacity(items.len());
        let mut values = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            let id = StepId(format!("{}[{n}]", step.id));
            if cancel.is_cancelled() {
                let (verdict, why) = self.cut_off();
                self.none_evaluated(step, &id, infos(step), verdict, &why);
                worst = worse(worst, &id, &Ended::new(verdict, format!("not run: {why}")));
                break;
            }
            let item = Some((each.name.as_str(), item));
            let (ended, value) = self.turn(step, &id, item, cancel, dismissed).await;
            outputs.extend(ended.output.clone());
            values.extend(value);
            worst = worse(worst, &id, &ended);
        }
        self.sum_up(step, infos(step));
        // A list with gaps would be taken for all there is.
        if values.len() == items.len() {
            worst.output = Some(Json::Array(outputs));
            self.names.set(step, Value::List(values));
        }
        self.finished(
            step,
            &step.id,
            &worst,
            None,
            u32::try_from(items.len()).unwrap_or(u32::MAX),
            began,
        );
        worst
    }

    /// Runs a step once (for one element): parameters, promises of cleanup, attempts, checks.
    pub(super) async fn turn(
        &self,
        step: &'a StepPlan,
        id: &StepId,
        item: Option<(&str, &Value)>,
        cancel: &CancellationToken,
        dismissed: Dismissed<'_>,
    ) -> (Ended, Option<Value>) {
        let began = self.clock().now();
        let local = Local { item, own: None };
        let params = match render::parameters(step, &self.names.view(local)) {
            Ok(params) => params,
            Err(failure) => return (self.never_began(step, id, failure), None),
        };
        self.promise(step, id, item);
        let turn = Turn {
            step,
            id,
            item,
            params: &params,
            cancel,
        };
        let got = self.attempts(turn).await;
        if let Ok((_, value)) = &got.result {
            self.fulfil(step, id, value);
        }
        let attempts = got.attempts;
        let (ended, failure, value) = self.judge(turn, got, dismissed);
        self.finished(step, id, &ended, failure, attempts, began);
        (ended, value)
    }

    fn judge(
        &self,
        turn: Turn<'_>,
        got: Got,
        dismissed: Dismissed<'_>,
    ) -> (Ended, Option<Failure>, Option<Value>) {
        let step = turn.step;
        let dismissed = dismissed.is_some_and(|d| d.load(Ordering::Relaxed));
        let mut verdict = Verdict::Passed;
        let mut reason = None;
        let mut take = |v: Verdict, why: String| {
            if verdict.worst(v) != verdict {
                verdict = v;
                reason = Some(why);
            }
        };
        let cut = turn.cancel.is_cancelled() && !dismissed && step.role != Role::Cleanup;
        for OwnCheck {
            id,
            text,
            severity,
            outcome,
        } in got.own
        {
            let info = CheckInfo {
                id: format!("{}.{id}", step.id),
                text,
                severity,
                because: None,
                place: step.place.clone(),
            };
            let why = format!("check `{}`: {}", info.id, outcome.message);
            take(self.checked(step, turn.id, &info, outcome), why);
        }
        match got.result {
            Err(failure) if dismissed && failure.class == Class::Cancelled => {
                let why = "it was stopped, with the last of the other steps, before it had an output";
                self.none_evaluated(step, turn.id, infos(step), Verdict::Inconclusive, why);
                if infos(step).any(|info| info.severity == Severity::Critical) {
                    take(Verdict::Inconclusive, why.to_owned());
                }
                let ended = Ended {
                    verdict,
                    skipped: false,
                    reason: Some("stopped with the last of the other steps".to_owned()),
                    output: None,
                };
                (ended, None, None)
            }
            Err(failure) if step.expect_failure.is_some() && !(cut && failure.class == Class::Cancelled) => {
                let expected = step.expect_failure.as_ref().expect("it was just seen");
                let outcome = expected::judge(expected, Err(&failure));
                let why = outcome.message.clone();
                let class = failure_verdict(step.role, failure.class);
                let v = self.checked(step, turn.id, &expected.info, outcome);
                // Its own mistakes and missing powers are never someone's refusal.
                let own = matches!(
                    failure.class,
                    Class::Internal | Class::NotGranted | Class::Missing
                );
                take(if own && v != Verdict::Passed { class } else { v }, why);
                (with(verdict, reason, None), Some(failure), None)
            }
            Err(failure) => {
                let (v, why) = if cut && matches!(failure.class, Class::Cancelled | Class::Timeout) {
                    self.cut_off()
                } else {
                    (failure_verdict(step.role, failure.class), failure.message.clone())
                };
                self.none_evaluated(step, turn.id, infos(step), follows(v), &why);
                take(v, why);
                (with(verdict, reason, None), Some(failure), None)
            }
            Ok((output, value)) => {
                if let Some(expected) = &step.expect_failure {
                    let outcome = expected::judge(expected, Ok(&output));
                    let why = outcome.message.clone();
                    take(self.checked(step, turn.id, &expected.info, outcome), why);
                }
                let local = turn.local(Some(&value));
                let until = step.poll.as_ref().and_then(|p| p.until.as_ref()).zip(got.until);
                let checks = step.expect.iter().map(|c| (c, None::<CheckOutcome>));
                let all: Vec<(&CheckPlan, Option<CheckOutcome>)> = until
                    .map(|(c, o)| (c, Some(o)))
                    .into_iter()
                    .chain(checks)
                    .collect();
                for (check, outcome) in all {
                    let outcome = outcome.unwrap_or_else(|| self.decide(check, local));
                    let why = format!("check `{}`: {}", check.info.id, outcome.message);
                    take(self.checked(step, turn.id, &check.info, outcome), why);
                }
                (with(verdict, reason, Some(output)), None, Some(value))
            }
        }
    }

    fn skipped(&self, step: &StepPlan) -> Ended {
        if step.role == Role::Step {
            let checks = infos(step).filter(|i| i.severity == Severity::Critical).count();
            self.tally(|t| t.skipped(checks));
        }
        let ended = Ended {
            verdict: Verdict::Passed,
            skipped: true,
            reason: Some("`if` is false".to_owned()),
            output: None,
        };
        self.finished(step, &step.id, &ended, None, 0, self.clock().now());
        ended
    }

    /// Ends a step whose turn came but that could not act.
    fn never_began(&self, step: &StepPlan, id: &StepId, failure: Failure) -> Ended {
        let verdict = failure_verdict(step.role, failure.class);
        self.none_evaluated(step, id, infos(step), follows(verdict), &failure.message);
        let ended = Ended::new(verdict, failure.message.clone());
        self.finished(step, id, &ended, Some(failure), 0, self.clock().now());
        ended
    }

    /// Ends a step whose turn never came.
    pub(super) fn not_run(&self, step: &StepPlan, verdict: Verdict, reason: &str) -> Ended {
        self.none_evaluated(step, &step.id, infos(step), verdict, reason);
        let ended = Ended::new(verdict, reason);
        self.finished(step, &step.id, &ended, None, 0, self.clock().now());
        ended
    }

    fn finished(
        &self,
        step: &StepPlan,
        id: &StepId,
        ended: &Ended,
        failure: Option<Failure>,
        attempts: u32,
        began: Moment,
    ) {
        self.emit(
            Some(id),
            EventKind::StepFinished {
                role: step.role,
                verdict: ended.verdict,
                reason: ended.reason.clone(),
                output: ended.output.clone(),
                failure,
                attempts,
                duration: (self.clock().now() - began).as_secs_f64(),
                skipped: ended.skipped,
            },
        );
    }
}

/// Every check a step has.
fn infos(step: &StepPlan) -> impl Iterator<Item = &CheckInfo> {
    let until = step.poll.iter().filter_map(|p| p.until.as_ref()).map(|c| &c.info);
    let expected = step.expect_failure.iter().map(|e| &e.info);
    until.chain(step.expect.iter().map(|c| &c.info)).chain(expected)
}

/// What a failure of the action means for the step.
fn failure_verdict(role: Role, class: Class) -> Verdict {
    match class {
        Class::Internal | Class::NotGranted => Verdict::Errored,
        Class::Missing => Verdict::Blocked,
        _ => in_role(role, Verdict::Errored),
    }
}

fn with(verdict: Verdict, reason: Option<String>, output: Option<Json>) -> Ended {
    Ended {
        verdict,
        skipped: false,
        reason,
        output,
    }
}

/// The worse of what elements came to so far and one more.
fn worse(so_far: Ended, id: &StepId, one: &Ended) -> Ended {
    if so_far.verdict.worst(one.verdict) == so_far.verdict {
        return so_far;
    }
    let why = one.reason.as_deref().unwrap_or(one.verdict.word());
    Ended::new(one.verdict, format!("`{id}`: {why}"))
}
