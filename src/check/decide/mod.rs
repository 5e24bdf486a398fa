//! From an expression and its values to a verdict.
//!
//! Without statistics a check is its value: true passes, false fails, no value is errored. A comparison of an
//! [`crate::value::Estimate`] with a limit is a test with a confidence ([`estimate`]), and each comparison of a
//! conjunction is decided on its own. What was compared is shown by [`shown`]; the language itself, with its errors,
//! is `value::expr`.

mod estimate;
mod evidence;
mod paired;
mod shown;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{CheckOutcome, Verdict};
use crate::value::Value;
use crate::value::expr::{BinaryOp, EvalError, Expr, ExprKind, Scope, UnaryOp, apply, eval};

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
    let risk = match confidence {
        Confidence::None => Risk::Ignored,
        Confidence::Level(level) => Risk::Bounded {
            show: 1.0 - level,
            refute: 1.0 - level,
        },
    };
    let mut outcome = judge(expr, scope, risk);
    outcome.evidence = evidence::of(expr, scope);
    outcome
}

/// The chance of a wrong answer that a statistical comparison may take.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Risk {
    /// Point estimates are taken for the truth.
    Ignored,
    /// Of calling a claim true though it is false, and of calling it false though it is true.
    Bounded { show: f64, refute: f64 },
}

impl Risk {
    fn swapped(self) -> Self {
        match self {
            Self::Ignored => Self::Ignored,
            Self::Bounded { show, refute } => Self::Bounded {
                show: refute,
                refute: show,
            },
        }
    }

    /// For one of `n` claims of which any alone makes the whole true (`or`): each chance to be wrong adds up
    /// (Bonferroni).
    fn share_of_any(self, n: usize) -> Self {
        match self {
            Self::Ignored => Self::Ignored,
            Self::Bounded { show, refute } => Self::Bounded {
                show: show / n.max(1) as f64,
                refute,
            },
        }
    }

    /// At one of `n` looks at a sample that may end at any of them: each may be wrong either way (Bonferroni).
    fn share_of_looks(self, n: u32) -> Self {
        match self {
            Self::Ignored => Self::Ignored,
            Self::Bounded { show, refute } => Self::Bounded {
                show: show / f64::from(n.max(1)),
                refute: refute / f64::from(n.max(1)),
            },
        }
    }

    /// For one of `n` claims of which any alone makes the whole false (`and`).
    fn share_of_all(self, n: usize) -> Self {
        self.swapped().share_of_any(n).swapped()
    }
}

fn judge(expr: &Expr, scope: &dyn Scope, risk: Risk) -> CheckOutcome {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And, left, right) => {
            let risk = risk.share_of_all(estimate::tests(expr, scope, risk));
            both(left, right, scope, risk)
        }
        ExprKind::Binary(BinaryOp::Or, left, right) => {
            let risk = risk.share_of_any(estimate::tests(expr, scope, risk));
            either(left, right, scope, risk)
        }
        ExprKind::Unary(UnaryOp::Not, inner) => negated(judge(inner, scope, risk.swapped())),
        ExprKind::Binary(op, left, right) if compares(*op) => comparison(expr, *op, left, right, scope, risk),
        ExprKind::Call { name, args, .. } => {
            quantified(name, args, scope, risk).unwrap_or_else(|| plain(expr, scope, risk))
        }
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Element
        | ExprKind::Field(..)
        | ExprKind::Index(..)
        | ExprKind::List(_)
        | ExprKind::Unary(UnaryOp::Negate, _)
        | ExprKind::Binary(..)
        | ExprKind::Present { .. } => plain(expr, scope, risk),
    }
}

/// Whether an operator compares two values to true or false.
const fn compares(op: BinaryOp) -> bool {
    match op {
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::In
        | BinaryOp::NotIn
        | BinaryOp::Contains
        | BinaryOp::Matches => true,
        BinaryOp::Or | BinaryOp::And | BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => false,
    }
}

