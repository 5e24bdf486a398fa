//! What will happen: a spec compiled to a graph of steps and checks. Pure.
//!
//! Names are resolved, types are checked, inputs have their values; what remains open is what only the run can say.

mod catalog;
mod checks;
mod compile;
pub mod expected;
mod graph;
mod info;
mod inputs;
mod matrix;
mod model;
mod names;
mod needs;
mod params;
mod power;
pub mod rbac;
pub mod show;
mod step;
mod verify;

pub use compile::{Request, compile};
pub use inputs::Given;
pub use model::{
    Backoff, CheckPlan, Entry, ExpectFailure, ForEach, InputValue, NodeIx, Params, Plan, Poll, Retry,
    SpecPlan, StepPlan, ToolNeed,
};

#[cfg(test)]
mod tests;
