//! Parameters with expressions in them to the JSON an action gets.

use serde_json::Value as Json;

use crate::check::{Class, Failure};
use crate::plan::Params;
use crate::value::expr::{Expr, Scope, eval};
use crate::value::{Interpolated, Piece, Value};

/// Parameters with every expression evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rendered {
    /// What the action gets.
    pub(super) real: Json,
    /// What may be shown: secrets as `***`.
    pub(super) shown: Json,
    pub(super) has_secret: bool,
}

/// Evaluates parameters.
///
/// # Errors
/// The first expression without a value, or whose value cannot stand where it is.
pub(super) fn render(params: &Params, scope: &dyn Scope) -> Result<Rendered, Failure> {
    let mut has_secret = false;
    let real = json(
        params,
        scope,
        &mut has_secret,
        Place {
            secret: false,
            real: true,
        },
    )?;
    let shown = if has_secret {
        json(
            params,
            scope,
            &mut has_secret,
            Place {
                secret: false,
                real: false,
            },
        )?
    } else {
        real.clone()
    };
    Ok(Rendered {
        real,
        shown,
        has_secret,
    })
}

/// Evaluates the items of a `for_each`.
///
/// # Errors
/// As [`render`], and when the value is no list.
pub(super) fn items(params: &Params, scope: &dyn Scope) -> Result<Vec<Value>, Failure> {
    let value = match params {
        Params::Text(text) => match text.value.alone() {
            Some(expr) => value(expr, scope)?,
            None => Value::String(text_of(&text.value, scope)?),
        },
        Params::Literal(json) => literal(json)?,
        Params::List(list) => {
            return list.iter().map(|item| items_one(item, scope)).collect();
        }
        Params::Map(_) => literal(&render(params, scope)?.real)?,
    };
    match value {
        Value::List(items) => Ok(items),
        other => Err(bad(format!(
            "`for_each` expects a list, got {}",
            other.describe()
        ))),
    }
}

fn items_one(item: &Params, scope: &dyn Scope) -> Result<Value, Failure> {
    match item {
        Params::Text(text) => match text.value.alone() {
            Some(expr) => value(expr, scope),
            None => text_of(&text.value, scope).map(Value::String),
        },
        Params::Literal(json) => literal(json),
        Params::List(_) | Params::Map(_) => literal(&render(item, scope)?.real),
    }
}

/// What may stand at a place, and which form is asked for.
#[derive(Clone, Copy)]
struct Place {
    /// The action takes a secret here.
    secret: bool,
    /// The form for the action, not the one that may be shown.
    real: bool,
}

fn json(params: &Params, scope: &dyn Scope, has_secret: &mut bool, at: Place) -> Result<Json, Failure> {
    match params {
        Params::Literal(json) => Ok(json.clone()),
        Params::Text(text) => match text.value.alone() {
            Some(expr) => in_params(expr, &value(expr, scope)?, has_secret, at),
            None => text_of(&text.value, scope).map(Json::String),
        },
        Params::List(list) => list.iter().map(|p| json(p, scope, has_secret, at)).collect(),
        Params::Map(entries) => {
            let mut map = serde_json::Map::new();
            for (key, entry) in entries {
                let at = Place {
                    secret: entry.secret,
                    ..at
                };
                let value = json(&entry.value, scope, has_secret, at)?;
                let alone = matches!(&entry.value, Params::Text(t) if t.value.alone().is_some());
                if !(alone && value.is_null()) {
                    map.insert(key.clone(), value);
                }
            }
            Ok(Json::Object(map))
        }
    }
}

fn in_params(expr: &Expr, value: &Value, has_secret: &mut bool, at: Place) -> Result<Json, Failure> {
    if holds_secret(value) {
        *has_secret = true;
        if !at.secret {
            return Err(bad(format!(
                "`{expr}` is a secret, and the action takes none here"
            )));
        }
    }
    let _ = at.real;
    Ok(value.to_json())
}

/// Whether a secret is in it, at any depth.
fn holds_secret(value: &Value) -> bool {
    match value {
        Value::Secret(_) => true,
        Value::List(items) => items.iter().any(holds_secret),
        Value::Object(fields) => fields.iter().any(|(_, v)| holds_secret(v)),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::String(_)
        | Value::Quantity(_)
        | Value::Time(_)
        | Value::Estimate(_)
        | Value::Distribution(_) => false,
    }
}

fn text_of(text: &Interpolated, scope: &dyn Scope) -> Result<String, Failure> {
    let mut out = String::new();
    for piece in &text.pieces {
        match piece {
            Piece::Literal(s) => out.push_str(s),
            Piece::Expr { expr, .. } => out.push_str(&scalar(expr, &value(expr, scope)?)?),
        }
    }
    Ok(out)
}

fn scalar(expr: &Expr, value: &Value) -> Result<String, Failure> {
    let no = |what: &str| {
        Err(bad(format!(
            "`${{{{ {expr} }}}}` inside text must be a single value, got {what}"
        )))
    };
    match value {
        Value::Secret(_) => no("a secret, which may not be shown"),
        Value::Null => no("nothing (null)"),
        Value::List(_) | Value::Object(_) | Value::Distribution(_) => no(&value.describe()),
        _ => Ok(match value.to_json() {
            Json::String(s) => s,
            other => other.to_string(),
        }),
    }
}

fn value(expr: &Expr, scope: &dyn Scope) -> Result<Value, Failure> {
    eval(expr, scope).map_err(|e| bad(format!("`{expr}` has no value: {}", e.message)))
}

fn literal(json: &Json) -> Result<Value, Failure> {
    Value::from_json(json, &crate::value::Type::Any).map_err(|e| bad(e.to_string()))
}

fn bad(message: String) -> Failure {
    Failure::new(Class::BadParameter, message)
}
