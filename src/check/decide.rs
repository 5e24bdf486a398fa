//! From an expression and its values to a verdict.
//!
//! Without statistics a check is its value: true passes, false fails, no value is errored. A comparison of an
//! [`crate::value::Estimate`] with a limit is a test with a confidence.

use serde::{Deserialize, Serialize};

use super::{CheckOutcome, Verdict};
use crate::value::Value;
use crate::value::expr::{Expr, Scope, eval};

/// How sure a statistical check has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Confidence {
    /// The point estimate decides, and the outcome says so.
    None,
    /// One-sided confidence, between 0.5 and 1.
    Level(f64),
}

/// Evaluates a check.
#[must_use]
pub fn decide(expr: &Expr, scope: &dyn Scope, confidence: Confidence) -> CheckOutcome {
    let _ = confidence;
    match eval(expr, scope) {
        Ok(Value::Bool(true)) => CheckOutcome::new(Verdict::Passed, "true"),
        Ok(Value::Bool(false)) => CheckOutcome::new(Verdict::Failed, "false"),
        Ok(other) => CheckOutcome::new(
            Verdict::Errored,
            format!("a check has to be true or false, this is {}", other.describe()),
        ),
        Err(e) if e.inconclusive => CheckOutcome::new(Verdict::Inconclusive, e.message),
        Err(e) => CheckOutcome::new(Verdict::Errored, e.message),
    }
}
