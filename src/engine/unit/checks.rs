//! Checks: evaluated, recorded, counted.

use super::scope::Local;
use std::sync::PoisonError;

use super::{Unit, follows};
use crate::check::{CheckOutcome, Verdict, decide};
use crate::event::{CheckInfo, EventKind, Role, Severity};
use crate::plan::{CheckPlan, StepPlan};
use crate::value::StepId;

/// What a check found for one element of a `for_each`.
pub(super) struct Element {
    id: StepId,
    verdict: Verdict,
    message: String,
}

impl Unit<'_> {
    /// Evaluates a check without recording it: what `eventually` does many times.
    pub(super) fn decide(&self, check: &CheckPlan, local: Local<'_>) -> CheckOutcome {
        decide(&check.expr, &self.names.view(local), check.confidence)
    }

    /// Records the outcome of a step's check; says what it means for the step.
    pub(super) fn checked(
        &self,
        step: &StepPlan,
        id: &StepId,
        info: &CheckInfo,
        mut outcome: CheckOutcome,
    ) -> Verdict {
        outcome.verdict = in_role(step.role, outcome.verdict);
        let verdict = outcome.verdict;
        if step.role == Role::Step && info.severity == Severity::Critical {
            self.tally(super::Tally::evaluated);
        }
        self.record(step, id, info, outcome);
        if info.severity == Severity::Critical {
            verdict
        } else {
            Verdict::Passed
        }
    }

    /// Records that none of these checks of a step could be looked at.
    pub(super) fn none_evaluated<'i>(
        &self,
        step: &StepPlan,
        id: &StepId,
        infos: impl Iterator<Item = &'i CheckInfo>,
        verdict: Verdict,
        why: &str,
    ) {
        for info in infos {
            self.record(step, id, info, not_evaluated(verdict, why));
        }
    }

    /// Records for a `for_each` step as a whole what the checks of its elements came to.
    pub(super) fn sum_up<'i>(&self, step: &StepPlan, infos: impl Iterator<Item = &'i CheckInfo>) {
        for info in infos {
            let mut elements = self.elements.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(all) = elements.remove(&info.id) else {
                continue;
            };
            drop(elements);
            let verdict = all
                .iter()
                .map(|e| e.verdict)
                .fold(Verdict::Passed, Verdict::worst);
            let bad: Vec<&Element> = all.iter().filter(|e| e.verdict != Verdict::Passed).collect();
            let message = match bad.iter().find(|e| e.verdict == verdict) {
                None => format!("for all {} elements", all.len()),
                Some(worst) => format!(
                    "{} of {} elements; `{}`: {}",
                    bad.len(),
                    all.len(),
                    worst.id,
                    worst.message
                ),
            };
            let outcome = CheckOutcome::new(verdict, message);
            self.emit_check(Some(&step.id), info.clone(), outcome);
        }
    }

    /// Writes a check of a step down. The checks of elements are told apart by the element, so that none hides another.
    fn record(&self, step: &StepPlan, id: &StepId, info: &CheckInfo, outcome: CheckOutcome) {
        let mut info = info.clone();
        if *id != step.id
            && let Some(rest) = info.id.strip_prefix(step.id.as_str())
        {
            let own = format!("{id}{rest}");
            let element = Element {
                id: id.clone(),
                verdict: outcome.verdict,
                message: outcome.message.clone(),
            };
            let mut elements = self.elements.lock().unwrap_or_else(PoisonError::into_inner);
            elements.entry(info.id).or_default().push(element);
            info.id = own;
        }
        self.emit_check(Some(id), info, outcome);
    }

    fn emit_check(&self, step: Option<&StepId>, check: CheckInfo, outcome: CheckOutcome) {
        self.emit(step, EventKind::Checked { check, outcome });
    }

    /// The spec's own checks, when all steps have ended.
    pub(super) fn final_checks(&self) {
        for check in &self.spec.expect {
            if let Some((verdict, why)) = self.missing(check) {
                self.emit_check(None, check.info.clone(), not_evaluated(verdict, &why));
                if check.info.severity == Severity::Critical {
                    let reason = format!("check `{}` was not evaluated: {why}", check.info.id);
                    self.tally(|t| t.add(verdict, reason));
                }
                continue;
            }
            let outcome = self.decide(check, Local::default());
            if check.info.severity == Severity::Critical {
                let reason = format!("check `{}`: {}", check.info.id, outcome.message);
                self.tally(|t| {
                    t.evaluated();
                    t.add(outcome.verdict, reason);
                });
            }
            self.emit_check(None, check.info.clone(), outcome);
        }
    }

    /// Records that none of the spec's own checks could be looked at.
    pub(super) fn no_final_checks(&self, verdict: Verdict, why: &str) {
        for check in &self.spec.expect {
            self.emit_check(None, check.info.clone(), not_evaluated(verdict, why));
        }
    }

    /// Why a check has nothing to look at: a step it uses gave no output, or everything was cut off. A skipped step
    /// is left to the expression, which may ask `is present`.
    fn missing(&self, check: &CheckPlan) -> Option<(Verdict, String)> {
        let ended = self.ended();
        for &ix in &check.uses {
            let Some(step) = self.spec.steps.get(ix) else {
                continue;
            };
            match ended.get(ix).and_then(Option::as_ref) {
                Some(e) if e.output.is_some() || e.skipped => {}
                Some(e) => {
                    let why = format!("step `{}` has no output ({})", step.id, e.verdict);
                    return Some((follows(e.verdict), why));
                }
                None => return Some((Verdict::Errored, format!("step `{}` did not run", step.id))),
            }
        }
        drop(ended);
        let cut = self.cancel.is_cancelled() && check.uses.is_empty();
        cut.then(|| self.cut_off())
    }
}

/// What a verdict is in a step of this role: a precondition that does not hold blocks, it does not fail.
pub(super) const fn in_role(role: Role, verdict: Verdict) -> Verdict {
    match (role, verdict) {
        (Role::Precondition, Verdict::Failed | Verdict::Errored | Verdict::Inconclusive) => Verdict::Blocked,
        _ => verdict,
    }
}

fn not_evaluated(verdict: Verdict, why: &str) -> CheckOutcome {
    CheckOutcome::new(verdict, format!("not evaluated: {why}"))
}
