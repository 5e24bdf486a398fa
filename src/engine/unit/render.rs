//! Parameters with expressions in them to the JSON an action gets.

use serde_json::Value as Json;

use crate::check::{Class, Failure};
use crate::plan::Params;
use crate::value::expr::Scope;
use crate::value::{Interpolated, Value, Vault};

/// Parameters with every expression evaluated.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    /// What the action gets, with tickets for secrets.
    pub(super) real: Json,
    /// What may be shown: secrets as `***`.
    pub(super) shown: Json,
    /// Gives the secrets for their tickets while the action runs.
    pub(super) vault: Vault,
}

/// Evaluates parameters.
///
/// # Errors
/// The first expression without a value, or whose value cannot stand where it is.
pub(super) fn render(params: &Params, scope: &dyn Scope) -> Result<Rendered, Failure> {
    let mut vault = Vault::default();
    let real = json(params, scope, &mut vault, false)?;
    Ok(Rendered {
        shown: vault.shown(&real),
        real,
        vault,
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

/// `secret`: the action takes a secret here.
fn json(params: &Params, scope: &dyn Scope, vault: &mut Vault, secret: bool) -> Result<Json, Failure> {
    match params {
        Params::Literal(json) => Ok(json.clone()),
        Params::Text(text) => in_params(&text.value, &value(&text.value, scope)?, vault, secret),
        Params::List(list) => list.iter().map(|p| json(p, scope, vault, secret)).collect(),
        Params::Map(entries) => {
            let mut map = serde_json::Map::new();
            for (key, entry) in entries {
                let value = json(&entry.value, scope, vault, entry.secret)?;
                let alone = matches!(&entry.value, Params::Text(t) if t.value.alone().is_some());
                if !(alone && value.is_null()) {
                    map.insert(key.clone(), value);
                }
            }
            Ok(Json::Object(map))
        }
    }
}

fn in_params(text: &Interpolated, value: &Value, vault: &mut Vault, secret: bool) -> Result<Json, Failure> {
    if holds_secret(value) && !(secret && matches!(value, Value::Secret(_))) {
        let shown: Vec<String> = text.exprs().map(|(e, _)| format!("`{e}`")).collect();
        return Err(bad(format!(
            "{} is a secret, and the action takes none here",
            shown.join(", ")
        )));
    }
    Ok(vault.to_json(value))
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
