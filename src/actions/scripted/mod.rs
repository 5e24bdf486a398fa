//! What `locust.run` and `k6.run` have in common: a load generator of somebody else runs somebody's script, and its
//! numbers are judged here, never its exit code alone.
//!
//! Not here: how each generator is started and what it writes.

pub mod checks;
pub mod command;
pub mod figures;
