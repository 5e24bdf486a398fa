//! The schema of a spec file. Each action is a property of the step, so that an editor's messages point at the
//! parameter and not at the step.

use serde_json::{Map, Value, json};

use super::{DIALECT, editor};
use crate::action::Registry;
use crate::spec::INPUT_TYPES;

/// The schema of a spec file with all actions of `registry`.
#[must_use]
pub fn spec(registry: &Registry) -> Value {
    let mut defs = definitions();
    let actions: Vec<(String, Value)> = registry
        .families()
        .iter()
        .flat_map(|f| f.actions)
        .map(|a| {
            let params = editor::params(a.name(), a.params_schema().into(), &mut defs);
            (a.name().to_owned(), params)
        })
        .collect();
    defs.insert("step".to_owned(), step(&actions));
    defs.insert("cleanup_step".to_owned(), step(&actions));
    let families: Vec<Value> = registry.families().iter().map(|f| json!(f.name)).collect();
    json!({
        "$schema": DIALECT,
        "$id": "spec.schema.json",
        "title": "specrun spec",
        "description": "One test: what must hold before, what is done, and what is expected.",
        "type": "object",
        "additionalProperties": false,
        "required": ["specrun", "id", "title", "steps"],
        "properties": {
            "specrun": { "description": "The version of the language.", "const": 1 },
            "id": { "description": "The row of the test matrix: `T07`. Unique in the project.", "type": "string",
                    "pattern": "^[A-Za-z][A-Za-z0-9_.-]*$" },
            "title": { "description": "What is tested, in a few words.", "type": "string", "minLength": 1 },
            "description": { "description": "What is tested and why, for people.", "type": "string" },
            "category": { "description": "The part of the platform: `serving`. Selected with `category(serving)`.", "type": "string" },
            "tags": { "description": "Words to select by: `tag(nightly)`.", "$ref": "#/$defs/words" },
            "severity": { "$ref": "#/$defs/severity" },
            "confidence": { "$ref": "#/$defs/confidence" },
            "tools": {
                "description": "The families the spec uses, exactly; for programs also the version that is needed.",
                "type": "array",
                "items": { "anyOf": [
                    { "enum": families },
                    { "type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": { "enum": families },
                      "additionalProperties": { "type": "string" } },
                ] },
            },
            "inputs": { "description": "Values that may be given from outside: `--set name=value`.", "type": "object",
                        "additionalProperties": { "$ref": "#/$defs/input" } },
            "matrix": { "description": "Lists of values; the spec runs for every combination.", "type": "object",
                        "additionalProperties": { "type": "array", "minItems": 1 } },
            "locks": { "description": "Names that no other spec with the same name may hold at the same time.", "$ref": "#/$defs/words" },
            "timeout": { "description": "How long the whole spec may take; 10m without it.", "$ref": "#/$defs/duration" },
            "preconditions": { "description": "What must hold before. Not met is blocked, never failed.", "$ref": "#/$defs/steps" },
            "steps": { "description": "What is done, in this order.", "$ref": "#/$defs/steps" },
            "expect": { "description": "What must hold when all steps have ended.", "$ref": "#/$defs/checks" },
            "on_failure": { "description": "Diagnostics: run when something did not pass, before cleanup.", "$ref": "#/$defs/steps" },
        },
        "$defs": defs,
    })
}

/// The engine's own keys of a step, with their schemas.
#[must_use]
pub fn step_keys() -> Map<String, Value> {
    let Value::Object(keys) = json!({
        "id": { "description": "The name under which other steps and checks use the output.", "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
        "name": { "description": "What it does, for people.", "type": "string" },
        "needs": { "description": "Steps that must have ended first; `[]` starts it at once. Without it: the step before.",
                   "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/words" }] },
        "if": { "description": "Runs only when this holds; otherwise the step is skipped.", "$ref": "#/$defs/expression" },
        "for_each": { "description": "Runs once for each element: `{model: [iris, fraud]}`.", "type": "object",
                      "minProperties": 1, "maxProperties": 1 },
        "background": { "description": "Runs on while the following steps run.", "type": "boolean" },
        "during": { "description": "Runs while these background steps run.",
                    "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/words" }] },
        "like": { "description": "Takes action and parameters of that step; those given here replace its own.", "type": "string" },
        "timeout": { "description": "How long one attempt may take; 60s without it.", "$ref": "#/$defs/duration" },
        "retry": { "description": "How often to try in all, or `{attempts: 3, every: 1s}`.", "anyOf": [
            { "type": "integer", "minimum": 2 },
            { "type": "object", "additionalProperties": false, "required": ["attempts"], "properties": {
                "attempts": { "type": "integer", "minimum": 2 },
                "every": { "$ref": "#/$defs/backoff" } } },
        ] },
        "eventually": { "description": "Repeats the action until this holds.", "$ref": "#/$defs/check" },
        "within": { "description": "How long `eventually` may take; alone: until the action succeeds.", "$ref": "#/$defs/duration" },
        "every": { "description": "The pause between polls: `2s`, or growing: `1s..10s`.", "$ref": "#/$defs/backoff" },
        "stable_for": { "description": "How long `eventually` must hold without a break.", "$ref": "#/$defs/duration" },
        "expect": { "description": "What must hold of this step's output; a leading dot is the output.", "$ref": "#/$defs/checks" },
        "expect_failure": { "description": "The action must fail like this; any other failure is not it.", "type": "object",
            "additionalProperties": false, "minProperties": 1, "properties": {
                "class": { "enum": crate::check::Class::ALL.map(crate::check::Class::word) },
                "status": { "type": "integer", "minimum": 100, "maximum": 599 },
                "exit_code": { "type": "integer" },
                "reason": { "type": "string" },
                "message": { "description": "A regular expression.", "type": "string" } } },
        "cleanup": { "description": "Undoes what this step creates; runs last, whatever happens.", "anyOf": [
            { "$ref": "#/$defs/cleanup_step" },
            { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/cleanup_step" } } ] },
        "locks": { "description": "Names that no other step with the same name may hold at the same time.", "$ref": "#/$defs/words" },
    }) else {
        return Map::new();
    };
    keys
}

