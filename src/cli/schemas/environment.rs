//! The schema of an environment file.

use serde_json::{Value, json};

use super::DIALECT;

/// The schema of an environment file.
#[must_use]
pub fn environment() -> Value {
    let words = json!({ "type": "array", "minItems": 1, "items": { "type": "string" } });
    json!({
        "$schema": DIALECT,
        "$id": "environment.schema.json",
        "title": "specrun environment",
        "description": "Where the services are, which secrets exist, and which services specrun itself runs.",
        "type": "object",
        "additionalProperties": false,
        "required": ["environment"],
        "properties": {
            "environment": { "description": "Its name.", "type": "string", "minLength": 1 },
            "extends": { "description": "Another environment file; what is said here replaces what is said there.", "type": "string" },
            "endpoints": { "description": "Where the service of each family is.", "type": "object",
                           "additionalProperties": { "$ref": "#/$defs/endpoint" } },
            "secrets": { "description": "Secrets by reference; the file never holds a value.", "type": "object",
                         "additionalProperties": { "$ref": "#/$defs/secret" } },
            "inputs": { "description": "Values for the inputs of specs.", "type": "object" },
            "services": { "description": "Programs that specrun installs, starts, waits for and stops.", "type": "object",
                          "additionalProperties": { "$ref": "#/$defs/service" } },
        },
        "$defs": {
            "endpoint": { "type": "object", "properties": {
                "url": { "description": "The base address.", "type": "string" },
                "username": { "type": "string" },
                "password": { "description": "The name of a secret.", "type": "string" },
                "token": { "description": "The name of a secret.", "type": "string" },
                "host": { "description": "A Host header other than the URL's.", "type": "string" },
                "ca": { "description": "A PEM file with the authorities to trust.", "type": "string" },
                "certificate": { "description": "A PEM file with the client's certificate.", "type": "string" },
                "key": { "description": "A PEM file with the client's key.", "type": "string" },
                "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                "needs": { "description": "Services that its users need, beside those its texts name.", "type": "array", "items": { "type": "string" } } } },
            "secret": { "type": "object", "additionalProperties": false, "required": ["from"], "properties": {
                "from": { "description": "`env.NAME` or `file.PATH`.", "type": "string", "pattern": "^(env|file)\\." },
                "required": { "type": "boolean" } } },
            "service": { "type": "object", "additionalProperties": false, "dependentRequired": { "start": ["ready"] },
                         "anyOf": [{ "required": ["start", "ready"] }, { "required": ["install"] }], "properties": {
                "needs": { "description": "Services that must be ready first.", "type": "array", "items": { "type": "string" } },
                "install": { "description": "Run once, and again when a stamped file or the command changes.", "type": "object",
                    "additionalProperties": false, "required": ["run"], "properties": {
                        "run": words, "stamp": { "type": "array", "items": { "type": "string" } },
                        "env": { "type": "object", "additionalProperties": { "type": "string" } },
                        "within": { "type": "string" } } },
                "ports": { "description": "Names of ports to choose free.", "type": "array", "items": { "type": "string" } },
                "start": words,
                "env": { "type": "object", "additionalProperties": { "type": "string" } },
                "ready": { "description": "When it counts as up: by what it says.", "type": "object", "additionalProperties": false,
                    "properties": {
                        "http": { "type": "string" }, "exec": words, "log": { "type": "string" },
                        "matches": { "type": "string" }, "within": { "type": "string" } } },
                "stop_within": { "description": "How long a polite stop may take.", "type": "string" } } },
        },
    })
}
