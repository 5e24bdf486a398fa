//! Functions of lists and maps.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::super::eval::{EvalError, Evaluated, Found, Surroundings, condition, count, divides, evaluate};
use super::super::functions::Builtin;
use super::super::operate::{self, Problem, shown};
use super::super::{BinaryOp, Expr, ExprKind};
use super::Call;
use crate::value::Value;

pub(super) fn run<'a>(call: &Call<'a>) -> Evaluated<'a> {
    let subject = call.value(0)?;
    if let Builtin::Len | Builtin::Keys | Builtin::Values = call.which {
        return of_container(call, &subject).map(Cow::Owned);
    }
    if let Builtin::First | Builtin::Last = call.which {
        return match end(subject, call.which == Builtin::First).map_err(|p| call.wrong(p))? {
            Found::There(value) => Ok(value),
            Found::Missing(why) => Err(call.wrong(Problem::nothing(why))),
        };
    }
    let Value::List(items) = &*subject else {
        return Err(call.unfit(0, "a list", &subject));
    };
    let result = match (call.which, call.args.get(1)) {
        (Builtin::Count, None) => Ok(Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX))),
        (Builtin::Any, Some(predicate)) => look(call, items, predicate, true).map(Value::Bool),
        (Builtin::All, Some(predicate)) => {
            look(call, items, predicate, false).map(|found| Value::Bool(!found))
        }
        (Builtin::None, Some(predicate)) => {
            look(call, items, predicate, true).map(|found| Value::Bool(!found))
        }
        (Builtin::Filter, Some(predicate)) => chosen(call, items, predicate).map(Value::List),
        (Builtin::Count, Some(predicate)) => chosen(call, items, predicate)
            .and_then(|found| count(found.len() as u64).map_err(|p| call.wrong(p))),
        (Builtin::Map, Some(expr)) => each(call, items, expr).map(Value::List),
        (Builtin::Sort, key) => sorted(call, items, key).map(Value::List),
        (Builtin::Sum, _) => total(items).map_err(|p| call.wrong(p)),
        (Builtin::Mean, _) => mean(items).map_err(|p| call.wrong(p)),
        (Builtin::Min, _) => extreme(items, Ordering::Less).map_err(|p| call.wrong(p)),
        (Builtin::Max, _) => extreme(items, Ordering::Greater).map_err(|p| call.wrong(p)),
        (Builtin::Unique, _) => unique(items).map_err(|p| call.wrong(p)),
        _ => flat(call, items),
    };
    result.map(Cow::Owned)
}