fn step(actions: &[(String, Value)]) -> Value {
    let mut properties = step_keys();
    let mut one_of: Vec<Value> = actions
        .iter()
        .map(|(name, _)| json!({ "required": [name] }))
        .collect();
    for (name, params) in actions {
        properties.insert(name.clone(), params.clone());
    }
    // `like` without an action key takes everything over.
    let mut like = json!({ "required": ["like"] });
    if !one_of.is_empty() {
        like["not"] = json!({ "anyOf": one_of });
    }
    one_of.push(like);
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": one_of,
    })
}

fn definitions() -> Map<String, Value> {
    let duration = "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d))+$";
    let Value::Object(defs) = json!({
        "words": { "type": "array", "items": { "type": "string" }, "uniqueItems": true },
        "steps": { "type": "array", "items": { "$ref": "#/$defs/step" } },
        "expression": { "description": "An expression of the language: `status == 200`.", "type": "string", "minLength": 1 },
        "severity": { "description": "critical fails the run; warning and info are reported.", "enum": ["critical", "warning", "info"] },
        "confidence": { "description": "How sure a statistical check must be: `95%`; `none` takes the point estimate.",
                        "type": "string", "pattern": "^(none|[0-9]+(\\.[0-9]+)?%)$" },
        "duration": { "type": "string", "anyOf": [{ "pattern": duration }, { "pattern": "\\$\\{\\{" }] },
        "backoff": { "type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d))+(\\.\\.([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d))+)?$" },
        "checks": { "type": "array", "items": { "$ref": "#/$defs/check" } },
        "check": { "anyOf": [
            { "$ref": "#/$defs/expression" },
            { "type": "object", "additionalProperties": false, "required": ["check"], "properties": {
                "check": { "$ref": "#/$defs/expression" },
                "confidence": { "$ref": "#/$defs/confidence" },
                "because": { "description": "Where the demand comes from; shown when it is not met.", "type": "string" },
                "severity": { "$ref": "#/$defs/severity" } } } ] },
        "input": { "type": "object", "additionalProperties": false, "required": ["type"], "properties": {
            "type": { "enum": INPUT_TYPES },
            "default": { "description": "The value when none is given." },
            "from": { "description": "An environment variable: `env.SERVING_TOKEN`.", "type": "string", "pattern": "^env\\." },
            "required": { "description": "false: it may be without a value, and then is absent.", "type": "boolean" },
            "one_of": { "description": "The only values allowed.", "type": "array", "minItems": 1 },
            "description": { "type": "string" } } },
    }) else {
        return Map::new();
    };
    defs
}

#[cfg(test)]
mod tests {
    use super::{spec, step_keys};
    use crate::actions::REGISTRY;
    use crate::spec::{SPEC_KEYS, STEP_KEYS};

    #[test]
    fn the_schema_has_the_keys_the_reader_knows() {
        let schema = spec(&REGISTRY);
        let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        for key in &keys {
            assert!(SPEC_KEYS.contains(&key.as_str()), "the reader has no key `{key}`");
        }
        assert_eq!(keys.len(), SPEC_KEYS.len());
        let steps = step_keys();
        for key in steps.keys() {
            assert!(STEP_KEYS.contains(&key.as_str()), "a step has no key `{key}`");
        }
        assert_eq!(steps.len(), STEP_KEYS.len());
    }
}
