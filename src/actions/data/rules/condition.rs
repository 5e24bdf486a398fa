//! Conditions in the expression language, compiled to expressions over columns.
//!
//! A bare name is a column. Comparisons, `in`, `contains`, `matches`, arithmetic, `is present` and `column("any
//! name")` are understood; what is not is an error, never false.

use polars::prelude::{Expr as Column, NULL, lit};

use super::columns::{Columns, Kind};
use super::literal::{among, micros};
use crate::value::Value;
use crate::value::expr::{BinaryOp, Expr, ExprKind, UnaryOp, parse};

/// Compiles a condition.
///
/// # Errors
/// One line: what is wrong and where.
pub fn condition(text: &str, columns: Columns<'_>) -> Result<Column, String> {
    let tree = parse(text).map_err(|e| {
        let help = e.help.map_or_else(String::new, |h| format!("; {h}"));
        format!(
            "the condition `{text}`: {} (byte {}){help}",
            e.message, e.at.start
        )
    })?;
    if !is_logical(&tree) {
        return Err(format!("the condition `{text}` is not a yes or no"));
    }
    compile(&tree, columns).map_err(|why| format!("the condition `{text}`: {why}"))
}

fn is_logical(tree: &Expr) -> bool {
    match &tree.kind {
        ExprKind::Unary(UnaryOp::Not, _)
        | ExprKind::Present { .. }
        | ExprKind::Literal(Value::Bool(_))
        | ExprKind::Name(_) => true,
        ExprKind::Call { name, .. } => name == "column",
        ExprKind::Binary(op, ..) => {
            !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div)
        }
        _ => false,
    }
}

fn compile(tree: &Expr, columns: Columns<'_>) -> Result<Column, String> {
    match &tree.kind {
        ExprKind::Literal(value) => constant(value),
        ExprKind::Name(_) | ExprKind::Call { .. } => {
            let name = column_name(tree).ok_or_else(|| not_here(tree))?;
            columns.get(&name).map(|(expr, _)| expr)
        }
        ExprKind::Unary(UnaryOp::Not, inner) => Ok(compile(inner, columns)?.not()),
        ExprKind::Unary(UnaryOp::Negate, inner) => Ok(lit(0) - compile(inner, columns)?),
        ExprKind::Present { subject, wanted } => {
            let mut absent = compile(subject, columns)?.is_null();
            for nan in nans(subject, columns) {
                absent = match column_name(subject) {
                    Some(_) => absent.or(nan),
                    // Of a null it is not known what it compares to; NaN compares to nothing.
                    None => absent.and(nan.fill_null(lit(false)).not()),
                };
            }
            Ok(if *wanted { absent.not() } else { absent })
        }
        ExprKind::Binary(op, left, right) => binary(*op, left, right, columns),
        _ => Err(not_here(tree)),
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, columns: Columns<'_>) -> Result<Column, String> {
    match op {
        BinaryOp::In | BinaryOp::NotIn => {
            let name = column_name(left).ok_or_else(|| "before `in` a column is expected".to_owned())?;
            let ExprKind::List(items) = &right.kind else {
                return Err("after `in` a list of values is expected".to_owned());
            };
            let mut values = Vec::new();
            for item in items {
                match &item.kind {
                    ExprKind::Literal(value) => values.push(value.to_json()),
                    _ => return Err("a list may hold values only".to_owned()),
                }
            }
            let found = among(&name, columns, &values)?;
            return Ok(if op == BinaryOp::In { found } else { found.not() });
        }
        BinaryOp::Matches | BinaryOp::Contains => {
            let name =
                column_name(left).ok_or_else(|| format!("before `{}` a column is expected", op.sign()))?;
            let ExprKind::Literal(Value::String(text)) = &right.kind else {
                return Err(format!("after `{}` a text is expected", op.sign()));
            };
            let subject = columns.text(&name)?;
            return if op == BinaryOp::Contains {
                Ok(subject.str().contains_literal(lit(text.as_str())))
            } else {
                super::text::matching(subject, text, false)
            };
        }
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            comparable(left, right, columns)?;
            let (a, b) = sides(left, right, columns)?;
            let number = |side: Column, tree: &Expr| {
                if floats(tree, columns) {
                    side.fill_nan(lit(NULL))
                } else {
                    side
                }
            };
            return Ok(compared(op, number(a, left), number(b, right)));
        }
        _ => {}
    }
    let (left, right) = sides(left, right, columns)?;
    Ok(match op {
        BinaryOp::Or => left.or(right),
        BinaryOp::And => left.and(right),
        BinaryOp::Add => left + right,
        BinaryOp::Sub => left - right,
        BinaryOp::Mul => left * right,
        BinaryOp::Div => left.cast(polars::prelude::DataType::Float64) / right,
        _ => return Err(format!("`{}` may not stand here", op.sign())),
    })
}

