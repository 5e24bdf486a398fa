//! One spec from its start to its verdict: preconditions, steps, checks, diagnostics, cleanup.
//!
//! Whatever happens in the first three (a failure, a panic, a deadline, a signal), the last two follow.

mod act;
mod attempts;
mod checks;
mod cleanup;
mod graph;
mod programs;
mod render;
mod scope;
mod step;
mod tally;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use self::checks::Element;
use self::cleanup::Promise;
pub(super) use self::programs::Versions;
use self::scope::Names;
use self::tally::{Ended, Tally};
use super::clock::{Clock, Moment};
use super::run::Run;
use crate::check::Verdict;
use crate::event::{EventKind, Role};
use crate::plan::SpecPlan;
use crate::value::StepId;

/// A spec while it runs.
struct Unit<'a> {
    run: &'a Run,
    spec: &'a SpecPlan,
    /// Which try of the spec this is, from 1.
    attempt: u32,
    started: Moment,
    /// Cancelled when its steps shall end: the run stops, or its time is over.
    cancel: CancellationToken,
    timed_out: AtomicBool,
    names: Names<'a>,
    /// How each step ended, by index.
    ended: Mutex<Vec<Option<Ended>>>,
    tally: Mutex<Tally>,
    /// What the checks of the elements of a running `for_each` found, by the check's own id.
    elements: Mutex<HashMap<String, Vec<Element>>>,
    /// What has to be undone, newest last.
    promises: Mutex<Vec<Promise<'a>>>,
}

/// The locks a spec holds from start to end.
///
/// Locks of single steps are among them when the spec would otherwise wait for one while it holds another, which is
/// how two specs wait for each other for ever.
pub(super) fn locks_for_all(spec: &SpecPlan) -> Vec<String> {
    let mut names = spec.locks.clone();
    if held_throughout(spec) {
        names.extend(spec.steps.iter().flat_map(|s| s.locks.iter().cloned()));
        names.sort_unstable();
        names.dedup();
    }
    names
}

fn held_throughout(spec: &SpecPlan) -> bool {
    !spec.locks.is_empty() || spec.steps.iter().any(|s| s.background && !s.locks.is_empty())
}

/// Runs a spec once.
pub(super) async fn run(run: &Run, spec: &SpecPlan, attempt: u32) -> Verdict {
    let unit = Unit {
        run,
        spec,
        attempt,
        started: run.control.clock().now(),
        cancel: run.graceful.child_token(),
        timed_out: AtomicBool::new(false),
        names: Names::new(run, spec, attempt),
        ended: Mutex::new((0..spec.steps.len()).map(|_| None).collect()),
        tally: Mutex::default(),
        elements: Mutex::default(),
        promises: Mutex::default(),
    };
    unit.emit(None, EventKind::SpecStarted {});
    let broke = |panic: &(dyn std::any::Any + Send)| {
        let why = format!("specrun itself broke: {}", act::panic_text(panic));
        unit.tally(|t| t.add(Verdict::Errored, why));
    };
    let main = AssertUnwindSafe(unit.main()).catch_unwind().await;
    if let Err(panic) = main {
        broke(&*panic);
    }
    let rest = AssertUnwindSafe(unit.afterwards()).catch_unwind().await;
    if let Err(panic) = rest {
        broke(&*panic);
    }
    let (verdict, reason) = unit.tally(Tally::verdict);
    unit.emit(
        None,
        EventKind::SpecFinished {
            verdict,
            reason,
            duration: (unit.clock().now() - unit.started).as_secs_f64(),
            attempt,
        },
    );
    verdict
}

impl<'a> Unit<'a> {
    fn clock(&self) -> &'a Clock {
        self.run.control.clock()
    }

    fn emit(&self, step: Option<&StepId>, kind: EventKind) {
        self.run.recorder.emit(Some(&self.spec.id), step, kind);
    }

    fn tally<R>(&self, f: impl FnOnce(&mut Tally) -> R) -> R {
        f(&mut self
            .tally
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    async fn main(&self) {
        if let Some((verdict, why)) = self.unfit().await {
            self.tally(|t| t.add(verdict, why.clone()));
            self.nothing_runs(&[Role::Precondition, Role::Step], verdict, &why);
            return;
        }
        self.graph(Role::Precondition).await;
        if let Some(verdict) = self.not_met() {
            self.nothing_runs(&[Role::Step], follows(verdict), "a precondition is not met");
            return;
        }
        self.graph(Role::Step).await;
        self.final_checks();
    }

    /// Ends all steps of these roles, and the spec's own checks, without a look at them.
    fn nothing_runs(&self, roles: &[Role], verdict: Verdict, reason: &str) {
        for (ix, step) in self.spec.steps.iter().enumerate() {
            if roles.contains(&step.role) {
                let ended = self.not_run(step, verdict, &format!("not run: {reason}"));
                self.set_ended(ix, ended);
            }
        }
        self.no_final_checks(verdict, reason);
    }

    /// Diagnostics and cleanup, bounded by the grace once the run was asked to stop.
    async fn afterwards(&self) {
        let cancel = self.run.now.child_token();
        let work = async {
            let (verdict, _) = self.tally(Tally::verdict);
            let broken = !matches!(verdict, Verdict::Passed | Verdict::Cancelled);
            if broken && !self.run.graceful.is_cancelled() {
                self.diagnose(&cancel).await;
            }
            self.clean_up(&cancel).await;
        };
        tokio::pin!(work);
        tokio::select! {
            () = &mut work => return,
            () = self.run.grace_over() => cancel.cancel(),
        }
        work.await;
    }

    /// Runs the `on_failure` steps one after the other; what they come to changes no verdict.
    async fn diagnose(&self, cancel: &CancellationToken) {
        for (ix, step) in self.spec.steps.iter().enumerate() {
            if step.role == Role::OnFailure && !cancel.is_cancelled() {
                let ended = self.step(step, cancel, None).await;
                self.set_ended(ix, ended);
            }
        }
    }

    /// The verdict of the worst precondition, when one is not met.
    fn not_met(&self) -> Option<Verdict> {
        let ended = self.ended();
        let steps = self.spec.steps.iter().zip(ended.iter());
        steps
            .filter(|(step, _)| step.role == Role::Precondition)
            .filter_map(|(_, ended)| ended.as_ref())
            .filter(|ended| !ended.lets_others_run())
            .map(|ended| ended.verdict)
            .reduce(Verdict::worst)
    }

    fn ended(&self) -> std::sync::MutexGuard<'_, Vec<Option<Ended>>> {
        self.ended
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn set_ended(&self, ix: usize, ended: Ended) {
        if let Some(slot) = self.ended().get_mut(ix) {
            *slot = Some(ended);
        }
    }

    /// The verdict and reason of something that was cut off.
    fn cut_off(&self) -> (Verdict, String) {
        if self.timed_out.load(Ordering::Relaxed) {
            (
                Verdict::Errored,
                format!("the spec did not end within {:?}", self.spec.timeout),
            )
        } else {
            (Verdict::Cancelled, self.run.why_stopped().to_owned())
        }
    }
}

/// The verdict of what could not happen because something before it ended with `cause`.
const fn follows(cause: Verdict) -> Verdict {
    match cause {
        Verdict::Blocked | Verdict::Cancelled => cause,
        Verdict::Passed | Verdict::Failed | Verdict::Errored | Verdict::Inconclusive => Verdict::Errored,
    }
}
