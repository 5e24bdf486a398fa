//! Values to and from JSON, and how they are shown to people.

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Distribution, Estimate, ObjectType, Quantity, Type, TypeMismatch, Value};

impl Value {
    /// Reads a value of a known type; with [`Type::Any`] JSON stays as it is. Optional fields that are missing
    /// become null, fields that the type does not know are kept.
    ///
    /// # Errors
    /// The first place where the value has not the promised type. A secret is never read from JSON.
    pub fn from_json(json: &Json, ty: &Type) -> Result<Self, TypeMismatch> {
        read(json, ty, &mut String::new())
    }

    /// The JSON form; secrets become `"***"`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.to_json_with(&mut |_| Json::String("***".to_owned()))
    }

    /// The JSON form, with secrets written by `secret`.
    pub(super) fn to_json_with(&self, secret: &mut dyn FnMut(&super::Secret) -> Json) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(i) => Json::from(*i),
            Self::Float(x) => Json::from(*x),
            Self::String(text) => Json::String(text.clone()),
            Self::Quantity(quantity) => Json::String(quantity.to_string()),
            Self::Time(time) => Json::String(time.to_string()),
            Self::Secret(s) => secret(s),
            Self::Estimate(Estimate::Proportion(p)) => serde_json::json!({ "k": p.k, "n": p.n }),
            Self::Estimate(Estimate::Series(s)) => serde_json::to_value(s).unwrap_or(Json::Null),
            Self::Estimate(estimate @ (Estimate::Quantile { .. } | Estimate::Paired(_))) => estimate
                .point()
                .map_or(Json::Null, |q| Json::String(q.to_string())),
            Self::Distribution(sample) => serde_json::to_value(&**sample).unwrap_or(Json::Null),
            Self::List(items) => items.iter().map(|item| item.to_json_with(secret)).collect(),
            Self::Object(fields) => Json::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json_with(secret)))
                    .collect(),
            ),
        }
    }

    /// What it is, for messages: `a whole number`, `a duration`, `a list of 3`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(_) => "true or false".to_owned(),
            Self::Int(_) => "a whole number".to_owned(),
            Self::Float(_) => "a number".to_owned(),
            Self::String(_) => "text".to_owned(),
            Self::Quantity(quantity) => quantity.dimension.to_string(),
            Self::Time(_) => "a time".to_owned(),
            Self::Secret(_) => "a secret".to_owned(),
            Self::Estimate(Estimate::Proportion(_) | Estimate::Series(_)) => "a share of a sample".to_owned(),
            Self::Estimate(Estimate::Paired(pairs)) => format!("a ratio of {} pairs", pairs.len()),
            Self::Estimate(Estimate::Quantile { dimension, .. }) => format!("a quantile, {dimension}"),
            Self::Distribution(sample) => format!("a sample of {}", sample.count()),
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }

    /// The value of a field, when this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar, as it stands inside other text; none of a list, an object, null or a secret.
    #[must_use]
    pub fn scalar_text(&self) -> Option<String> {
        match self {
            Self::Bool(b) => Some(b.to_string()),
            Self::Int(i) => Some(i.to_string()),
            Self::Float(x) => Some(Json::from(*x).to_string()),
            Self::String(text) => Some(text.clone()),
            Self::Quantity(quantity) => Some(quantity.to_string()),
            Self::Time(time) => Some(time.to_string()),
            Self::Estimate(estimate) => estimate.point().map(|q| q.to_string()),
            Self::Null | Self::Secret(_) | Self::Distribution(_) | Self::List(_) | Self::Object(_) => None,
        }
    }
}

impl fmt::Display for Value {
    /// As an expression would write it: text in quotes, `200ms`, lists and objects as JSON, a secret as `***`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("***"),
            Self::Estimate(estimate) => estimate.fmt(f),
            Self::Distribution(sample) => write!(f, "a sample of {}", sample.count()),
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Time(time) => time.fmt(f),
            other => other.to_json().fmt(f),
        }
    }
}

fn read(json: &Json, ty: &Type, path: &mut String) -> Result<Value, TypeMismatch> {
    let mismatch = |path: &str| TypeMismatch {
        path: path.to_owned(),
        expected: ty.to_string(),
        actual: described(json),
    };
    Ok(match (ty, json) {
        (Type::Optional(_) | Type::Null, Json::Null) => Value::Null,
        (Type::Optional(inner), _) => read(json, inner, path)?,
        (Type::Any, _) | (Type::Number, Json::Number(_)) => free(json),
        (Type::Bool, Json::Bool(b)) => Value::Bool(*b),
        (Type::Int, Json::Number(n)) => Value::Int(n.as_i64().ok_or_else(|| mismatch(path))?),
        (Type::String, Json::String(text)) => Value::String(text.clone()),
        (Type::Enum(words), Json::String(text)) if words.contains(text) => Value::String(text.clone()),
        (Type::Quantity(dimension), Json::String(text)) => {
            let quantity: Quantity = text.parse().map_err(|_| mismatch(path))?;
            if !quantity.dimension.fits(dimension) {
                return Err(mismatch(path));
            }
            Value::Quantity(quantity)
        }
        (Type::Time, Json::String(text)) => Value::Time(text.parse().map_err(|_| mismatch(path))?),
        (Type::List(element), Json::Array(items)) => {
            let mut values = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                values.push(within(path, &format!("[{i}]"), |path| read(item, element, path))?);
            }
            Value::List(values)
        }
        (Type::Map(value), Json::Object(fields)) => {
            let mut values = Vec::with_capacity(fields.len());
            for (name, field) in fields {
                let value = within(path, &format!(".{name}"), |path| read(field, value, path))?;
                values.push((name.clone(), value));
            }
            Value::Object(values)
        }
        (Type::Object(object), Json::Object(fields)) => Value::Object(read_object(object, fields, path)?),
        (Type::Proportion, Json::Object(_)) => {
            let series: super::Series = serde_json::from_value(json.clone()).map_err(|_| mismatch(path))?;
            if series.k > series.n || series.pairs.is_some_and(|(both, all)| both > all) {
                return Err(mismatch(path));
            }
            Value::Estimate(match series {
                super::Series {
                    k,
                    n,
                    pairs: None,
                    looks: 1,
                } => Estimate::Proportion(super::Proportion { k, n }),
                more => Estimate::Series(more),
            })
        }
        (Type::Distribution(dimension), Json::Object(_)) => {
            let sample: Distribution = serde_json::from_value(json.clone()).map_err(|_| mismatch(path))?;
            if sample.quantity != dimension.word() || !sample.is_well_formed() {
                return Err(mismatch(path));
            }
            Value::Distribution(Arc::new(sample))
        }
        _ => return Err(mismatch(path)),
    })
}

