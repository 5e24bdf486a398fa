//! How the outside stops, pauses and resumes a run. Signal handlers are the command line's.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::watch;

use super::clock::Clock;
use super::processes::{self, Marked, RUN_MARK};
use crate::event::RunId;

/// How far a run has been asked to stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    #[default]
    No,
    /// Begin nothing new, cancel what runs, clean up (within the grace), complete the reports.
    Gracefully { why: String },
    /// Wait for nothing: cleanup that has not run stays in the ledger for `clean`.
    Now { why: String },
}

impl Stop {
    /// How often it was asked: once in good order, twice at once.
    pub(super) const fn times(&self) -> usize {
        match self {
            Self::No => 0,
            Self::Gracefully { .. } => 1,
            Self::Now { .. } => 2,
        }
    }
}

/// A handle on a run, made before it starts; clones share it.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

struct Shared {
    stop: watch::Sender<Stop>,
    clock: Clock,
    /// Whose processes stop with this one.
    run: OnceLock<RunId>,
    stopped: Mutex<Vec<Marked>>,
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}

impl Control {
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            stop: watch::Sender::new(Stop::No),
            clock: Clock::new(),
            run: OnceLock::new(),
            stopped: Mutex::default(),
        }))
    }

    /// Asks the run to stop: gracefully the first time, at once the second time. `why` is shown to people:
    /// `SIGINT`, `closed stdout`.
    pub fn stop(&self, why: &str) {
        self.0.stop.send_modify(|s| {
            *s = match s {
                Stop::No => Stop::Gracefully { why: why.to_owned() },
                Stop::Gracefully { .. } | Stop::Now { .. } => Stop::Now { why: why.to_owned() },
            }
        });
    }

    /// Asks the run to stop at once.
    pub fn stop_now(&self, why: &str) {
        self.0.stop.send_replace(Stop::Now { why: why.to_owned() });
    }

    /// How far the run has been asked to stop.
    #[must_use]
    pub fn stopped(&self) -> Stop {
        self.0.stop.borrow().clone()
    }

    /// Names the run whose programs and services stop with this process; the first one counts.
    pub fn owns(&self, run: &RunId) {
        // Set twice only by a caller that has two runs for one handle.
        let _ = self.0.run.set(run.clone());
    }

    /// Stops every timer and the run's processes; call it before the process stops itself (SIGTSTP).
    pub fn pause(&self) {
        self.0.clock.pause();
        if let Some(run) = self.0.run.get() {
            self.0.kept().extend(processes::stop_marked(RUN_MARK, &run.0));
        }
    }

    /// Lets the run's processes and the timers go on; call it when the process continues (SIGCONT).
    pub fn resume(&self) {
        for process in self.0.kept().drain(..) {
            process.go_on();
        }
        self.0.clock.resume();
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn watch(&self) -> watch::Receiver<Stop> {
        self.0.stop.subscribe()
    }
}

impl Shared {
    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Marked>> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
