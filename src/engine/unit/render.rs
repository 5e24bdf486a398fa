//! Parameters with expressions in them to the JSON an action gets.

use serde_json::Value as Json;

use crate::check::{Class, Failure};
use crate::plan::Params;
use crate::value::expr::Scope;
use crate::value::{Interpolated, Value};

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
        Params::Text(text) => value(&text.value, scope)?,
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
        Params::Text(text) => value(&text.value, scope),
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
        Params::Text(text) => in_params(&text.value, &value(&text.value, scope)?, has_secret, at),
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

fn in_params(text: &Interpolated, value: &Value, has_secret: &mut bool, at: Place) -> Result<Json, Failure> {
    if !holds_secret(value) {
        return Ok(value.to_json());
    }
    *has_secret = true;
    match value {
        Value::Secret(secret) if at.secret => Ok(if at.real {
            // The last moment: from here it goes to the action alone.
            Json::from(secret.expose())
        } else {
            Json::from(secret.to_string())
        }),
        _ => {
            let shown: Vec<String> = text.exprs().map(|(e, _)| format!("`{e}`")).collect();
            Err(bad(format!(
                "{} is a secret, and the action takes none here",
                shown.join(", ")
            )))
        }
    }
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

fn value(text: &Interpolated, scope: &dyn Scope) -> Result<Value, Failure> {
    text.eval(scope).map_err(|e| {
        let all: Vec<String> = text.exprs().map(|(e, _)| format!("`{e}`")).collect();
        bad(format!("{} has no value: {}", all.join(", "), e.message))
    })
}

fn literal(json: &Json) -> Result<Value, Failure> {
    Value::from_json(json, &crate::value::Type::Any).map_err(|e| bad(e.to_string()))
}

fn bad(message: String) -> Failure {
    Failure::new(Class::BadParameter, message)
}
