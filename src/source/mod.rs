//! Text with positions. Knows files, spans and YAML; knows nothing of specs.
//!
//! Everything a person wrote keeps the place where it stands, so that every later message can point at it.

mod node;
mod sources;
mod yaml;

pub use node::{Entry, Kind, Node};
pub use sources::{LineCol, SourceId, Sources, Span, Spanned};
pub use yaml::{SyntaxError, SyntaxErrorKind, locate, read};
