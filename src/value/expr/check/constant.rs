//! Expressions that can only have one value.

use super::{BinaryOp, Expr, ExprKind, Type, Value};
use crate::value::Values;
use crate::value::expr::operate::regex;
use crate::value::expr::{EvalError, UnaryOp, eval};

/// The truth value of an expression that looks at nothing.
pub(super) fn value(expr: &Expr) -> Option<bool> {
    match result(expr)? {
        Ok(Value::Bool(value)) => Some(value),
        _ => None,
    }
}

/// What comes out of an expression that looks at nothing.
pub(super) fn result(expr: &Expr) -> Option<Result<Value, EvalError>> {
    let looks_at_something = expr.any(&|part| match &part.kind {
        ExprKind::Name(_) | ExprKind::Element => true,
        ExprKind::Call { name, .. } => matches!(name.as_str(), "now" | "age"),
        _ => false,
    });
    (!looks_at_something).then(|| eval(expr, &Values::new()))
}

/// Whether it is the number 0, with or without a unit.
pub(super) fn is_zero(expr: &Expr) -> bool {
    match result(expr) {
        Some(Ok(Value::Int(i))) => i == 0,
        Some(Ok(Value::Float(x))) => x == 0.0,
        Some(Ok(Value::Quantity(q))) => q.value == 0.0,
        _ => false,
    }
}

/// Why a comparison can only have one result, and which.
pub(super) fn comparison(
    op: BinaryOp,
    left: &Expr,
    right: &Expr,
    types: (&Type, &Type),
) -> Option<(String, bool)> {
    if left == right {
        let same = matches!(
            op,
            BinaryOp::Eq | BinaryOp::Le | BinaryOp::Ge | BinaryOp::Contains
        );
        let comparable = !matches!(op, BinaryOp::In | BinaryOp::NotIn | BinaryOp::Matches);
        return comparable.then(|| ("both sides are the same".to_owned(), same));
    }
    match (op, &right.kind) {
        (BinaryOp::In | BinaryOp::NotIn, ExprKind::List(items)) if items.is_empty() => {
            return Some(("the list is empty".to_owned(), op == BinaryOp::NotIn));
        }
        (BinaryOp::Contains, ExprKind::Literal(Value::String(part)))
            if part.is_empty() && matches!(types.0.present(), Type::String | Type::Enum(_)) =>
        {
            return Some(("every text contains the empty text".to_owned(), true));
        }
        (BinaryOp::Matches, ExprKind::Literal(Value::String(pattern))) if matches_everything(pattern) => {
            return Some(("the pattern matches every text".to_owned(), true));
        }
        _ => {}
    }
    beyond(op, left, types.0, right).or_else(|| beyond(mirrored(op)?, right, types.1, left))
}

/// Why `left or right` is always true, when one is the opposite of the other.
pub(super) fn opposites(left: &Expr, right: &Expr) -> bool {
    let denies =
        |a: &Expr, b: &Expr| matches!(&a.kind, ExprKind::Unary(UnaryOp::Not, inner) if **inner == *b);
    if denies(left, right) || denies(right, left) {
        return true;
    }
    match (&left.kind, &right.kind) {
        (ExprKind::Binary(a, l1, r1), ExprKind::Binary(b, l2, r2)) => {
            let opposite = match a {
                BinaryOp::Eq => BinaryOp::Ne,
                BinaryOp::Ne => BinaryOp::Eq,
                BinaryOp::Lt => BinaryOp::Ge,
                BinaryOp::Ge => BinaryOp::Lt,
                BinaryOp::Gt => BinaryOp::Le,
                BinaryOp::Le => BinaryOp::Gt,
                BinaryOp::In => BinaryOp::NotIn,
                BinaryOp::NotIn => BinaryOp::In,
                _ => return false,
            };
            opposite == *b && l1 == l2 && r1 == r2
        }
        (
            ExprKind::Present {
                subject: a,
                wanted: x,
            },
            ExprKind::Present {
                subject: b,
                wanted: y,
            },
        ) => a == b && x != y,
        _ => false,
    }
}

/// A side that has a least or a greatest value, against a literal outside.
fn beyond(op: BinaryOp, side: &Expr, ty: &Type, limit: &Expr) -> Option<(String, bool)> {
    let limit = match result(limit)?.ok()? {
        Value::Int(i) => i as f64,
        Value::Float(x) => x,
        Value::Quantity(q) => q.value,
        _ => return None,
    };
    let share = *ty.present() == Type::Proportion;
    if share || is_never_negative(side) {
        let always = match op {
            BinaryOp::Ge if limit <= 0.0 => Some(true),
            BinaryOp::Gt | BinaryOp::Ne if limit < 0.0 => Some(true),
            BinaryOp::Lt if limit <= 0.0 => Some(false),
            BinaryOp::Le | BinaryOp::Eq if limit < 0.0 => Some(false),
            _ => None,
        };
        if let Some(always) = always {
            return Some((format!("`{side}` is never negative"), always));
        }
    }
    if share {
        let always = match op {
            BinaryOp::Le if limit >= 1.0 => Some(true),
            BinaryOp::Lt | BinaryOp::Ne if limit > 1.0 => Some(true),
            BinaryOp::Gt if limit >= 1.0 => Some(false),
            BinaryOp::Ge | BinaryOp::Eq if limit > 1.0 => Some(false),
            _ => None,
        };
        if let Some(always) = always {
            return Some((format!("`{side}` is never more than 100%"), always));
        }
    }
    None
}

fn is_never_negative(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call { name, .. } if matches!(name.as_str(), "len" | "count" | "abs"))
}

/// The operator with its sides changed.
fn mirrored(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::Eq | BinaryOp::Ne => op,
        BinaryOp::Lt => BinaryOp::Gt,
        BinaryOp::Le => BinaryOp::Ge,
        BinaryOp::Gt => BinaryOp::Lt,
        BinaryOp::Ge => BinaryOp::Le,
        _ => return None,
    })
}

/// Whether a pattern finds something in texts that have nothing in common. Without line breaks, since `^.*$` is
/// meant to match everything.
pub(super) fn matches_everything(pattern: &str) -> bool {
    let printable: String = (' '..='~').collect();
    let long = "ab ".repeat(4_000);
    let probes = ["", "0", "a", " ", "-", "\u{3b1}\u{1f300}", &printable, &long];
    regex(pattern).is_ok_and(|regex| probes.iter().all(|probe| regex.is_match(probe)))
}
