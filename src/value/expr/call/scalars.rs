//! Functions of text, numbers and times.

use sha2::{Digest, Sha256};

use super::super::eval::{EvalError, duration};
use super::super::functions::Builtin;
use super::super::operate::{Problem, point};
use super::Call;
use crate::value::{Dimension, Quantity, Type, Value};

/// By how many seconds the clock of a service may be ahead.
const SKEW: f64 = 60.0;

pub(super) fn run(call: &Call<'_>) -> Result<Value, EvalError> {
    use Builtin as B;
    Ok(match call.which {
        B::Now => Value::Time(call.around.scope.now()),
        B::Age => match &*call.value(0)? {
            Value::Time(time) => {
                let age = call.around.scope.now().duration_since(*time).as_secs_f64();
                if age < -SKEW {
                    let ahead = Quantity::new(-age, Dimension::Duration).short();
                    return Err(call.wrong(Problem::new(format!(
                        "it lies {ahead} in the future and has no age: is a clock or a time zone wrong? of what is to \
                         come ask `x - now()`"
                    ))));
                }
                duration(age)
            }
            other => return Err(call.unfit(0, "a time", other)),
        },
        B::Lower => Value::String(call.text(0)?.to_lowercase()),
        B::Upper => Value::String(call.text(0)?.to_uppercase()),
        B::Trim => Value::String(call.text(0)?.trim().to_owned()),
        B::StartsWith => Value::Bool(call.text(0)?.starts_with(not_empty(call, 1, &call.text(1)?)?)),
        B::EndsWith => Value::Bool(call.text(0)?.ends_with(not_empty(call, 1, &call.text(1)?)?)),
        B::Split => split(call)?,
        B::Join => join(call)?,
        B::Replace => {
            let (text, from, to) = (call.text(0)?, call.text(1)?, call.text(2)?);
            Value::String(text.replace(not_empty(call, 1, &from)?, &to))
        }
        B::Sha256 => Value::String(format!("{:x}", Sha256::digest(call.text(0)?.as_bytes()))),
        B::Json => {
            let text = call.text(0)?;
            let json = serde_json::from_str(&text)
                .map_err(|error| call.wrong(Problem::new(format!("the text is not JSON: {error}"))))?;
            Value::from_json(&json, &Type::Any)
                .map_err(|error| call.wrong(Problem::new(error.to_string())))?
        }
        B::Time => {
            let text = call.text(0)?;
            Value::Time(
                text.parse()
                    .map_err(|_| unreadable(call, &text, "a time such as `2026-01-31T12:00:00Z`"))?,
            )
        }
        B::Duration => quantity(call, &Dimension::Duration)?,
        B::Bytes => quantity(call, &Dimension::Bytes)?,
        B::Ratio => quantity(call, &Dimension::Ratio)?,
        B::Rate => quantity(call, &Dimension::Rate)?,
        B::Text => {
            let value = call.value(0)?;
            let text = value.scalar_text();
            Value::String(
                text.ok_or_else(|| {
                    call.unfit(0, "a number, a quantity, a time, true, false or text", &value)
                })?,
            )
        }
        _ => number(call)?,
    })
}

fn split(call: &Call<'_>) -> Result<Value, EvalError> {
    let (text, separator) = (call.text(0)?, call.text(1)?);
    let parts = text.split(not_empty(call, 1, &separator)?);
    Ok(Value::List(
        parts.map(|part| Value::String(part.to_owned())).collect(),
    ))
}

fn join(call: &Call<'_>) -> Result<Value, EvalError> {
    let list = call.value(0)?;
    let Value::List(items) = &*list else {
        return Err(call.unfit(0, "a list", &list));
    };
    let texts: Result<Vec<String>, EvalError> = items
        .iter()
        .map(|item| {
            item.scalar_text()
                .ok_or_else(|| call.unfit(0, "a list of scalars", item))
        })
        .collect();
    Ok(Value::String(texts?.join(&call.text(1)?)))
}

fn not_empty<'t>(call: &Call<'_>, i: usize, text: &'t str) -> Result<&'t str, EvalError> {
    if text.is_empty() {
        return Err(call.unfit(i, "text that is not empty", &Value::String(String::new())));
    }
    Ok(text)
}

