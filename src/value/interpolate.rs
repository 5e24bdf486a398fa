//! Scalars with `${{ expression }}` in them.

use super::expr::{Expr, ParseError};

/// A scalar taken apart. `$${{` stands for a literal `${{`.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpolated {
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Literal(String),
    /// `start` is the offset, in the scalar's decoded text, at which the expression's own text begins.
    Expr {
        expr: Expr,
        start: usize,
    },
}

impl Interpolated {
    /// Takes a scalar apart; none when it holds no expression.
    ///
    /// # Errors
    /// Every expression that cannot be read, and `${{` without `}}`; spans count in the scalar's decoded text.
    pub fn parse(text: &str) -> Result<Option<Self>, Vec<ParseError>> {
        let _ = text;
        todo!()
    }

    /// The one expression the scalar consists of, if it does.
    #[must_use]
    pub fn alone(&self) -> Option<&Expr> {
        match self.pieces.as_slice() {
            [Piece::Expr { expr, .. }] => Some(expr),
            _ => None,
        }
    }
}