fn read_object(
    object: &ObjectType,
    fields: &serde_json::Map<String, Json>,
    path: &mut String,
) -> Result<Vec<(String, Value)>, TypeMismatch> {
    let mut values = Vec::with_capacity(object.fields.len());
    for field in &object.fields {
        let value = match fields.get(&field.name) {
            Some(json) => within(path, &format!(".{}", field.name), |path| {
                read(json, &field.ty, path)
            })?,
            None if field.ty.may_be_absent() => Value::Null,
            None => {
                return Err(TypeMismatch {
                    path: format!("{path}.{}", field.name),
                    expected: field.ty.to_string(),
                    actual: "nothing".to_owned(),
                });
            }
        };
        values.push((field.name.clone(), value));
    }
    for (name, json) in fields {
        if !object.fields.iter().any(|field| field.name == *name) {
            values.push((name.clone(), free(json)));
        }
    }
    Ok(values)
}

fn within<T>(path: &mut String, part: &str, read: impl FnOnce(&mut String) -> T) -> T {
    let length = path.len();
    path.push_str(part);
    let result = read(path);
    path.truncate(length);
    result
}

/// JSON of an unknown type. Whole numbers beyond 64 bits with sign become floats, which the evaluator does not take
/// for exact.
fn free(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Float(n.as_f64().unwrap_or(f64::MAX)),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(free).collect()),
        Json::Object(fields) => Value::Object(fields.iter().map(|(n, v)| (n.clone(), free(v))).collect()),
    }
}

/// The kind, and the value itself when it is short.
fn described(json: &Json) -> String {
    const SHOWN: usize = 60;
    let kind = free(json).describe();
    let text = json.to_string();
    match json {
        Json::Bool(_) | Json::Number(_) | Json::String(_) if text.chars().count() <= SHOWN => {
            format!("{kind} {text}")
        }
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::value::Dimension;

    #[test]
    fn typed_json_becomes_typed_values_and_back() {
        let ty = Type::object([
            ("took", Type::Quantity(Dimension::Duration)),
            ("at", Type::Time),
            ("share", Type::Proportion),
            ("note", Type::String.optional()),
            ("body", Type::Any),
        ]);
        let json = json!({"took": "1.5s", "at": "2026-01-01T00:00:00Z", "share": {"k": 1, "n": 4},
            "body": {"took": "1.5s", "n": 3}, "extra": 1});
        let value = Value::from_json(&json, &ty).unwrap();
        assert_eq!(value.get("took"), Some(&Value::Quantity("1.5s".parse().unwrap())));
        assert_eq!(value.get("note"), Some(&Value::Null));
        assert_eq!(value.get("extra"), Some(&Value::Int(1)));
        assert_eq!(
            value.get("body").unwrap().get("took"),
            Some(&Value::String("1.5s".into()))
        );
        let mut expected = json.clone();
        expected["note"] = Json::Null;
        assert_eq!(value.to_json(), expected);
    }

    #[test]
    fn a_broken_promise_is_named_with_its_place() {
        let ty = Type::object([("versions", Type::list(Type::object([("name", Type::String)])))]);
        for (json, message) in [
            (
                json!({"versions": [{"name": "a"}, {"name": 3}]}),
                ".versions[1].name: expected text, got a whole number 3",
            ),
            (
                json!({"versions": [{}]}),
                ".versions[0].name: expected text, got nothing",
            ),
            (
                json!({}),
                ".versions: expected a list of objects with name, got nothing",
            ),
        ] {
            assert_eq!(Value::from_json(&json, &ty).unwrap_err().to_string(), message);
        }
        let refused = |json: Json, ty: Type| Value::from_json(&json, &ty).unwrap_err().to_string();
        assert!(refused(json!("5MiB"), Type::Quantity(Dimension::Duration)).contains("expected a duration"));
        assert!(refused(json!("nine"), Type::Enum(vec!["one".into()])).contains("expected one of \"one\""));
        assert!(refused(json!({"k": 5, "n": 4}), Type::Proportion).contains("expected a share"));
        assert!(refused(json!(1.5), Type::Int).contains("got a number 1.5"));
        assert!(refused(json!("x"), Type::Secret).contains("expected a secret"));
        assert!(refused(Json::Null, Type::String).contains("got null"));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Value::List(vec![Value::Secret(crate::value::Secret::new("token", "hunter2"))]);
        assert_eq!(secret.to_json(), json!(["***"]));
        assert!(!format!("{secret} {secret:?} {}", secret.describe()).contains("hunter2"));
    }
}