fn quantity(call: &Call<'_>, wanted: &Dimension) -> Result<Value, EvalError> {
    let given = call.value(0)?;
    let value = point(&given).map_err(|problem| call.wrong(problem))?;
    match &*value {
        Value::String(text) => {
            let read: Quantity = text
                .parse()
                .map_err(|error: crate::value::UnitError| call.wrong(Problem::new(error.0)))?;
            if read.dimension != *wanted {
                return Err(unreadable(
                    call,
                    text,
                    &format!("{wanted} such as `{}`", wanted.example()),
                ));
            }
            Ok(Value::Quantity(read))
        }
        Value::Quantity(read) if read.dimension == *wanted => Ok(Value::Quantity(read.clone())),
        other => Err(call.unfit(0, "text", other)),
    }
}

fn number(call: &Call<'_>) -> Result<Value, EvalError> {
    use Builtin as B;
    let given = call.value(0)?;
    let value = point(&given).map_err(|problem| call.wrong(problem))?;
    let floored = |x: f64| whole(x).ok_or_else(|| call.wrong(Problem::new("the number is too large")));
    Ok(match (call.which, &*value) {
        (B::Abs, Value::Int(i)) => Value::Int(
            i.checked_abs()
                .ok_or_else(|| call.wrong(Problem::new("the number is too large")))?,
        ),
        (B::Abs, Value::Float(x)) => Value::Float(x.abs()),
        (B::Abs, Value::Quantity(q)) => Value::Quantity(Quantity::new(q.value.abs(), q.dimension.clone())),
        (B::Round, Value::Int(_) | Value::Float(_)) => round(call, &value)?,
        (B::Floor | B::Ceil | B::Int | B::Number, Value::Int(i)) => Value::Int(*i),
        (B::Floor, Value::Float(x)) => floored(x.floor())?,
        (B::Ceil, Value::Float(x)) => floored(x.ceil())?,
        (B::Number, Value::Float(x)) => Value::Float(*x),
        (B::Int, Value::Float(x)) if x.fract() == 0.0 => floored(*x)?,
        (B::Int, Value::Float(_)) => {
            return Err(call.unfit(0, "a whole number; `round`, `floor` and `ceil` make one", &value));
        }
        (B::Int, Value::String(text)) => Value::Int(
            text.trim()
                .parse()
                .map_err(|_| unreadable(call, text, "a whole number"))?,
        ),
        (B::Number, Value::String(text)) => {
            read_number(text).ok_or_else(|| unreadable(call, text, "a number"))?
        }
        (B::Int | B::Number, other) => return Err(call.unfit(0, "text or a number", other)),
        (B::Abs, other) => return Err(call.unfit(0, "a number or a quantity", other)),
        (_, other) => return Err(call.unfit(0, "a number", other)),
    })
}

fn round(call: &Call<'_>, value: &Value) -> Result<Value, EvalError> {
    const DIGITS: i64 = 15;
    let digits = match call.args.get(1) {
        None => None,
        Some(_) => match &*call.value(1)? {
            Value::Int(digits) if (0..=DIGITS).contains(digits) => Some(*digits),
            other => return Err(call.unfit(1, "from 0 to 15 digits", other)),
        },
    };
    Ok(match (value, digits) {
        (Value::Float(x), None) => {
            whole(x.round()).ok_or_else(|| call.wrong(Problem::new("the number is too large")))?
        }
        (Value::Float(x), Some(digits)) => {
            let scale = 10f64.powi(i32::try_from(digits).unwrap_or(0));
            let scaled = (x * scale).round() / scale;
            Value::Float(if scaled.is_finite() { scaled } else { *x })
        }
        (other, _) => other.clone(),
    })
}

fn whole(x: f64) -> Option<Value> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (-LIMIT..LIMIT).contains(&x).then_some(Value::Int(x as i64))
}

/// Whole numbers stay exact.
fn read_number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(i) = text.parse::<i64>() {
        return Some(Value::Int(i));
    }
    text.parse::<f64>()
        .ok()
        .filter(|x| x.is_finite())
        .map(Value::Float)
}

fn unreadable(call: &Call<'_>, text: &str, wanted: &str) -> EvalError {
    let shown = Value::String(text.chars().take(60).collect());
    call.wrong(Problem::new(format!("{shown} is not {wanted}")))
}
