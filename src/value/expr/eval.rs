//! The value of an expression.

use super::{Expr, Range};
use crate::value::Value;

/// The values an expression may use.
pub trait Scope {
    /// The value of the first word of a path; `.` asks for the leading dot outside every function: the step's own
    /// output. None: the step has no output (it failed or did not run).
    fn value_of(&self, name: &str) -> Option<Value>;
}

/// Why an expression has no value: the check is errored or, with `inconclusive`, says nothing either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    pub message: String,
    pub at: Range,
    /// There was nothing to look at: a predicate over an empty list, a percentile of nothing, a share of nothing.
    pub inconclusive: bool,
}

/// Evaluates.
///
/// # Errors
/// When parts do not fit (a missing field, text against a number, different dimensions), with the place.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Result<Value, EvalError> {
    let _ = (expr, scope);
    todo!()
}
