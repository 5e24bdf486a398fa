//! Types of values, known before the run.

use std::fmt;
use std::sync::Arc;

use super::{Dimension, Value};

/// What is known of a value before the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Only known at run time (JSON from a server).
    Any,
    Null,
    Bool,
    Int,
    /// A float; an `Int` may stand where a `Number` is expected.
    Number,
    String,
    /// Text out of a closed list.
    Enum(Vec<String>),
    Quantity(Dimension),
    Time,
    Secret,
    List(Box<Type>),
    /// Free keys, values of one type.
    Map(Box<Type>),
    Object(Arc<ObjectType>),
    /// May be null or missing.
    Optional(Box<Type>),
    /// A share estimated from a sample: `k` of `n` ([`Value::Estimate`]).
    Proportion,
    /// A sample of quantities with its quantiles ([`super::Distribution`]).
    Distribution(Dimension),
}

/// A mapping whose keys are known.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectType {
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub description: Option<String>,
}

/// A value that has not the type it was promised to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, got {actual}")]
pub struct TypeMismatch {
    /// `.versions[0].name`; empty for the value itself.
    pub path: String,
    pub expected: String,
    pub actual: String,
}

impl Type {
    /// The type a JSON Schema (as schemars derives it) describes; `x-quantity`, `x-type: time|secret|proportion|
    /// distribution` and `enum` are understood, `$ref` into `$defs` followed. What is not understood is `Any`.
    #[must_use]
    pub fn from_schema(schema: &serde_json::Value) -> Self {
        let _ = schema;
        todo!()
    }
}

impl fmt::Display for Type {
    /// For messages: `a duration`, `a list of text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}

impl Value {
    /// Reads a value of a known type; with [`Type::Any`] JSON stays as it is.
    ///
    /// # Errors
    /// The first place where the value has not the promised type.
    pub fn from_json(json: &serde_json::Value, ty: &Type) -> Result<Self, TypeMismatch> {
        let _ = (json, ty);
        todo!()
    }

    /// The JSON form; secrets become `"***"`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        todo!()
    }

    /// What it is, for messages: `a whole number`, `a duration`, `a list of 3`.
    #[must_use]
    pub fn describe(&self) -> String {
        todo!()
    }
}
