//! What the operators do with values. The places of mistakes are not known here.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::dimensions::{self, Operand};
use super::{BinaryOp, UnaryOp};
use crate::value::{Dimension, Estimate, Quantity, Value};

/// Why there is no result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub message: String,
    pub inconclusive: bool,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            inconclusive: false,
        }
    }

    /// There was nothing to look at.
    pub(super) fn nothing(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            inconclusive: true,
        }
    }
}

type Outcome<T> = Result<T, Problem>;

/// Beyond this, neighbouring whole numbers share one float.
const INT_LIMIT: f64 = 9_223_372_036_854_775_808.0;
/// How large a compiled regular expression may be, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// Every operator but `and` and `or`, which do not always look at their right side.
pub(super) fn binary(op: BinaryOp, left: &Value, right: &Value) -> Outcome<Value> {
    let ordered = |wanted: fn(Ordering) -> bool| order(left, right).map(|o| Value::Bool(wanted(o)));
    match op {
        BinaryOp::Or => Ok(Value::Bool(truth(left)? || truth(right)?)),
        BinaryOp::And => Ok(Value::Bool(truth(left)? && truth(right)?)),
        BinaryOp::Eq => equal(left, right).map(Value::Bool),
        BinaryOp::Ne => equal(left, right).map(|same| Value::Bool(!same)),
        BinaryOp::Lt => ordered(Ordering::is_lt),
        BinaryOp::Le => ordered(Ordering::is_le),
        BinaryOp::Gt => ordered(Ordering::is_gt),
        BinaryOp::Ge => ordered(Ordering::is_ge),
        BinaryOp::In => is_in(left, right).map(Value::Bool),
        BinaryOp::NotIn => is_in(left, right).map(|found| Value::Bool(!found)),
        BinaryOp::Contains => contains(left, right).map(Value::Bool),
        BinaryOp::Matches => matches(left, right).map(Value::Bool),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => arithmetic(op, left, right),
    }
}

pub(super) fn unary(op: UnaryOp, value: &Value) -> Outcome<Value> {
    match op {
        UnaryOp::Not => Ok(Value::Bool(!truth(value)?)),
        UnaryOp::Negate => match &*point(value)? {
            Value::Int(i) => i.checked_neg().map(Value::Int).ok_or_else(overflow),
            Value::Float(x) => Ok(Value::Float(-x)),
            Value::Quantity(q) => Ok(Value::Quantity(Quantity::new(-q.value, q.dimension.clone()))),
            other => Err(Problem::new(format!("{} has no negative", other.describe()))),
        },
    }
}

/// Only true and false are; nothing else stands for them.
pub(super) fn truth(value: &Value) -> Outcome<bool> {
    match value {
        Value::Bool(b) => Ok(*b),
        other => Err(Problem::new(format!(
            "expected true or false, got {}",
            shown(other)
        ))),
    }
}

/// Whether two values are the same. Values of different kinds are neither the same nor different: an error.
pub(super) fn equal(left: &Value, right: &Value) -> Outcome<bool> {
    let numbers = |a: &Value, b: &Value| {
        if let (Value::Float(a), Value::Float(b)) = (a, b)
            && a.abs() >= INT_LIMIT
            && b.abs() >= INT_LIMIT
        {
            return Err(Problem::new(
                "numbers beyond 64 bits are not exact, so they cannot be compared with `==`",
            ));
        }
        order(a, b).map(Ordering::is_eq)
    };
    match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::String(a), Value::String(b)) => Ok(a == b),
        (Value::List(a), Value::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            all_equal(a.iter().zip(b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut pairs = Vec::with_capacity(a.len());
            for (name, value) in a {
                match right.get(name) {
                    Some(other) => pairs.push((value, other)),
                    None => return Ok(false),
                }
            }
            if a.len() != b.len() {
                return Ok(false);
            }
            all_equal(pairs.into_iter())
        }
        _ => numbers(left, right),
    }
}

/// Whether all pairs are the same; one that differs decides, even beside pairs that cannot be compared.
fn all_equal<'a>(pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Outcome<bool> {
    let mut unlike = None;
    for (a, b) in pairs {
        let same = match (a, b) {
            (Value::Null, Value::Null) => Ok(true),
            (Value::Null, _) | (_, Value::Null) => Ok(false),
            _ => equal(a, b),
        };
        match same {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(problem) => unlike = unlike.or(Some(problem)),
        }
    }
    unlike.map_or(Ok(true), Err)
}

