//! What will happen: a spec compiled to a graph of steps and checks. Pure.

mod compile;
mod graph;
mod model;
mod needs;
mod show;

pub use model::{
    Backoff, CheckPlan, Entry, ExpectFailure, ForEach, InputValue, NodeIx, Params, Plan, Poll, Retry,
    SpecPlan, StepPlan,
};
