//! What becomes of an estimate inside an expression: how many tests are made of it, and where it turns into a bare
//! number, which no confidence is behind. What a test says is in `estimate`.

use super::{Risk, compares};
use crate::value::Value;
use crate::value::expr::{BinaryOp, Expr, ExprKind, Scope, UnaryOp, eval};

/// How many elements of a list are looked at to see whether a predicate touches an estimate.
const LOOKED_AT: usize = 100;

/// How many statistical comparisons a conjunction or disjunction consists of.
pub(super) fn tests(expr: &Expr, scope: &dyn Scope, risk: Risk) -> usize {
    if risk == Risk::Ignored {
        return 0;
    }
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, l, r) => tests(l, scope, risk) + tests(r, scope, risk),
        ExprKind::Unary(UnaryOp::Not, inner) => tests(inner, scope, risk),
        ExprKind::Binary(BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge, l, r) => {
            usize::from(is_estimate(l, scope) || is_estimate(r, scope))
        }
        _ => 0,
    }
}

fn is_estimate(expr: &Expr, scope: &dyn Scope) -> bool {
    matches!(eval(expr, scope), Ok(Value::Estimate(_)))
}

/// Whether evaluating an expression turns an estimate into a bare number: in arithmetic, as an argument, or inside
/// the predicate of a function over elements.
pub(super) fn loses_sample(expr: &Expr, scope: &dyn Scope) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Element | ExprKind::Present { .. } => false,
        ExprKind::Field(base, _) => loses_sample(base, scope),
        ExprKind::Index(base, index) => loses_sample(base, scope) || loses_sample(index, scope),
        ExprKind::Unary(UnaryOp::Not, inner) => loses_sample(inner, scope),
        ExprKind::Unary(UnaryOp::Negate, inner) => is_estimate(inner, scope) || loses_sample(inner, scope),
        ExprKind::List(items) => items.iter().any(|i| loses_sample(i, scope)),
        ExprKind::Binary(op, l, r) => {
            let coerces = !compares(*op) && !matches!(op, BinaryOp::And | BinaryOp::Or);
            (coerces && (is_estimate(l, scope) || is_estimate(r, scope)))
                || loses_sample(l, scope)
                || loses_sample(r, scope)
        }
        ExprKind::Call { args, .. } => call_loses_sample(expr, args, scope),
    }
}

fn call_loses_sample(call: &Expr, args: &[Expr], scope: &dyn Scope) -> bool {
    let Some((first, rest)) = args.split_first() else {
        return false;
    };
    if loses_sample(first, scope) {
        return true;
    }
    let subject = eval(first, scope);
    let keeps = || is_estimate(call, scope);
    if matches!(&subject, Ok(v) if bare_estimates(v)) && !rest.iter().any(has_element) && !keeps() {
        return true;
    }
    for arg in rest {
        if !has_element(arg) {
            if (is_estimate(arg, scope) && !keeps()) || loses_sample(arg, scope) {
                return true;
            }
        } else if let Ok(Value::List(items)) = &subject {
            let touched = items
                .iter()
                .take(LOOKED_AT)
                .filter(|i| holds_estimate(i))
                .any(|item| {
                    let arg = with_element(arg, item);
                    coerced(&arg, scope) || loses_sample(&arg, scope)
                });
            if touched {
                return true;
            }
        }
    }
    false
}

/// Whether a predicate compares an estimate.
fn coerced(expr: &Expr, scope: &dyn Scope) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And | BinaryOp::Or, l, r) => coerced(l, scope) || coerced(r, scope),
        ExprKind::Unary(UnaryOp::Not, inner) => coerced(inner, scope),
        ExprKind::Binary(_, l, r) => is_estimate(l, scope) || is_estimate(r, scope),
        _ => false,
    }
}

/// An estimate, or a list of them.
fn bare_estimates(value: &Value) -> bool {
    match value {
        Value::Estimate(_) => true,
        Value::List(items) => items.iter().any(|i| matches!(i, Value::Estimate(_))),
        _ => false,
    }
}

fn holds_estimate(value: &Value) -> bool {
    match value {
        Value::Estimate(_) | Value::Distribution(_) => true,
        Value::List(items) => items.iter().any(holds_estimate),
        Value::Object(fields) => fields.iter().any(|(_, v)| holds_estimate(v)),
        _ => false,
    }
}

/// Whether the current element is named in an expression.
pub(super) fn has_element(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Element) || expr.children().into_iter().any(has_element)
}

/// The expression with `item` in place of the current element. Predicates of calls inside keep their own element.
pub(super) fn with_element(expr: &Expr, item: &Value) -> Expr {
    let inner = |e: &Expr| Box::new(with_element(e, item));
    let kind = match &expr.kind {
        ExprKind::Element => ExprKind::Literal(item.clone()),
        ExprKind::Literal(_) | ExprKind::Name(_) => expr.kind.clone(),
        ExprKind::Field(base, name) => ExprKind::Field(inner(base), name.clone()),
        ExprKind::Index(base, index) => ExprKind::Index(inner(base), inner(index)),
        ExprKind::Unary(op, e) => ExprKind::Unary(*op, inner(e)),
        ExprKind::Binary(op, l, r) => ExprKind::Binary(*op, inner(l), inner(r)),
        ExprKind::Present { subject, wanted } => ExprKind::Present {
            subject: inner(subject),
            wanted: *wanted,
        },
        ExprKind::List(items) => ExprKind::List(items.iter().map(|e| with_element(e, item)).collect()),
        ExprKind::Call { name, args, method } => ExprKind::Call {
            name: name.clone(),
            args: args
                .iter()
                .enumerate()
                .map(|(i, arg)| {
                    if i > 0 && takes_elements(name) {
                        arg.clone()
                    } else {
                        with_element(arg, item)
                    }
                })
                .collect(),
            method: *method,
        },
    };
    Expr { kind, at: expr.at }
}

/// Functions whose second argument is evaluated for each element.
pub(super) fn takes_elements(name: &str) -> bool {
    matches!(
        name,
        "any" | "all" | "none" | "filter" | "map" | "count" | "sort" | "unique"
    )
}