/// The order of two numbers, quantities of one dimension, or times.
pub(super) fn order(left: &Value, right: &Value) -> Outcome<Ordering> {
    let (a, b) = (comparable(left)?, comparable(right)?);
    let ordering = match (&*a, &*b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Float(b)) => int_with_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => int_with_float(*b, *a).map(Ordering::reverse),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Quantity(a), Value::Quantity(b)) => {
            if a.dimension != b.dimension {
                return Err(incomparable(left, right));
            }
            a.value.partial_cmp(&b.value)
        }
        (Value::Quantity(a), Value::Int(b)) if a.dimension == Dimension::Ratio => {
            int_with_float(*b, a.value).map(Ordering::reverse)
        }
        (Value::Int(a), Value::Quantity(b)) if b.dimension == Dimension::Ratio => int_with_float(*a, b.value),
        (Value::Quantity(a), Value::Float(b)) if a.dimension == Dimension::Ratio => a.value.partial_cmp(b),
        (Value::Float(a), Value::Quantity(b)) if b.dimension == Dimension::Ratio => a.partial_cmp(&b.value),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => return Err(incomparable(left, right)),
    };
    ordering.ok_or_else(|| Problem::new("a number that is not a number (NaN) cannot be compared"))
}

/// A number of a server that counts per cent is no share: 92 would be 9200 %, and pass every limit from below.
pub(super) fn per_cent(number: &Value, share: &Value) -> Option<Problem> {
    match (number, share) {
        (Value::Int(_) | Value::Float(_), Value::Quantity(q))
            if q.dimension == Dimension::Ratio && (0.0..=1.0).contains(&q.value) =>
        {
            let why = no_share(number)?;
            Some(Problem::new(format!(
                "cannot compare {} with {q}: {why}",
                shown(number)
            )))
        }
        _ => None,
    }
}

/// Why a plain number is not taken for a share; none when it can be one.
#[must_use]
pub fn no_share(number: &Value) -> Option<&'static str> {
    let large = match number {
        Value::Int(i) => *i > 1,
        Value::Float(x) => *x > 1.0,
        _ => false,
    };
    large.then_some(
        "as a share it would be more than 100%; if it counts per cent, write `x * 1%`, else compare it with a number",
    )
}

/// Exact: no whole number is rounded.
fn int_with_float(i: i64, x: f64) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    if x >= INT_LIMIT {
        return Some(Ordering::Less);
    }
    if x < -INT_LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = x.trunc() as i64;
    Some(i.cmp(&whole).then_with(|| 0.0f64.total_cmp(&(x.fract() + 0.0))))
}

fn incomparable(left: &Value, right: &Value) -> Problem {
    let mut message = format!("cannot compare {} with {}", shown(left), shown(right));
    message += match (left, right) {
        (Value::Null, _) | (_, Value::Null) => ": null is not present, ask with `is present` or `is absent`",
        (Value::Secret(_), _) | (_, Value::Secret(_)) => "",
        (Value::Distribution(_), _) | (_, Value::Distribution(_)) => {
            ": name one of its figures, such as `.p95`"
        }
        (Value::String(_), Value::String(_)) => {
            ": text has no order; read it with `number`, `duration`, `time`, ..."
        }
        (Value::String(_), Value::Quantity(q)) | (Value::Quantity(q), Value::String(_)) => {
            match q.dimension {
                Dimension::Duration => ": read the text with `duration(x)`",
                Dimension::Bytes => ": read the text with `bytes(x)`",
                Dimension::Ratio => ": read the text with `ratio(x)`",
                Dimension::Rate => ": read the text with `rate(x)`",
                Dimension::Throughput | Dimension::Money(_) => "",
            }
        }
        (Value::String(_), Value::Int(_) | Value::Float(_))
        | (Value::Int(_) | Value::Float(_), Value::String(_)) => ": read the text with `number(x)`",
        (Value::String(_), Value::Time(_)) | (Value::Time(_), Value::String(_)) => {
            ": read the text with `time(x)`"
        }
        (Value::Quantity(q), Value::Int(_) | Value::Float(_))
        | (Value::Int(_) | Value::Float(_), Value::Quantity(q)) => match q.dimension {
            Dimension::Duration => ": give the number a unit, `x * 1ms`",
            Dimension::Bytes => ": give the number a unit, `x * 1B`",
            Dimension::Rate => ": give the number a unit, `x * 1/s`",
            Dimension::Throughput => ": give the number a unit, `x * 1B/s`",
            Dimension::Ratio | Dimension::Money(_) => "",
        },
        _ => "",
    };
    Problem::new(message)
}

