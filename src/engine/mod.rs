//! Runs a plan: specs side by side, steps by their graph, cleanup on every way out, every event on disk before the
//! next thing begins.
//!
//! [`run()`] is the whole of it. A *dispatcher* (one thread with a clock, [`Control`] and the queue of specs) decides
//! what may begin; a *unit* is one spec with its steps; actions themselves run on threads of their own, so that one
//! that blocks or panics harms nobody else. Beside it: the [`journal`], the run directory with its lock
//! ([`RunDir`]), [`clean()`] for what killed runs left behind, and the [`services`] of an environment.
//!
//! Not here: how verdicts of checks are found (`check`), what a report looks like (`report`), signal handlers and exit
//! codes (`cli`).

mod clean;
mod clock;
mod control;
mod dispatch;
pub mod journal;
mod ledger;
mod locks;
mod options;
pub mod parts;
mod processes;
mod recorder;
mod rerun;
mod run;
mod run_dir;
pub mod services;
mod unit;

pub use clean::{CleanOptions, Cleaned, Left, clean};
pub use control::{Control, Stop};
pub use options::{Options, Outcome, SinkError};
pub use processes::{RUN_MARK, end_strays};
pub use rerun::not_passed;
pub use run::run;
pub use run_dir::{RunDir, new_run_id};
