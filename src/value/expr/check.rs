//! What can be said of an expression before the run.

use super::{Expr, Range};
use crate::value::Type;

/// The names an expression may use.
pub trait TypeScope {
    /// The type of the first word of a path; `.` asks for the leading dot outside every function: the step's own
    /// output.
    fn type_of(&self, name: &str) -> Option<Type>;
    /// All names but `"."`, for did-you-mean.
    fn names(&self) -> Vec<String>;
}

/// A mistake found before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `unknown_name`, `unknown_field`, `unknown_function`, `wrong_arguments`, `dimension`, `type`, `constant`, ...
    pub kind: FindingKind,
    pub message: String,
    pub at: Range,
    pub help: Option<String>,
}

/// The kinds of mistakes; each has its diagnostic code in `spec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    UnknownName,
    UnknownField,
    UnknownFunction,
    WrongArguments,
    /// Different dimensions or kinds are compared or added.
    Dimension,
    Type,
    /// Always true or always false.
    Constant,
    /// A secret would be compared or shown.
    Secret,
}

/// Types an expression.
///
/// # Errors
/// Every mistake, in order of the text.
pub fn check(expr: &Expr, scope: &dyn TypeScope) -> Result<Type, Vec<Finding>> {
    let _ = (expr, scope);
    todo!()
}