fn both(left: &Expr, right: &Expr, scope: &dyn Scope, risk: Risk) -> CheckOutcome {
    let first = link(BinaryOp::And, left, scope, risk);
    match first.verdict {
        // What stands behind may only have a value when this holds (`x is present and x > 3`).
        Verdict::Failed | Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => named(left, first),
        Verdict::Passed => join(left, first, right, link(BinaryOp::And, right, scope, risk)),
        Verdict::Inconclusive => {
            let second = link(BinaryOp::And, right, scope, risk);
            match second.verdict {
                Verdict::Failed | Verdict::Errored => named(right, second),
                _ => named(left, first),
            }
        }
    }
}

fn either(left: &Expr, right: &Expr, scope: &dyn Scope, risk: Risk) -> CheckOutcome {
    let first = link(BinaryOp::Or, left, scope, risk);
    match first.verdict {
        Verdict::Passed | Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => named(left, first),
        Verdict::Failed => {
            let second = link(BinaryOp::Or, right, scope, risk);
            match second.verdict {
                Verdict::Failed => join(left, first, right, second),
                _ => named(right, second),
            }
        }
        Verdict::Inconclusive => {
            let second = link(BinaryOp::Or, right, scope, risk);
            match second.verdict {
                Verdict::Passed | Verdict::Errored => named(right, second),
                _ => named(left, first),
            }
        }
    }
}

/// A link of a chain `a and b and c`: the risk was shared out once, over the whole chain.
fn link(chain: BinaryOp, expr: &Expr, scope: &dyn Scope, risk: Risk) -> CheckOutcome {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And, left, right) if chain == BinaryOp::And => {
            both(left, right, scope, risk)
        }
        ExprKind::Binary(BinaryOp::Or, left, right) if chain == BinaryOp::Or => {
            either(left, right, scope, risk)
        }
        _ => judge(expr, scope, risk),
    }
}

/// The outcome of two parts that decide together.
fn join(left: &Expr, first: CheckOutcome, right: &Expr, second: CheckOutcome) -> CheckOutcome {
    if second.verdict != first.verdict {
        return named(right, second);
    }
    let (first, second) = (named(left, first), named(right, second));
    let mut outcome = CheckOutcome::new(first.verdict, format!("{}; {}", first.message, second.message));
    outcome.details = [first.details, second.details].concat();
    outcome.statistics = match (first.statistics.is_empty(), second.statistics.is_empty()) {
        (_, true) => first.statistics,
        (true, false) => second.statistics,
        (false, false) => {
            let mut parts = Vec::new();
            for map in [first.statistics, second.statistics] {
                match map.get("parts") {
                    Some(serde_json::Value::Array(inner)) => parts.extend(inner.iter().cloned()),
                    _ => parts.push(serde_json::Value::Object(map)),
                }
            }
            let mut map = serde_json::Map::new();
            map.insert("parts".to_owned(), serde_json::Value::Array(parts));
            map
        }
    };
    outcome
}

/// Says of which part of the whole the message speaks.
fn named(part: &Expr, mut outcome: CheckOutcome) -> CheckOutcome {
    if !matches!(part.kind, ExprKind::Binary(BinaryOp::And | BinaryOp::Or, ..)) {
        outcome.message = format!("`{part}`: {}", outcome.message);
    }
    outcome
}

fn negated(mut outcome: CheckOutcome) -> CheckOutcome {
    outcome.verdict = match outcome.verdict {
        Verdict::Passed => Verdict::Failed,
        Verdict::Failed => Verdict::Passed,
        other => other,
    };
    outcome.expected = None;
    if matches!(outcome.verdict, Verdict::Passed | Verdict::Failed) {
        outcome.message = format!("not wanted: {}", outcome.message);
    }
    outcome
}

