//! The value of an expression.

use std::borrow::Cow;
use std::collections::HashMap;

use super::operate::{self, Problem, shown};
use super::{BinaryOp, Expr, ExprKind, Range, call};
use crate::value::{Dimension, Distribution, Estimate, Quantity, Value};

/// The values an expression may use.
pub trait Scope {
    /// The value of the first word of a path; `"."` is what a leading dot stands for outside of predicates: in a
    /// step's own checks its output. None: the step has no output (it failed, was skipped or did not run).
    fn value_of(&self, name: &str) -> Option<Value>;

    /// Whether a name stands for what a step came to (a list of that for a loop): of its own parts some are there only
    /// sometimes, as the JSON of an answer is.
    fn is_output(&self, _name: &str) -> bool {
        false
    }

    /// The moment that `now()` is; a recorded run gives the recorded one.
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

impl Scope for crate::value::Values {
    fn value_of(&self, name: &str) -> Option<Value> {
        self.get(name).cloned()
    }
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

/// Evaluates. A path or a function may give an estimate as it is ([`Value::Estimate`]); operators take its best guess.
///
/// # Errors
/// When parts do not fit (a missing field, text against a number, different dimensions), with the place.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Result<Value, EvalError> {
    // Each name is asked for once, so that a predicate over many elements does not copy a value for each of them.
    let mut names = HashMap::new();
    fetch(expr, scope, &mut names);
    let surroundings = Surroundings {
        scope,
        names: &names,
        element: names.get(".").and_then(Option::as_ref),
        of_step: scope.is_output("."),
        of_quotients: false,
    };
    evaluate(expr, surroundings).map(Cow::into_owned)
}

/// What the operator of an expression makes of two values, for those who have evaluated both sides already.
///
/// # Errors
/// As [`eval`].
pub fn apply(expr: &Expr, left: &Value, right: &Value) -> Result<Value, EvalError> {
    applied(expr, left, right, false)
}

fn applied(expr: &Expr, left: &Value, right: &Value, of_quotients: bool) -> Result<Value, EvalError> {
    let ExprKind::Binary(op, a, b) = &expr.kind else {
        return Err(wrong(expr, "it has no operator with two sides"));
    };
    let value = operate::binary(*op, left, right).map_err(|problem| placed(problem, expr.at))?;
    if matches!(op, BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge) {
        for (side, number, share) in [(a, left, right), (b, right, left)] {
            if let Some(problem) = operate::per_cent(number, share)
                && !divides(side)
                && !of_quotients
            {
                return Err(placed(problem, side.at));
            }
        }
    }
    Ok(value)
}

/// Whether a quotient is in it: who divides knows what comes of it.
pub(super) fn divides(expr: &Expr) -> bool {
    expr.any(&|part| matches!(part.kind, ExprKind::Binary(BinaryOp::Div, ..)))
}

/// The values of names, and the element that a leading dot stands for.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub scope: &'a dyn Scope,
    pub names: &'a HashMap<&'a str, Option<Value>>,
    pub element: Option<&'a Value>,
    /// Whether the element is the output of a step.
    pub of_step: bool,
    /// Whether the element is one of calculated quotients.
    pub of_quotients: bool,
}

impl<'a> Surroundings<'a> {
    fn value_of(&self, name: &str) -> Option<&'a Value> {
        self.names.get(name).and_then(Option::as_ref)
    }
}

pub(super) type Evaluated<'a> = Result<Cow<'a, Value>, EvalError>;

pub(super) fn evaluate<'a>(expr: &'a Expr, around: Surroundings<'a>) -> Evaluated<'a> {
    match &expr.kind {
        ExprKind::Literal(value) => Ok(Cow::Borrowed(value)),
        ExprKind::Name(name) => match around.value_of(name) {
            Some(value) => Ok(Cow::Borrowed(value)),
            None => Err(wrong(
                expr,
                format!("`{name}` has no value: it was skipped, failed or did not run"),
            )),
        },
        ExprKind::Element => around
            .element
            .map(Cow::Borrowed)
            .ok_or_else(|| wrong(expr, "there is no element that `.` could stand for")),
        ExprKind::Field(base, name) => {
            let value = evaluate(base, around)?;
            match field(value, name).map_err(|problem| placed(problem, expr.at))? {
                Found::There(value) => Ok(value),
                Found::Missing(why) => Err(wrong(expr, why)),
            }
        }
        ExprKind::Index(base, at) => {
            let value = evaluate(base, around)?;
            let key = evaluate(at, around)?;
            match index(value, &key).map_err(|problem| placed(problem, expr.at))? {
                Found::There(value) => Ok(value),
                Found::Missing(why) => Err(wrong(expr, why)),
            }
        }
        ExprKind::List(items) => {
            let values: Result<Vec<Value>, EvalError> = items
                .iter()
                .map(|item| evaluate(item, around).map(Cow::into_owned))
                .collect();
            values.map(|values| Cow::Owned(Value::List(values)))
        }
        ExprKind::Call { name, args, .. } => call::call(expr, name, args, around),
        ExprKind::Unary(op, inner) => {
            let value = evaluate(inner, around)?;
            owned(operate::unary(*op, &value), inner.at)
        }
        ExprKind::Binary(BinaryOp::And, left, right) => Ok(Cow::Owned(Value::Bool(
            condition(left, around)? && condition(right, around)?,
        ))),
        ExprKind::Binary(BinaryOp::Or, left, right) => Ok(Cow::Owned(Value::Bool(
            condition(left, around)? || condition(right, around)?,
        ))),
        ExprKind::Binary(_, left, right) => {
            let (a, b) = (evaluate(left, around)?, evaluate(right, around)?);
            applied(expr, &a, &b, around.of_quotients).map(Cow::Owned)
        }
        ExprKind::Present { subject, wanted } => {
            let present = find(subject, around)?.is_some();
            Ok(Cow::Owned(Value::Bool(present == *wanted)))
        }
    }
}