/// The first or the last element.
pub(super) fn end(list: Cow<'_, Value>, first: bool) -> Result<Found<'_>, Problem> {
    let at = |items: &[Value]| if first { 0 } else { items.len().saturating_sub(1) };
    let found = match list {
        Cow::Borrowed(Value::List(items)) => items.get(at(items)).map(Cow::Borrowed),
        Cow::Owned(Value::List(mut items)) => {
            let at = at(&items);
            (at < items.len()).then(|| Cow::Owned(items.swap_remove(at)))
        }
        other => return Err(Problem::new(format!("expected a list, got {}", shown(&other)))),
    };
    Ok(found.map_or_else(|| Found::Missing("the list is empty".to_owned()), Found::There))
}

fn of_container(call: &Call<'_>, subject: &Value) -> Result<Value, EvalError> {
    match (call.which, subject) {
        (Builtin::Len, Value::List(items)) => count(items.len() as u64),
        (Builtin::Len, Value::Object(fields)) => count(fields.len() as u64),
        (Builtin::Len, Value::String(text)) => count(text.chars().count() as u64),
        (Builtin::Keys, Value::Object(fields)) => Ok(Value::List(
            fields
                .iter()
                .map(|(name, _)| Value::String(name.clone()))
                .collect(),
        )),
        (Builtin::Values, Value::Object(fields)) => Ok(Value::List(
            fields.iter().map(|(_, value)| value.clone()).collect(),
        )),
        (Builtin::Len, other) => return Err(call.unfit(0, "a list, a map or text", other)),
        (_, other) => return Err(call.unfit(0, "a map", other)),
    }
    .map_err(|problem| call.wrong(problem))
}

/// A predicate over nothing says nothing.
fn not_empty(call: &Call<'_>, items: &[Value]) -> Result<(), EvalError> {
    if items.is_empty() {
        return Err(call.wrong(Problem::nothing(format!(
            "`{}` over an empty list says nothing",
            call.name
        ))));
    }
    Ok(())
}

fn with<'b>(call: &Call<'b>, element: &'b Value) -> Surroundings<'b> {
    let list = call.args.first();
    Surroundings {
        element: Some(element),
        of_step: matches!(list.map(|l| &l.kind), Some(ExprKind::Name(name)) if call.around.scope.is_output(name)),
        of_quotients: list.is_some_and(divides),
        ..call.around
    }
}

/// Whether the predicate is `wanted` for some element.
fn look(call: &Call<'_>, items: &[Value], predicate: &Expr, wanted: bool) -> Result<bool, EvalError> {
    not_empty(call, items)?;
    for item in items {
        if condition(predicate, with(call, item))? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn chosen(call: &Call<'_>, items: &[Value], predicate: &Expr) -> Result<Vec<Value>, EvalError> {
    not_empty(call, items)?;
    let mut found = Vec::new();
    for item in items {
        if condition(predicate, with(call, item))? {
            found.push(item.clone());
        }
    }
    Ok(found)
}

fn each(call: &Call<'_>, items: &[Value], expr: &Expr) -> Result<Vec<Value>, EvalError> {
    items
        .iter()
        .map(|item| evaluate(expr, with(call, item)).map(Cow::into_owned))
        .collect()
}

fn sorted(call: &Call<'_>, items: &[Value], key: Option<&Expr>) -> Result<Vec<Value>, EvalError> {
    let keys = match key {
        Some(key) => each(call, items, key)?,
        None => items.to_vec(),
    };
    let mut problem = None;
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| {
        rank(&keys[*a], &keys[*b]).unwrap_or_else(|p| {
            problem.get_or_insert(p);
            Ordering::Equal
        })
    });
    match problem {
        Some(problem) => Err(call.wrong(problem)),
        None => Ok(order.into_iter().map(|i| items[i].clone()).collect()),
    }
}

/// As operators order, and text by its characters.
fn rank(a: &Value, b: &Value) -> Result<Ordering, Problem> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        _ => operate::order(a, b),
    }
}

fn total(items: &[Value]) -> Result<Value, Problem> {
    let (first, rest) = split_first(items, "the sum")?;
    // An addition of its own shows whether the first is a number at all.
    let mut sum = operate::binary(BinaryOp::Mul, first, &Value::Int(1))?;
    for item in rest {
        sum = operate::binary(BinaryOp::Add, &sum, item)?;
    }
    Ok(sum)
}

fn mean(items: &[Value]) -> Result<Value, Problem> {
    let sum = total(items)?;
    let n = i64::try_from(items.len()).unwrap_or(i64::MAX);
    operate::binary(BinaryOp::Div, &sum, &Value::Int(n))
}

fn extreme(items: &[Value], wanted: Ordering) -> Result<Value, Problem> {
    let (first, rest) = split_first(items, "the extreme")?;
    let mut best = first;
    // Also a single element has to be something that has an order.
    operate::order(first, first)?;
    for item in rest {
        if operate::order(item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}

fn split_first<'a>(items: &'a [Value], what: &str) -> Result<(&'a Value, &'a [Value]), Problem> {
    items
        .split_first()
        .ok_or_else(|| Problem::nothing(format!("{what} of an empty list is nothing")))
}

fn unique(items: &[Value]) -> Result<Value, Problem> {
    // Scalars that occur often are found by their text; the list of what was seen stays short for the others.
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        let new = match item {
            Value::Bool(_) | Value::Int(_) | Value::String(_) | Value::Null => seen.insert(item.to_string()),
            other => {
                let mut found = false;
                for known in kept
                    .iter()
                    .filter(|k| std::mem::discriminant(*k) == std::mem::discriminant(other))
                {
                    if operate::equal(known, other)? {
                        found = true;
                        break;
                    }
                }
                !found
            }
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(kept))
}

fn flat(call: &Call<'_>, items: &[Value]) -> Result<Value, EvalError> {
    let mut all = Vec::new();
    for item in items {
        match item {
            Value::List(inner) => all.extend(inner.iter().cloned()),
            other => return Err(call.unfit(0, "a list of lists", other)),
        }
    }
    Ok(Value::List(all))
}
