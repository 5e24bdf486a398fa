//! What files say: specs, environments, the project. Reads and validates; runs nothing.
//!
//! Text becomes a node tree ([`crate::source`]), the tree a [`Spec`] in which every part keeps its place. All
//! mistakes of a file are collected. What a spec *means* (types, references, order) is for [`crate::plan`].

mod checks;
pub mod environment;
mod fields;
pub mod files;
mod inputs;
mod like;
mod model;
pub mod project;
mod read;
mod rules;
pub mod select;
mod steps;

pub(crate) use inputs::INPUT_TYPES;
pub use model::{
    Backoff, Check, ExpectFailure, ForEach, Input, InputKind, Poll, Retry, Spec, SpecDefaults, Step, Tool,
};
pub use project::{Profile, Project};
#[cfg(test)]
pub(crate) use read::SPEC_KEYS;
pub use read::{read, read_text};
pub use select::{Facts, Selection};
#[cfg(test)]
pub(crate) use steps::STEP_KEYS;
