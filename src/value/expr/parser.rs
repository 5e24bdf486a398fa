//! Text to tree.

use super::{Expr, Range};

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    pub message: String,
    pub at: Range,
    pub help: Option<String>,
}

/// Reads one expression.
///
/// # Errors
/// The first place that is not part of an expression; depth and length are limited.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let _ = text;
    todo!()
}
