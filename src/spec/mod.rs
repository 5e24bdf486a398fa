//! What files say: specs, environments, the project. Reads and validates; runs nothing.
//!
//! Text becomes a node tree ([`crate::source`]), the tree a [`Spec`] in which every part keeps its place. All
//! mistakes of a file are collected. What a spec *means* (types, references, order) is for [`crate::plan`].

pub mod environment;
mod fields;
mod like;
mod model;
mod read;
mod steps;

pub use model::{
    Backoff, Check, ExpectFailure, ForEach, Input, InputKind, Poll, Retry, Spec, SpecDefaults, Step, Tool,
};
pub use read::{read, read_text};
