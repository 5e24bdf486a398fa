//! Tree to text, with as few brackets as possible.

use std::fmt;

use super::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::value::Value;

impl fmt::Display for Expr {
    /// Reading it back gives the same tree.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_expr(f, self, Level::Or)
    }
}

/// How tightly parts hold together, from the loosest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Unary,
    Postfix,
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Binary(op, ..) => operands(*op).0,
        ExprKind::Present { .. } => Level::Comparison,
        ExprKind::Unary(UnaryOp::Not, _) => Level::Not,
        ExprKind::Unary(UnaryOp::Negate, _) => Level::Unary,
        ExprKind::Literal(Value::Int(i)) if *i < 0 => Level::Unary,
        ExprKind::Literal(Value::Float(x)) if *x < 0.0 => Level::Unary,
        ExprKind::Literal(Value::Quantity(q)) if q.value < 0.0 => Level::Unary,
        _ => Level::Postfix,
    }
}

/// The level of an operator, and the least levels of its two sides.
const fn operands(op: BinaryOp) -> (Level, Level, Level) {
    match op {
        BinaryOp::Or => (Level::Or, Level::Or, Level::And),
        BinaryOp::And => (Level::And, Level::And, Level::Not),
        BinaryOp::Add | BinaryOp::Sub => (Level::Sum, Level::Sum, Level::Product),
        BinaryOp::Mul | BinaryOp::Div => (Level::Product, Level::Product, Level::Unary),
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::In
        | BinaryOp::NotIn
        | BinaryOp::Contains
        | BinaryOp::Matches => (Level::Comparison, Level::Sum, Level::Sum),
    }
}

fn write_expr(f: &mut fmt::Formatter<'_>, expr: &Expr, least: Level) -> fmt::Result {
    if level(expr) < least {
        f.write_str("(")?;
        write_kind(f, &expr.kind)?;
        return f.write_str(")");
    }
    write_kind(f, &expr.kind)
}

fn write_kind(f: &mut fmt::Formatter<'_>, kind: &ExprKind) -> fmt::Result {
    match kind {
        ExprKind::Literal(value) => write_literal(f, value),
        ExprKind::Name(name) => f.write_str(name),
        ExprKind::Element => f.write_str("."),
        ExprKind::Field(base, name) => {
            write_base(f, base)?;
            f.write_str(name)
        }
        ExprKind::Index(base, index) => {
            if is_number(base) {
                write!(f, "({base})")?;
            } else {
                write_expr(f, base, Level::Postfix)?;
            }
            write!(f, "[{index}]")
        }
        ExprKind::Call { name, args, method } => match args.split_first() {
            Some((subject, rest)) if *method => {
                write_base(f, subject)?;
                f.write_str(name)?;
                write_list(f, '(', rest, ')')
            }
            _ => {
                f.write_str(name)?;
                write_list(f, '(', args, ')')
            }
        },
        ExprKind::List(items) => write_list(f, '[', items, ']'),
        ExprKind::Unary(UnaryOp::Not, inner) => {
            f.write_str("not ")?;
            write_expr(f, inner, Level::Not)
        }
        ExprKind::Unary(UnaryOp::Negate, inner) => {
            f.write_str("-")?;
            write_expr(f, inner, Level::Unary)
        }
        ExprKind::Binary(op, left, right) => {
            let (_, left_least, right_least) = operands(*op);
            write_expr(f, left, left_least)?;
            write!(f, " {} ", op.sign())?;
            write_expr(f, right, right_least)
        }
        ExprKind::Present { subject, wanted } => {
            write_expr(f, subject, Level::Sum)?;
            f.write_str(if *wanted { " is present" } else { " is absent" })
        }
    }
}

/// What stands before a point, and the point; the element is the point.
fn write_base(f: &mut fmt::Formatter<'_>, base: &Expr) -> fmt::Result {
    match &base.kind {
        ExprKind::Element => f.write_str("."),
        _ if is_number(base) => write!(f, "({base})."),
        _ => {
            write_expr(f, base, Level::Postfix)?;
            f.write_str(".")
        }
    }
}

/// After `5/s` nothing may follow directly: with a point or a bracket it is a division.
fn is_number(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Literal(Value::Int(_) | Value::Float(_) | Value::Quantity(_))
    )
}

fn write_list(f: &mut fmt::Formatter<'_>, open: char, items: &[Expr], close: char) -> fmt::Result {
    write!(f, "{open}")?;
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write_expr(f, item, Level::Or)?;
    }
    write!(f, "{close}")
}

/// Floats keep a point or an exponent, so that they do not become whole numbers.
fn write_literal(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Float(x) => write!(f, "{x:?}"),
        other => write!(f, "{other}"),
    }
}
