//! Values and comparisons for people: one line, and a difference where one line is too little.

use serde_json::Value as Json;
use similar::TextDiff;

use super::sample;
use crate::check::{CheckOutcome, Verdict};
use crate::value::Value;
use crate::value::expr::{BinaryOp, Expr, ExprKind, Scope, UnaryOp, eval};

/// Characters of a value in a message.
const SHORT: usize = 120;
/// Bytes of a value in the evidence; the step's output has it whole.
const LONG: usize = 8 * 1024;
/// Bytes of a text of which a difference is made line by line.
const COMPARED: usize = 256 * 1024;
/// Lines of a difference.
const LINES: usize = 60;

/// A value in a message: one line, cut when long, a secret as `***`.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Quantity(q) => q.short(),
        Value::Estimate(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Time(_)
        | Value::Secret(_)
        | Value::Distribution(_)
        | Value::List(_)
        | Value::Object(_) => cut(&value.to_json().to_string(), SHORT),
    }
}

/// A value as JSON for a report, cut when it is very large.
pub(super) fn json(value: &Value) -> Json {
    let json = value.to_json();
    let size = match &json {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(s) => s.len(),
        Json::Array(_) | Json::Object(_) => json.to_string().len(),
    };
    if size <= LONG {
        return json;
    }
    match json {
        Json::String(s) => Json::String(cut(&s, LONG)),
        other => Json::String(cut(&other.to_string(), LONG)),
    }
}

/// The outcome of a comparison of two plain values.
pub(super) fn comparison(op: BinaryOp, left: &Value, right: &Value, holds: bool) -> CheckOutcome {
    let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
    let message = match (left, right) {
        _ if holds => format!("actual {}", value(left)),
        // Rounded to the same text they would contradict the verdict.
        (Value::Quantity(l), Value::Quantity(r)) if l.short() == r.short() => {
            format!("actual {l}, expected {}", wanted(op, &r.to_string()))
        }
        _ => format!("actual {}, expected {}", value(left), wanted(op, &value(right))),
    };
    let mut outcome = CheckOutcome::new(verdict, message);
    outcome.actual = Some(json(left));
    outcome.expected = Some(json(right));
    if !holds && op == BinaryOp::Eq {
        outcome.details = difference(left, right);
    }
    outcome
}

/// The outcome of an expression that is true or false by itself.
pub(super) fn truth(expr: &Expr, scope: &dyn Scope, holds: bool) -> CheckOutcome {
    let verdict = if holds { Verdict::Passed } else { Verdict::Failed };
    let message = match &expr.kind {
        ExprKind::Present { subject, wanted } => {
            let is = if holds == *wanted { "present" } else { "absent" };
            format!("`{subject}` is {is}")
        }
        ExprKind::Call { name, args, .. } => elements(name, args, scope, holds)
            .unwrap_or_else(|| if holds { "true" } else { "false" }.to_owned()),
        _ => if holds { "true" } else { "false" }.to_owned(),
    };
    CheckOutcome::new(verdict, message)
}

/// The sign of a comparison.
pub(super) const fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::Contains => "contains",
        BinaryOp::Matches => "matches",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
    }
}

fn wanted(op: BinaryOp, right: &str) -> String {
    match op {
        BinaryOp::Eq => right.to_owned(),
        BinaryOp::Ne => format!("anything but {right}"),
        BinaryOp::In => format!("one of {right}"),
        BinaryOp::NotIn => format!("none of {right}"),
        BinaryOp::Contains => format!("it to contain {right}"),
        BinaryOp::Matches => format!("a match of {right}"),
        other => format!("{} {right}", sign(other)),
    }
}

/// Which elements made `all`, `any` or `none` false.
fn elements(name: &str, args: &[Expr], scope: &dyn Scope, holds: bool) -> Option<String> {
    let [list, predicate] = args else { return None };
    let Ok(Value::List(all)) = eval(list, scope) else {
        return None;
    };
    if holds {
        return matches!(name, "all" | "any" | "none").then(|| format!("true of {} elements", all.len()));
    }
    let predicate = match name {
        "all" => Expr {
            kind: ExprKind::Unary(UnaryOp::Not, Box::new(predicate.clone())),
            at: predicate.at,
        },
        "none" => predicate.clone(),
        "any" => return Some(format!("none of {} elements fits", all.len())),
        _ => return None,
    };
    // One element at a time: the same that the function did.
    let offending: Vec<(usize, &Value)> = all
        .iter()
        .enumerate()
        .filter(|(_, item)| {
            matches!(
                eval(&sample::with_element(&predicate, item), scope),
                Ok(Value::Bool(true))
            )
        })
        .collect();
    let (index, first) = offending.first()?;
    let verb = if name == "all" { "do not fit" } else { "fit" };
    Some(format!(
        "{} of {} elements {verb}; the first is element {}: {}",
        offending.len(),
        all.len(),
        index + 1,
        value(first)
    ))
}

/// A difference line by line where the values are too long for one line; expected `-`, actual `+`.
fn difference(actual: &Value, expected: &Value) -> Vec<String> {
    let texts = match (actual, expected) {
        (Value::String(a), Value::String(e))
            if a.len().max(e.len()) > 60 || a.contains('\n') || e.contains('\n') =>
        {
            Some((a.clone(), e.clone()))
        }
        (Value::List(_), Value::List(_)) | (Value::Object(_), Value::Object(_)) => {
            let pretty = |v: &Value| serde_json::to_string_pretty(&v.to_json()).unwrap_or_default();
            Some((pretty(actual), pretty(expected)))
        }
        _ => None,
    };
    let Some((actual, expected)) = texts else {
        return Vec::new();
    };
    if actual.len().max(expected.len()) > COMPARED {
        return vec![format!(
            "too large to compare line by line: actual {} bytes, expected {} bytes",
            actual.len(),
            expected.len()
        )];
    }
    let diff = TextDiff::from_lines(&expected, &actual);
    let unified = diff
        .unified_diff()
        .context_radius(2)
        .missing_newline_hint(false)
        .header("expected", "actual")
        .to_string();
    let mut lines: Vec<String> = unified.lines().map(|l| cut(l, 400)).collect();
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("... {more} more lines"));
    }
    lines
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut at = most;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    format!("{}... ({} bytes)", &text[..at], text.len())
}
