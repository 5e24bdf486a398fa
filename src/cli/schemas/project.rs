//! The schema of the project file.

use serde_json::{Value, json};

use super::DIALECT;

/// The schema of `specrun.yaml`.
#[must_use]
pub fn project() -> Value {
    let words = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "$schema": DIALECT,
        "$id": "project.schema.json",
        "title": "specrun project",
        "description": "Where the specs are, which environments and profiles exist.",
        "type": "object",
        "additionalProperties": false,
        "required": ["specrun"],
        "properties": {
            "specrun": { "description": "The version of the language.", "const": 1 },
            "specs": { "description": "Patterns of spec files: `specs/**/*.yaml`.", "type": "array", "items": { "type": "string" } },
            "environments": { "description": "Environment files by name, for `--env`.", "type": "object",
                              "additionalProperties": { "type": "string" } },
            "profiles": { "description": "Named sets of options, for `--profile`.", "type": "object", "additionalProperties": {
                "type": "object", "additionalProperties": false, "properties": {
                    "select": { "description": "A selection: `tag(nightly)`.", "type": "string" },
                    "env": { "description": "The environment.", "type": "string" },
                    "retries": { "type": "integer", "minimum": 0 },
                    "jobs": { "type": "integer", "minimum": 1 },
                    "max_fail": { "type": "integer", "minimum": 1 },
                    "reports": words,
                    "fail_on": { "enum": ["critical", "warning", "info"] },
                    "timeout": { "description": "How long the whole run may take.", "type": "string" },
                    "strict": { "type": "boolean" } } } },
            "confidence": { "description": "How sure statistical checks must be; 95% without it.", "type": "string" },
            "run_dir": { "description": "Where runs are recorded; `.specrun/runs` without it.", "type": "string" },
            "matrix": { "description": "The rows of the test matrix with their titles; `specrun matrix` shows which have no spec.",
                        "type": "object", "additionalProperties": { "type": "string" } },
        },
    })
}