fn compared(op: BinaryOp, left: Column, right: Column) -> Column {
    match op {
        BinaryOp::Eq => left.eq(right),
        BinaryOp::Ne => left.neq(right),
        BinaryOp::Lt => left.lt(right),
        BinaryOp::Le => left.lt_eq(right),
        BinaryOp::Gt => left.gt(right),
        _ => left.gt_eq(right),
    }
}

/// Where the columns of a condition have NaN.
fn nans(tree: &Expr, columns: Columns<'_>) -> Vec<Column> {
    match column_name(tree) {
        Some(name) => columns.nan(&name).into_iter().collect(),
        None => tree
            .children()
            .into_iter()
            .flat_map(|part| nans(part, columns))
            .collect(),
    }
}

/// Whether NaN may come of it: to polars that is larger than every number, here it is as null.
fn floats(tree: &Expr, columns: Columns<'_>) -> bool {
    match &tree.kind {
        ExprKind::Unary(UnaryOp::Negate, inner) => floats(inner, columns),
        ExprKind::Binary(BinaryOp::Div, ..) => true,
        ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, left, right) => {
            floats(left, columns) || floats(right, columns)
        }
        _ => column_name(tree).is_some_and(|name| columns.nan(&name).is_some()),
    }
}

/// Both sides; a text beside a column of times is a time.
fn sides(left: &Expr, right: &Expr, columns: Columns<'_>) -> Result<(Column, Column), String> {
    let timed = |column: &Expr, text: &Expr| -> Result<Option<Column>, String> {
        let (Some(name), ExprKind::Literal(value @ Value::String(s))) = (column_name(column), &text.kind)
        else {
            return Ok(None);
        };
        if !matches!(columns.get(&name)?.1, Kind::Date | Kind::Datetime) {
            return Ok(None);
        }
        if micros(s).is_none() {
            return Err(format!("{s:?} is not a date or time"));
        }
        super::literal::literal(&name, columns, &value.to_json()).map(Some)
    };
    let right_side = match timed(left, right)? {
        Some(time) => time,
        None => compile(right, columns)?,
    };
    let left_side = match timed(right, left)? {
        Some(time) => time,
        None => compile(left, columns)?,
    };
    Ok((left_side, right_side))
}

/// Refuses a text compared with a number and the like, where both kinds are known.
fn comparable(left: &Expr, right: &Expr, columns: Columns<'_>) -> Result<(), String> {
    let class = |e: &Expr| -> Result<Option<&'static str>, String> {
        Ok(match &e.kind {
            ExprKind::Literal(Value::String(_)) => Some("text"),
            ExprKind::Literal(Value::Int(_) | Value::Float(_)) => Some("number"),
            ExprKind::Literal(Value::Bool(_)) => Some("truth value"),
            _ => match column_name(e) {
                Some(name) => match columns.get(&name)?.1 {
                    Kind::Integer | Kind::Float => Some("number"),
                    Kind::Text => Some("text"),
                    Kind::Bool => Some("truth value"),
                    _ => None,
                },
                None => None,
            },
        })
    };
    match (class(left)?, class(right)?) {
        (Some(a), Some(b)) if a != b => Err(format!("a {a} is compared with a {b}")),
        _ => Ok(()),
    }
}

fn column_name(tree: &Expr) -> Option<String> {
    match &tree.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Call { name, args, .. } if name == "column" => match args.as_slice() {
            [
                Expr {
                    kind: ExprKind::Literal(Value::String(name)),
                    ..
                },
            ] => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn constant(value: &Value) -> Result<Column, String> {
    Ok(match value {
        Value::Null => lit(NULL),
        Value::Bool(b) => lit(*b),
        Value::Int(n) => lit(*n),
        Value::Float(n) => lit(*n),
        Value::String(s) => lit(s.as_str()),
        other => return Err(format!("{} may not stand here", other.describe())),
    })
}

fn not_here(tree: &Expr) -> String {
    match &tree.kind {
        ExprKind::Call { name, .. } => format!("the function `{name}` is not known over columns"),
        _ => "only columns, values, comparisons and arithmetic may stand here".to_owned(),
    }
}