/// The value of an expression that has to be true or false.
pub(super) fn condition(expr: &Expr, around: Surroundings<'_>) -> Result<bool, EvalError> {
    let value = evaluate(expr, around)?;
    operate::truth(&value).map_err(|problem| placed(problem, expr.at))
}

/// The value of an expression, none when a part of its path is missing or null.
pub(super) fn find<'a>(
    expr: &'a Expr,
    around: Surroundings<'a>,
) -> Result<Option<Cow<'a, Value>>, EvalError> {
    let found = match &expr.kind {
        ExprKind::Name(name) => match around.value_of(name) {
            Some(value) => Found::There(Cow::Borrowed(value)),
            None => return Ok(None),
        },
        ExprKind::Field(base, name) => match find(base, around)? {
            Some(value) => field(value, name).map_err(|problem| placed(problem, expr.at))?,
            None if lacks(base, around)? => return Err(unseen(base)),
            None => return Ok(None),
        },
        ExprKind::Index(base, at) => match find(base, around)? {
            Some(value) => {
                let key = evaluate(at, around)?;
                index(value, &key).map_err(|problem| placed(problem, expr.at))?
            }
            None if lacks(base, around)? => return Err(unseen(base)),
            None => return Ok(None),
        },
        ExprKind::Call { name, args, .. } => match call::find(name, args, around)? {
            Some(found) => found,
            None => Found::There(evaluate(expr, around)?),
        },
        _ => Found::There(evaluate(expr, around)?),
    };
    Ok(match found {
        Found::There(value) if *value != Value::Null => Some(value),
        Found::There(_) | Found::Missing(_) => None,
    })
}

/// Whether this is a part of a step's output, which is there without it.
fn lacks(part: &Expr, around: Surroundings<'_>) -> Result<bool, EvalError> {
    let (ExprKind::Field(output, _) | ExprKind::Index(output, _)) = &part.kind else {
        return Ok(false);
    };
    let found = match find(output, around)? {
        Some(value) => matches!(*value, Value::Object(_)),
        None => false,
    };
    Ok(found
        && match &output.kind {
            ExprKind::Element => around.of_step,
            ExprKind::Name(name) => around.scope.is_output(name),
            // One turn of a loop.
            ExprKind::Index(all, _) => {
                matches!(&all.kind, ExprKind::Name(name) if around.scope.is_output(name))
                    && matches!(find(all, around)?.as_deref(), Some(Value::List(_)))
            }
            _ => false,
        })
}

/// An answer that is no JSON has no `json.error`, and is no answer without an error.
fn unseen(part: &Expr) -> EvalError {
    wrong(
        part,
        format!(
            "`{part}` itself is absent, which says nothing of what it would hold: ask `{part} is present` first"
        ),
    )
}

/// Something that may be missing; with the message for those who need it.
pub(super) enum Found<'a> {
    There(Cow<'a, Value>),
    Missing(String),
}

fn fetch<'a>(expr: &'a Expr, scope: &dyn Scope, names: &mut HashMap<&'a str, Option<Value>>) {
    let name = match &expr.kind {
        ExprKind::Name(name) => name,
        ExprKind::Element => ".",
        _ => {
            return expr
                .children()
                .into_iter()
                .for_each(|child| fetch(child, scope, names));
        }
    };
    names.entry(name).or_insert_with(|| scope.value_of(name));
}

fn field<'a>(value: Cow<'a, Value>, name: &str) -> Result<Found<'a>, Problem> {
    Ok(match &*value {
        Value::Object(fields) => match fields.iter().position(|(n, _)| n == name) {
            Some(at) => Found::There(part(value, |value| match value {
                Value::Object(fields) => fields.get(at).map(|(_, v)| v),
                _ => None,
            })),
            None => Found::Missing(no_field(name, fields)),
        },
        Value::Null => Found::Missing(format!("no field `{name}`: what stands before it is null")),
        Value::Distribution(sample) => Found::There(Cow::Owned(figure(sample, name)?)),
        Value::Estimate(
            Estimate::Proportion(crate::value::Proportion { k, n })
            | Estimate::Series(crate::value::Series { k, n, .. }),
        ) => match name {
            "k" => Found::There(Cow::Owned(count(*k)?)),
            "n" => Found::There(Cow::Owned(count(*n)?)),
            _ => {
                return Err(Problem::new(format!(
                    "a share of a sample has no field `{name}`; has: k, n"
                )));
            }
        },
        Value::List(_) => {
            return Err(Problem::new(format!(
                "a list has no field `{name}`; take an element `[0].{name}`, or ask `all(.{name} ...)`"
            )));
        }
        other => return Err(Problem::new(format!("{} has no field `{name}`", shown(other)))),
    })
}