/// Whether the right side has the left: an element of a list, a key of a map.
fn is_in(item: &Value, container: &Value) -> Outcome<bool> {
    if let (Value::String(_), Value::String(_)) = (item, container) {
        return Err(Problem::new(
            "`in` looks into lists and maps; for a part of a text write `text contains part`",
        ));
    }
    contains(container, item)
}

fn contains(container: &Value, item: &Value) -> Outcome<bool> {
    match (container, item) {
        (_, Value::Null) => Err(Problem::new("what is looked for is null, which is not present")),
        (Value::String(_), Value::String(part)) if part.is_empty() => Err(Problem::new(
            "what is looked for is the empty text, which every text contains",
        )),
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::Object(_), Value::String(key)) => Ok(container.get(key).is_some_and(|v| *v != Value::Null)),
        (Value::List(items), _) => {
            let mut unlike = None;
            let mut alike = items.is_empty();
            for element in items.iter().filter(|e| **e != Value::Null) {
                match equal(element, item) {
                    Ok(true) => return Ok(true),
                    Ok(false) => alike = true,
                    Err(problem) => unlike = unlike.or(Some(problem)),
                }
            }
            // Not found among things of which none is of its kind is no finding.
            match unlike {
                Some(problem) if !alike => Err(problem),
                _ => Ok(false),
            }
        }
        (Value::String(_) | Value::Object(_), other) => Err(Problem::new(format!(
            "{} holds text, got {}",
            if matches!(container, Value::String(_)) {
                "text"
            } else {
                "the keys of a map"
            },
            shown(other)
        ))),
        (other, _) => Err(Problem::new(format!("cannot look into {}", shown(other)))),
    }
}

fn matches(text: &Value, pattern: &Value) -> Outcome<bool> {
    match (text, pattern) {
        (Value::String(_), Value::String(pattern)) if pattern.is_empty() => Err(Problem::new(
            "the pattern is the empty text, which matches every text",
        )),
        (Value::String(text), Value::String(pattern)) => with_regex(pattern, |regex| regex.is_match(text)),
        (Value::String(_), other) => Err(Problem::new(format!("a pattern is text, got {}", shown(other)))),
        (other, _) => Err(Problem::new(format!(
            "`matches` looks at text, got {}",
            shown(other)
        ))),
    }
}

/// Compiles a regular expression with bounded memory.
///
/// # Errors
/// The pattern's mistake in one line.
pub(super) fn regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern)
        .size_limit(REGEX_LIMIT)
        .build()
        .map_err(|error| {
            let text = error.to_string();
            let reason = text
                .lines()
                .rev()
                .find_map(|line| line.trim().strip_prefix("error: "))
                .unwrap_or(&text);
            format!("the pattern does not compile: {reason}")
        })
}

/// A predicate uses one pattern many times, so the last ones are kept.
fn with_regex<T>(pattern: &str, use_it: impl FnOnce(&regex::Regex) -> T) -> Outcome<T> {
    const KEPT: usize = 64;
    thread_local! {
        static COMPILED: RefCell<HashMap<String, regex::Regex>> = RefCell::new(HashMap::new());
    }
    COMPILED.with_borrow_mut(|compiled| {
        if !compiled.contains_key(pattern) {
            if compiled.len() >= KEPT {
                compiled.clear();
            }
            let fresh = regex(pattern).map_err(Problem::new)?;
            compiled.insert(pattern.to_owned(), fresh);
        }
        Ok(use_it(&compiled[pattern]))
    })
}

fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Outcome<Value> {
    let (a, b) = (point(left)?, point(right)?);
    match (&*a, &*b) {
        (Value::Int(a), Value::Int(b)) if op != BinaryOp::Div => {
            let result = match op {
                BinaryOp::Add => a.checked_add(*b),
                BinaryOp::Sub => a.checked_sub(*b),
                _ => a.checked_mul(*b),
            };
            return result.map(Value::Int).ok_or_else(overflow);
        }
        (Value::String(a), Value::String(b)) if op == BinaryOp::Add => {
            return Ok(Value::String(format!("{a}{b}")));
        }
        (Value::Time(_), _) | (_, Value::Time(_)) => return with_time(op, &a, &b),
        _ => {}
    }
    let (Some((x, x_kind)), Some((y, y_kind))) = (operand(&a), operand(&b)) else {
        return Err(no_arithmetic(op, left, right));
    };
    let kind = match op {
        BinaryOp::Add | BinaryOp::Sub => (x_kind == y_kind).then_some(x_kind),
        BinaryOp::Mul => dimensions::product(&x_kind, &y_kind),
        _ => dimensions::quotient(&x_kind, &y_kind),
    };
    let kind = kind.ok_or_else(|| no_arithmetic(op, left, right))?;
    let result = match op {
        BinaryOp::Add => x + y,
        BinaryOp::Sub => x - y,
        BinaryOp::Mul => x * y,
        _ if y == 0.0 => return Err(Problem::new("division by zero")),
        _ => x / y,
    };
    if !result.is_finite() {
        return Err(overflow());
    }
    Ok(match kind {
        Operand::Plain => Value::Float(result),
        Operand::Of(dimension) => Value::Quantity(Quantity::new(result, dimension)),
    })
}

fn operand(value: &Value) -> Option<(f64, Operand)> {
    match value {
        Value::Int(i) => Some((*i as f64, Operand::Plain)),
        Value::Float(x) => Some((*x, Operand::Plain)),
        Value::Quantity(q) => Some((q.value, Operand::Of(q.dimension.clone()))),
        _ => None,
    }
}

/// `time - time`, `time + duration`, `time - duration`.
fn with_time(op: BinaryOp, left: &Value, right: &Value) -> Outcome<Value> {
    let moved = |time: &jiff::Timestamp, seconds: f64| {
        jiff::SignedDuration::try_from_secs_f64(seconds)
            .and_then(|by| time.checked_add(by))
            .map(Value::Time)
            .map_err(|_| Problem::new("the time is out of range"))
    };
    match (op, left, right) {
        (BinaryOp::Sub, Value::Time(a), Value::Time(b)) => {
            let seconds = a.duration_since(*b).as_secs_f64();
            Ok(Value::Quantity(Quantity::new(seconds, Dimension::Duration)))
        }
        (BinaryOp::Add, Value::Time(t), Value::Quantity(q))
        | (BinaryOp::Add, Value::Quantity(q), Value::Time(t))
            if q.dimension == Dimension::Duration =>
        {
            moved(t, q.value)
        }
        (BinaryOp::Sub, Value::Time(t), Value::Quantity(q)) if q.dimension == Dimension::Duration => {
            moved(t, -q.value)
        }
        _ => Err(no_arithmetic(op, left, right)),
    }
}

fn no_arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Problem {
    let what = match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "subtract",
        BinaryOp::Mul => "multiply",
        _ => "divide",
    };
    Problem::new(format!("cannot {what} {} and {}", shown(left), shown(right)))
}

fn overflow() -> Problem {
    Problem::new("the result is too large")
}

/// An estimate as its best guess.
pub(super) fn point(value: &Value) -> Outcome<std::borrow::Cow<'_, Value>> {
    use std::borrow::Cow;
    let Value::Estimate(estimate) = value else {
        return Ok(Cow::Borrowed(value));
    };
    if estimate.sample_size() == 0 {
        return Err(Problem::nothing("the sample is empty"));
    }
    match estimate.point() {
        Some(quantity) => Ok(Cow::Owned(Value::Quantity(quantity))),
        None => Err(Problem::new(format!(
            "the quantile has no value: it is one of the members without one ({estimate})"
        ))),
    }
}

/// An estimate as it is compared: a quantile among the members without a value is larger than every limit.
fn comparable(value: &Value) -> Outcome<std::borrow::Cow<'_, Value>> {
    if let Value::Estimate(estimate @ Estimate::Quantile { dimension, .. }) = value
        && estimate.sample_size() > 0
        && estimate.point().is_none()
    {
        let infinite = Quantity::new(f64::INFINITY, dimension.clone());
        return Ok(std::borrow::Cow::Owned(Value::Quantity(infinite)));
    }
    point(value)
}

/// The kind, and the value itself when it is short.
pub(super) fn shown(value: &Value) -> String {
    const SHOWN: usize = 40;
    match value {
        Value::Null | Value::Secret(_) | Value::Distribution(_) | Value::List(_) | Value::Object(_) => {
            value.describe()
        }
        scalar => {
            let text = scalar.to_string();
            if text.chars().count() > SHOWN {
                scalar.describe()
            } else {
                format!("{} ({text})", scalar.describe())
            }
        }
    }
}
