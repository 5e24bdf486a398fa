//! JSON Schemas of parameters and outputs, and what is wrong with parameters.

use schemars::{JsonSchema, Schema};

/// One mistake in parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamProblem {
    /// JSON pointer to the value, or to the mapping a key is missing from.
    pub pointer: String,
    /// The key itself is wrong, rather than its value: point at the key.
    pub key: Option<String>,
    pub message: String,
    pub help: Option<String>,
}

/// The compiled schema of an action's parameters.
pub struct ParamSchema {}

impl ParamSchema {
    /// Compiles the schema of an action.
    #[must_use]
    pub fn of(action: &dyn super::DynAction) -> Self {
        let _ = action;
        todo!()
    }

    /// Every mistake; values with an expression (`${{`) are taken to fit, except where their key does not exist.
    #[must_use]
    pub fn problems(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        let _ = params;
        todo!()
    }
}

/// The strict schema of parameters: optional fields without `null`, unknown keys refused, descriptions kept.
#[must_use]
pub fn of<T: JsonSchema>() -> Schema {
    todo!()
}

/// The schema of an output.
#[must_use]
pub fn of_output<T: JsonSchema>() -> Schema {
    todo!()
}
