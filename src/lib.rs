//! specrun: a declarative test engine for machine-learning platforms that cannot go green by accident.
//!
//! What each module is, and which others it may name, is in `docs/architecture.md`; `tests/it/architecture.rs` holds it
//! to that.

pub mod action;
pub mod actions;
pub mod check;
pub mod cli;
pub mod diag;
pub mod engine;
pub mod event;
pub mod evidence;
pub mod plan;
pub mod report;
pub mod source;
pub mod spec;
pub mod stats;
pub mod tools;
pub mod value;
