//! How the outside stops, pauses and resumes a run. Signal handlers are the command line's.

use std::sync::Arc;

use tokio::sync::watch;

use super::clock::Clock;

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

/// A handle on a run, made before it starts; clones share it.
#[derive(Clone)]
pub struct Control(Arc<Shared>);

struct Shared {
    stop: watch::Sender<Stop>,
    clock: Clock,
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

    /// Stops every timer; call it before the process stops itself (SIGTSTP).
    pub fn pause(&self) {
        self.0.clock.pause();
    }

    /// Lets the timers go on; call it when the process continues (SIGCONT).
    pub fn resume(&self) {
        self.0.clock.resume();
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(super) fn watch(&self) -> watch::Receiver<Stop> {
        self.0.stop.subscribe()
    }
}
