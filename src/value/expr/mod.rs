//! The expression language: small, typed, closed.
//!
//! `parse` gives a tree or a message with a place; `check` finds, before the run, what can never be right;
//! `eval` never panics and never guesses: what does not fit is an error, never false and never true.

mod ast;
mod check;
mod eval;
mod functions;
mod lexer;
mod parser;

pub use ast::{BinaryOp, Expr, ExprKind, Range, UnaryOp};
pub use check::{Finding, FindingKind, TypeScope, check};
pub use eval::{EvalError, Scope, eval};
pub use functions::{FUNCTIONS, Function};
pub use parser::{ParseError, parse};