fn index<'a>(value: Cow<'a, Value>, key: &Value) -> Result<Found<'a>, Problem> {
    match (&*value, key) {
        (Value::List(items), Value::Int(i)) => {
            let Ok(at) = usize::try_from(*i) else {
                return Err(Problem::new(format!(
                    "a list has no element {i}; the last is `x.last()`"
                )));
            };
            if at >= items.len() {
                return Ok(Found::Missing(format!(
                    "no element {at}: the list has {}",
                    items.len()
                )));
            }
            Ok(Found::There(part(value, |value| match value {
                Value::List(items) => items.get(at),
                _ => None,
            })))
        }
        (Value::Object(_) | Value::Null, Value::String(name)) => field(value, name),
        (Value::Null, Value::Int(i)) => Ok(Found::Missing(format!(
            "no element {i}: what stands before it is null"
        ))),
        (container, key) => Err(Problem::new(format!(
            "cannot take {} of {}",
            shown(key),
            shown(container)
        ))),
    }
}

/// A part of a value, borrowed when the value is.
fn part(value: Cow<'_, Value>, take: impl Fn(&Value) -> Option<&Value>) -> Cow<'_, Value> {
    match value {
        Cow::Borrowed(value) => take(value).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(value) => Cow::Owned(take(&value).cloned().unwrap_or(Value::Null)),
    }
}

fn no_field(name: &str, fields: &[(String, Value)]) -> String {
    const SHOWN: usize = 12;
    if fields.is_empty() {
        return format!("no field `{name}`: the object is empty");
    }
    let mut names: Vec<&str> = fields.iter().take(SHOWN).map(|(n, _)| n.as_str()).collect();
    if fields.len() > SHOWN {
        names.push("...");
    }
    format!("no field `{name}`; has: {}", names.join(", "))
}

/// The figures of a sample that have a name.
fn figure(sample: &std::sync::Arc<Distribution>, name: &str) -> Result<Value, Problem> {
    let valued = || {
        if sample.count() == 0 {
            return Err(Problem::nothing("the sample is empty"));
        }
        if sample.missing > 0 {
            return Err(Problem::new(format!(
                "`{name}` is not known: {} of {} members have no value",
                sample.missing,
                sample.count()
            )));
        }
        Ok(())
    };
    let quantity = |value: f64| Value::Quantity(Quantity::new(value, sample.dimension()));
    match name {
        "n" => count(sample.count()),
        "missing" => count(sample.missing),
        "min" if sample.count() == 0 => Err(Problem::nothing("the sample is empty")),
        "min" => match sample.buckets.first() {
            Some((value, _)) => Ok(quantity(*value)),
            None => valued().map(|()| Value::Null),
        },
        "max" => valued().map(|()| {
            sample
                .buckets
                .last()
                .map_or(Value::Null, |(value, _)| quantity(*value))
        }),
        "mean" => valued().map(|()| {
            let sum: f64 = sample
                .buckets
                .iter()
                .map(|(value, count)| value * *count as f64)
                .sum();
            quantity(sum / sample.valued() as f64)
        }),
        _ => match quantile_name(name) {
            Some(q) => Ok(quantile(sample, q)),
            None => Err(Problem::new(format!(
                "a sample has no field `{name}`; has: {}",
                super::FIGURES.join(", ")
            ))),
        },
    }
}

/// `p95` is 0.95.
fn quantile_name(name: &str) -> Option<f64> {
    Some(match name {
        "p50" => 0.5,
        "p90" => 0.9,
        "p95" => 0.95,
        "p99" => 0.99,
        "p999" => 0.999,
        _ => return None,
    })
}

pub(super) fn quantile(sample: &std::sync::Arc<Distribution>, q: f64) -> Value {
    Value::Estimate(Estimate::Quantile {
        q,
        of: sample.clone(),
        dimension: sample.dimension(),
    })
}

pub(super) fn count(n: u64) -> Result<Value, Problem> {
    i64::try_from(n)
        .map(Value::Int)
        .map_err(|_| Problem::new("the count is too large"))
}

pub(super) fn duration(seconds: f64) -> Value {
    Value::Quantity(Quantity::new(seconds, Dimension::Duration))
}

fn owned<'a>(result: Result<Value, Problem>, at: Range) -> Evaluated<'a> {
    result.map(Cow::Owned).map_err(|problem| placed(problem, at))
}

pub(super) fn placed(problem: Problem, at: Range) -> EvalError {
    EvalError {
        message: problem.message,
        at,
        inconclusive: problem.inconclusive,
    }
}

fn wrong(expr: &Expr, message: impl Into<String>) -> EvalError {
    placed(Problem::new(message), expr.at)
}
