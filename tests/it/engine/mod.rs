//! The engine's rules, each seen from outside: what is recorded of a run.

mod cleanup;
mod order;
mod polls;
mod stops;
mod verdicts;
