//! Parameters with expressions in them to the JSON an action gets.

use serde_json::Value as Json;

use crate::action::ParamSchema;
use crate::check::{Class, Failure};
use crate::plan::{Params, StepPlan};
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

/// The parameters a step's action gets: evaluated, and held against what the action takes. Before the run an expression
/// is taken to fit; what it came to may be an empty text, a number out of range, or nothing where one of two keys must
/// be given.
///
/// # Errors
/// As [`render`], and the mistakes in what came out.
pub(super) fn parameters(step: &StepPlan, scope: &dyn Scope) -> Result<Rendered, Failure> {
    let rendered = render(&step.params, scope)?;
    if matches!(step.params, Params::Literal(_)) {
        return Ok(rendered);
    }
    let given = without_nulls(&rendered.real);
    let mut problems = ParamSchema::of(step.action).problems(&given);
    // The output of a step may be handed on whole, and hold more than is taken of it.
    problems.retain(|p| !p.is_unknown_key());
    if problems.is_empty() {
        problems = step.action.validate(&given);
    }
    let mut said = problems.into_iter().map(|p| {
        let at = p.pointer.trim_start_matches('/').replace('/', ".");
        let message = if at.is_empty() {
            p.message
        } else {
            format!("`{at}`: {}", p.message)
        };
        (message, p.help)
    });
    let Some((first, help)) = said.next() else {
        return Ok(rendered);
    };
    let mut failure = bad(format!("parameters of {}: {first}", step.action.name()));
    failure.help = help;
    Err(said.fold(failure, |failure, (message, _)| failure.detail(message)))
}

/// What stands in a schema for a field without a value is its absence.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Json::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Evaluates parameters.
///
/// # Errors
/// The first expression without a value, or whose value cannot stand where it is.
fn render(params: &Params, scope: &dyn Scope) -> Result<Rendered, Failure> {
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