fn comparison(
    expr: &Expr,
    op: BinaryOp,
    left: &Expr,
    right: &Expr,
    scope: &dyn Scope,
    risk: Risk,
) -> CheckOutcome {
    let values = eval(left, scope).and_then(|l| Ok((l, eval(right, scope)?)));
    let (left_value, right_value) = match values {
        Ok(values) => values,
        Err(error) => return no_value(&error),
    };
    if let Some(outcome) = estimate::compare(op, &left_value, &right_value, expr, risk) {
        return outcome;
    }
    if let Some(outcome) = lost_sample(expr, scope, risk) {
        return outcome;
    }
    // The values that were shown are the values that are compared, also where a part is `now()`.
    match apply(expr, &left_value, &right_value) {
        Ok(Value::Bool(holds)) => shown::comparison(op, &left_value, &right_value, holds),
        Ok(other) => not_a_truth(&other),
        Err(error) => no_value(&error),
    }
}

/// `all`, `any` and `none` over elements with estimates: each element is a test of its own.
fn quantified(name: &str, args: &[Expr], scope: &dyn Scope, risk: Risk) -> Option<CheckOutcome> {
    let [list, predicate] = args else { return None };
    if !matches!(name, "all" | "any" | "none") || risk == Risk::Ignored {
        return None;
    }
    let Ok(Value::List(items)) = eval(list, scope) else {
        return None;
    };
    let each: Vec<Expr> = items
        .iter()
        .map(|item| estimate::with_element(predicate, item))
        .collect();
    let tests: usize = each.iter().map(|e| estimate::tests(e, scope, risk)).sum();
    if tests == 0 || items.is_empty() {
        return None;
    }
    let risk = if name == "any" {
        risk.share_of_any(tests)
    } else {
        risk.share_of_all(tests)
    };
    let outcomes = each.iter().map(|e| {
        let outcome = judge(e, scope, if name == "none" { risk.swapped() } else { risk });
        if name == "none" { negated(outcome) } else { outcome }
    });
    // For `any` one that holds is enough; for the others one that does not hold settles it.
    let settles = if name == "any" {
        Verdict::Passed
    } else {
        Verdict::Failed
    };
    let weight = |v: Verdict| match v {
        v if v == settles => 3,
        Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => 4,
        Verdict::Inconclusive => 2,
        Verdict::Passed | Verdict::Failed => 1,
    };
    let (index, mut outcome) = outcomes.enumerate().reduce(|a, b| {
        if weight(b.1.verdict) > weight(a.1.verdict) {
            b
        } else {
            a
        }
    })?;
    outcome.message = format!("element {} of {}: {}", index + 1, items.len(), outcome.message);
    Some(outcome)
}

/// An expression that is no comparison: its value is the answer.
fn plain(expr: &Expr, scope: &dyn Scope, risk: Risk) -> CheckOutcome {
    if let Some(outcome) = lost_sample(expr, scope, risk) {
        return outcome;
    }
    match eval(expr, scope) {
        Ok(Value::Bool(holds)) => shown::truth(expr, scope, holds),
        Ok(other) => not_a_truth(&other),
        Err(error) => no_value(&error),
    }
}

/// An estimate that goes through arithmetic or a function comes out as a bare number, of which nothing is known.
fn lost_sample(expr: &Expr, scope: &dyn Scope, risk: Risk) -> Option<CheckOutcome> {
    if risk == Risk::Ignored || !estimate::loses_sample(expr, scope) {
        return None;
    }
    Some(CheckOutcome::new(
        Verdict::Inconclusive,
        "an estimate that is calculated with has no confidence of its own: compare the estimate itself with a \
         limit, or say `confidence: none`",
    ))
}

fn not_a_truth(value: &Value) -> CheckOutcome {
    CheckOutcome::new(
        Verdict::Errored,
        format!("a check has to be true or false, this is {}", value.describe()),
    )
}

fn no_value(error: &EvalError) -> CheckOutcome {
    let verdict = if error.inconclusive {
        Verdict::Inconclusive
    } else {
        Verdict::Errored
    };
    CheckOutcome::new(verdict, error.message.clone())
}
