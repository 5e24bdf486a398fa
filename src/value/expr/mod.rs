//! The expression language: small, typed, closed.
//!
//! `parse` gives a tree or a message with a place; `check` finds, before the run, what can never be right;
//! `eval` never panics and never guesses: what does not fit is an error, never false and never true.

mod ast;
mod call;
mod check;
mod dimensions;
mod eval;
mod functions;
mod grammar;
mod lexer;
mod operate;
mod parser;
mod print;

pub use ast::{BinaryOp, Expr, ExprKind, Range, UnaryOp};
pub use check::{Finding, FindingKind, TypeScope, check, check_condition};
pub use eval::{EvalError, Scope, apply, eval};
pub use functions::{FUNCTIONS, Function};
pub use grammar::GRAMMAR;
pub use operate::no_share;
pub use parser::{MAX_DEPTH, MAX_LENGTH, ParseError, parse};

/// The figures of a sample that have a name.
pub const FIGURES: [&str; 10] = [
    "n", "missing", "min", "max", "mean", "p50", "p90", "p95", "p99", "p999",
];

#[cfg(test)]
mod tests;
