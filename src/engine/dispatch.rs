//! Decides which spec begins when, and hears the outside: stop requests and the deadline of the run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rand::SeedableRng;
use rand::seq::SliceRandom;

use super::control::Stop;
use super::locks::Held;
use super::options::Options;
use super::recorder::Recorder;
use super::run::Run;
use super::unit;
use crate::check::Verdict;
use crate::event::{EventKind, Severity};
use crate::plan::SpecPlan;

/// Runs all specs of the plan.
pub(super) async fn all(run: &Run) {
    let mut queue: VecDeque<Arc<SpecPlan>> = in_order(run).into();
    queue.retain(|spec| !blocked(&run.recorder, &run.options, spec));
    let mut running = FuturesUnordered::new();
    let mut stop = run.control.watch();
    let mut not_passed = 0;
    let clock = run.control.clock();
    let deadline = async {
        match run.options.deadline {
            Some(d) => clock.sleep(d).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(deadline);
    hear(run, &stop.borrow_and_update());
    loop {
        let enough = run.options.max_fail.is_some_and(|most| not_passed >= most);
        let may_start = !enough && !run.graceful.is_cancelled();
        // Registered before the queue is looked through, so that no release is missed.
        let freed = run.locks.freed();
        tokio::pin!(freed);
        freed.as_mut().enable();
        while may_start && running.len() < run.options.jobs.max(1) {
            let Some((spec, held)) = next(run, &mut queue) else {
                break;
            };
            running.push(tries(run, spec, held));
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            biased;
            changed = stop.changed(), if !run.now.is_cancelled() => {
                if changed.is_ok() {
                    hear(run, &stop.borrow_and_update());
                }
            }
            Some((spec, verdict)) = running.next() => {
                if verdict != Verdict::Passed && spec.severity == Severity::Critical {
                    not_passed += 1;
                }
            }
            () = &mut deadline, if !run.graceful.is_cancelled() => {
                let why = format!("the run did not end within {:?}", run.options.deadline.unwrap_or_default());
                run.recorder.emit(None, None, EventKind::Note { message: why.clone() });
                run.wind_down(&why);
            }
            () = freed, if may_start && !queue.is_empty() => {}
        }
    }
    for spec in queue {
        let reason = if run.graceful.is_cancelled() {
            format!("not started: {}", run.why_stopped())
        } else {
            format!("not started: {not_passed} specs did not pass (`--max-fail`)")
        };
        not_begun(&run.recorder, &spec, Verdict::Cancelled, reason);
    }
}

/// Whether the spec may not begin; then it has ended.
pub(super) fn blocked(recorder: &Recorder, options: &Options, spec: &SpecPlan) -> bool {
    let reason = options.blocked.get(&spec.id);
    if let Some(reason) = reason {
        not_begun(recorder, spec, Verdict::Blocked, reason.clone());
    }
    reason.is_some()
}

/// The end of a spec that never began.
fn not_begun(recorder: &Recorder, spec: &SpecPlan, verdict: Verdict, reason: String) {
    let kind = EventKind::SpecFinished {
        verdict,
        reason: Some(reason),
        duration: 0.0,
        attempt: 1,
    };
    recorder.emit(Some(&spec.id), None, kind);
}

fn in_order(run: &Run) -> Vec<Arc<SpecPlan>> {
    let mut specs = run.plan.specs.clone();
    if run.options.shuffle {
        specs.shuffle(&mut rand::rngs::StdRng::seed_from_u64(run.options.seed));
    }
    specs
}

/// The first spec whose locks are free, with its locks: one that has to wait holds no job.
fn next<'a>(run: &'a Run, queue: &mut VecDeque<Arc<SpecPlan>>) -> Option<(Arc<SpecPlan>, Held<'a>)> {
    let found = queue
        .iter()
        .enumerate()
        .find_map(|(i, spec)| Some((i, run.locks.try_take(&unit::locks_for_all(spec))?)));
    let (i, held) = found?;
    queue.remove(i).map(|spec| (spec, held))
}

/// Tries a spec as often as is allowed.
async fn tries(run: &Run, spec: Arc<SpecPlan>, held: Held<'_>) -> (Arc<SpecPlan>, Verdict) {
    let mut attempt = 1;
    let verdict = loop {
        let verdict = unit::run(run, &spec, attempt).await;
        let again = matches!(
            verdict,
            Verdict::Failed | Verdict::Errored | Verdict::Inconclusive
        );
        if !again || attempt > run.options.retries || run.graceful.is_cancelled() {
            break verdict;
        }
        attempt += 1;
    };
    drop(held);
    (spec, verdict)
}

fn hear(run: &Run, stop: &Stop) {
    let why = match stop {
        Stop::No => return,
        Stop::Gracefully { why } | Stop::Now { why } => why,
    };
    run.recorder
        .emit(None, None, EventKind::Signalled { signal: why.clone() });
    run.wind_down(why);
    if matches!(stop, Stop::Now { .. }) {
        run.now.cancel();
    }
}

/// How long an action that was told to end may take over it before it is abandoned.
pub(super) const TO_END: Duration = Duration::from_secs(2);

/// How long a step that creates something may go on by itself when the run is stopped.
pub(super) const TO_SETTLE: Duration = Duration::from_secs(1);
