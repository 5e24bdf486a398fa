//! Checks: evaluated, recorded, counted.

use super::scope::Local;
use super::{Unit, follows};
use crate::check::{CheckOutcome, Verdict, decide};
use crate::event::{CheckInfo, EventKind, Role, Severity};
use crate::plan::{CheckPlan, StepPlan};
use crate::value::StepId;

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
        self.emit(
            Some(id),
            EventKind::Checked {
                check: info.clone(),
                outcome,
            },
        );
        if info.severity == Severity::Critical {
            verdict
        } else {
            Verdict::Passed
        }
    }

    /// Records that a check could not be looked at.
    pub(super) fn not_evaluated(&self, step: Option<&StepId>, info: &CheckInfo, verdict: Verdict, why: &str) {
        let outcome = CheckOutcome::new(verdict, format!("not evaluated: {why}"));
        self.emit(
            step,
            EventKind::Checked {
                check: info.clone(),
                outcome,
            },
        );
    }

    /// The spec's own checks, when all steps have ended.
    pub(super) fn final_checks(&self) {
        for check in &self.spec.expect {
            if let Some((verdict, why)) = self.missing(check) {
                self.not_evaluated(None, &check.info, verdict, &why);
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
            self.emit(
                None,
                EventKind::Checked {
                    check: check.info.clone(),
                    outcome,
                },
            );
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
