//! The order of steps: each begins when all it follows have ended, and the background ends with the foreground.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::act::panic_text;
use super::tally::Ended;
use super::{Unit, tally};
use crate::check::Verdict;
use crate::event::Role;
use crate::plan::NodeIx;

/// What of the graph has happened.
struct Progress {
    /// How many things each step still waits for.
    waits: Vec<usize>,
    /// Who waits for the end, and who for the start, of a step.
    on_end: Vec<Vec<NodeIx>>,
    on_start: Vec<Vec<NodeIx>>,
    ready: BTreeSet<NodeIx>,
    left: usize,
    foreground_left: usize,
}

/// A background step that runs.
struct Background {
    cancel: CancellationToken,
    /// It was told to end because all others have.
    dismissed: AtomicBool,
}

impl Unit<'_> {
    /// Runs all steps of a role. Returns when all have ended, each with its verdict counted.
    pub(super) async fn graph(&self, role: Role) {
        let mut progress = self.waits(role);
        let background: Vec<Background> = self
            .spec
            .steps
            .iter()
            .map(|_| Background {
                cancel: self.cancel.child_token(),
                dismissed: AtomicBool::new(false),
            })
            .collect();
        let mut behind = BTreeSet::new();
        let mut running = FuturesUnordered::new();
        let time_over = self.clock().sleep_until(self.started + self.spec.timeout);
        tokio::pin!(time_over);
        loop {
            while let Some(ix) = progress.ready.pop_first() {
                progress.has_started(ix);
                if let Some((verdict, why)) = self.obstacle(ix) {
                    let ended = self.not_run(&self.spec.steps[ix], verdict, &why);
                    self.conclude(ix, ended, &mut progress);
                    continue;
                }
                let step = &self.spec.steps[ix];
                // A background step with nothing beside it is awaited like any other.
                let apart = step.background && progress.foreground_left > 0;
                if apart {
                    behind.insert(ix);
                }
                let own = &background[ix];
                running.push(async move {
                    let dismissed = apart.then_some(&own.dismissed);
                    let ended = AssertUnwindSafe(self.step(step, &own.cancel, dismissed))
                        .catch_unwind()
                        .await;
                    let ended = ended.unwrap_or_else(|panic| {
                        let why = format!("specrun itself broke: {}", panic_text(&*panic));
                        self.not_run(step, Verdict::Errored, &why)
                    });
                    (ix, ended)
                });
            }
            if progress.foreground_left == 0 {
                for &ix in &behind {
                    background[ix].dismissed.store(true, Ordering::Relaxed);
                    background[ix].cancel.cancel();
                }
            }
            tokio::select! {
                biased;
                next = running.next() => match next {
                    Some((ix, ended)) => {
                        behind.remove(&ix);
                        let ended = self.beside(ix, ended);
                        self.conclude(ix, ended, &mut progress);
                    }
                    None if progress.ready.is_empty() => break,
                    None => {}
                },
                () = &mut time_over, if !self.timed_out.load(Ordering::Relaxed) => {
                    // A run that was stopped before is the reason, not the clock.
                    if !self.cancel.is_cancelled() {
                        self.timed_out.store(true, Ordering::Relaxed);
                        self.cancel.cancel();
                    }
                }
            }
        }
        if self.timed_out.load(Ordering::Relaxed) {
            let (verdict, why) = self.cut_off();
            self.tally(|t: &mut tally::Tally| t.add(verdict, why));
        }
        for (ix, step) in self.spec.steps.iter().enumerate() {
            if step.role == role && progress.left > 0 && self.ended()[ix].is_none() {
                let why = "not run: its turn never came, since it waits for itself";
                let ended = self.not_run(step, Verdict::Errored, why);
                self.conclude(ix, ended, &mut progress);
            }
        }
    }

    fn waits(&self, role: Role) -> Progress {
        let steps = &self.spec.steps;
        let mut p = Progress {
            waits: vec![0; steps.len()],
            on_end: vec![Vec::new(); steps.len()],
            on_start: vec![Vec::new(); steps.len()],
            ready: BTreeSet::new(),
            left: 0,
            foreground_left: 0,
        };
        for (ix, step) in steps.iter().enumerate().filter(|(_, s)| s.role == role) {
            p.left += 1;
            p.foreground_left += usize::from(!step.background);
            let before: BTreeSet<NodeIx> = step.after.iter().chain(&step.uses).copied().collect();
            // Steps of another role have ended already, or are not part of this.
            for d in before
                .into_iter()
                .filter(|d| steps.get(*d).is_some_and(|s| s.role == role))
            {
                p.on_end[d].push(ix);
                p.waits[ix] += 1;
            }
            let beside: BTreeSet<NodeIx> = step.during.iter().copied().collect();
            for d in beside
                .into_iter()
                .filter(|d| steps.get(*d).is_some_and(|s| s.role == role))
            {
                p.on_start[d].push(ix);
                p.waits[ix] += 1;
            }
            if p.waits[ix] == 0 {
                p.ready.insert(ix);
            }
        }
        p
    }

    /// Why a step whose turn has come must not run.
    fn obstacle(&self, ix: NodeIx) -> Option<(Verdict, String)> {
        if self.cancel.is_cancelled() {
            let (verdict, why) = self.cut_off();
            return Some((verdict, format!("not run: {why}")));
        }
        let step = &self.spec.steps[ix];
        let all = self.ended();
        let broken = |d: &&NodeIx| {
            all.get(**d)
                .and_then(Option::as_ref)
                .is_some_and(|e| !e.lets_others_run())
        };
        if let Some(&d) = step.after.iter().chain(&step.uses).find(broken) {
            let cause = all[d].as_ref().map_or(Verdict::Errored, |e| e.verdict);
            let why = format!("not run: step `{}` {}", self.spec.steps[d].id, ended_as(cause));
            return Some((super::follows(cause), why));
        }
        let gone = step
            .during
            .iter()
            .find(|d| all.get(**d).is_some_and(Option::is_some))?;
        let why = format!(
            "not run: `{}`, during which it has to run, had already ended",
            self.spec.steps[*gone].id
        );
        let cause = all[*gone].as_ref().map_or(Verdict::Errored, |e| e.verdict);
        Some((super::follows(cause), why))
    }

    /// A step that had to run during others has shown nothing if one of them ended before it.
    fn beside(&self, ix: NodeIx, mut ended: Ended) -> Ended {
        let step = &self.spec.steps[ix];
        let all = self.ended();
        let gone = step
            .during
            .iter()
            .find(|d| all.get(**d).is_some_and(Option::is_some));
        if let Some(&gone) = gone
            && ended.verdict == Verdict::Passed
            && !ended.skipped
        {
            ended.verdict = Verdict::Inconclusive;
            ended.reason = Some(format!(
                "`{}`, during which it has to run, ended before it",
                self.spec.steps[gone].id
            ));
        }
        ended
    }

    fn conclude(&self, ix: NodeIx, ended: Ended, progress: &mut Progress) {
        let step = &self.spec.steps[ix];
        if ended.verdict != Verdict::Passed {
            let why = ended.reason.as_deref().unwrap_or(ended.verdict.word());
            self.tally(|t: &mut tally::Tally| t.add(ended.verdict, format!("step `{}`: {why}", step.id)));
        }
        self.set_ended(ix, ended);
        progress.has_ended(ix, step.background);
    }
}

impl Progress {
    fn has_started(&mut self, ix: NodeIx) {
        for other in std::mem::take(&mut self.on_start[ix]) {
            self.one_less(other);
        }
    }

    fn has_ended(&mut self, ix: NodeIx, background: bool) {
        self.left -= 1;
        self.foreground_left -= usize::from(!background);
        for other in std::mem::take(&mut self.on_end[ix]) {
            self.one_less(other);
        }
    }

    fn one_less(&mut self, ix: NodeIx) {
        self.waits[ix] -= 1;
        if self.waits[ix] == 0 {
            self.ready.insert(ix);
        }
    }
}

/// What a step that ended this way did, after its name.
const fn ended_as(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Inconclusive => "was inconclusive",
        Verdict::Errored => "errored",
        Verdict::Blocked => "was blocked",
        Verdict::Cancelled => "was cancelled",
    }
}
