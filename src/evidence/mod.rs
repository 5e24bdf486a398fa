//! What can be learnt from a recorded run without running anything: pure functions of a plan and a run's events.
//!
//! [`replay`] evaluates the checks of a plan again on the outputs that were recorded, so that a changed check can be
//! tried without the platform. [`prove`] asks the opposite question: were the outputs different, would a check
//! notice? Neither knows the engine, and neither can pass a run: they only say what checks would have said.

mod mutate;
mod prove;
mod recording;
mod replay;
mod show;
mod touched;
mod world;

pub use mutate::Kind;
pub use prove::{Fate, Mutant, Proof, prove};
pub use replay::{Change, CheckReplay, SpecReplay, replay};
