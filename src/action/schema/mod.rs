//! JSON Schemas of parameters and outputs, and what is wrong with parameters.
//!
//! The schemas are derived from the actions' Rust types; here they are made strict. What a mistake is called is in
//! [`problems`]: the validator's own messages quote whole values and say "not valid under any of the schemas".

mod problems;
mod strict;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::Value as Json;

use super::DynAction;
use crate::value::Quantity;

/// One mistake in parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamProblem {
    /// JSON pointer to the value, or to the mapping a key is missing from.
    pub pointer: String,
    /// The key itself is wrong, rather than its value: it is there and unknown, or it is missing from the mapping.
    pub key: Option<String>,
    pub message: String,
    pub help: Option<String>,
}

impl ParamProblem {
    /// Whether a key stands there that nobody knows.
    #[must_use]
    pub fn is_unknown_key(&self) -> bool {
        self.key.is_some() && self.message.starts_with(problems::UNKNOWN)
    }
}

/// The compiled schema of an action's parameters.
pub struct ParamSchema {
    schema: Json,
    validator: jsonschema::Validator,
}

impl ParamSchema {
    /// The schema of an action, compiled once per action.
    #[must_use]
    pub fn of(action: &dyn DynAction) -> Arc<Self> {
        static COMPILED: Mutex<Option<HashMap<&'static str, Arc<ParamSchema>>>> = Mutex::new(None);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        let all = compiled.get_or_insert_default();
        if let Some(schema) = all.get(action.name()) {
            return Arc::clone(schema);
        }
        let schema = Arc::new(Self::new(&action.params_schema()));
        all.insert(action.name(), Arc::clone(&schema));
        schema
    }

    /// Compiles a schema that [`of`] made.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "derived schemas compile; a test compiles each"
    )]
    pub fn new(schema: &Schema) -> Self {
        let schema = schema.as_value().clone();
        let mut options = jsonschema::options().should_validate_formats(true);
        for word in ["duration", "bytes", "ratio", "rate"] {
            options = options.with_format(word, move |text: &str| is_quantity(text, word));
        }
        let validator = options
            .build(&schema)
            .expect("a schema that is derived from a Rust type compiles");
        Self { schema, validator }
    }

    /// The schema itself.
    #[must_use]
    pub const fn schema(&self) -> &Json {
        &self.schema
    }

    /// Every mistake; values with an expression (`${{`) are taken to fit, except where their key does not exist.
    #[must_use]
    pub fn problems(&self, params: &Json) -> Vec<ParamProblem> {
        // Most parameters are right, and asking only for yes or no is much cheaper.
        if self.validator.is_valid(params) {
            return Vec::new();
        }
        problems::all(&self.schema, self.validator.iter_errors(params))
    }

    /// The schema of the value at a JSON pointer of the parameters, references followed; none where any value may
    /// stand. Of alternatives the first that has such a place.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Json> {
        strict::at(&self.schema, pointer)
    }
}

/// The strict schema of parameters: optional fields without `null`, unknown keys refused, descriptions kept.
#[must_use]
pub fn of<T: JsonSchema>() -> Schema {
    let mut schema = settings(Contract::Deserialize)
        .into_generator()
        .into_root_schema_for::<T>();
    strict::parameters(&mut schema);
    schema
}

/// The schema of an output.
#[must_use]
pub fn of_output<T: JsonSchema>() -> Schema {
    settings(Contract::Serialize)
        .into_generator()
        .into_root_schema_for::<T>()
}

fn settings(contract: Contract) -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|s| {
        s.meta_schema = None;
        s.contract = contract;
    })
}

fn is_quantity(text: &str, word: &str) -> bool {
    use crate::value::Dimension as D;
    text.parse::<Quantity>().is_ok_and(|q| {
        matches!(
            (word, q.dimension),
            ("duration", D::Duration) | ("bytes", D::Bytes) | ("ratio", D::Ratio) | ("rate", D::Rate)
        )
    })
}

#[cfg(test)]
mod tests;
