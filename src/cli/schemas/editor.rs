//! An action's strict schema made fit for editors: expressions are allowed, definitions are moved out.

use serde_json::{Map, Value, json};

/// A text that holds an expression.
pub(super) fn expression() -> Value {
    json!({ "type": "string", "pattern": "\\$\\{\\{" })
}

/// The parameters of `action` as a schema in which an expression may stand for every value; its definitions go to
/// `defs` under names of their own.
pub(super) fn params(action: &str, schema: Value, defs: &mut Map<String, Value>) -> Value {
    let mut schema = schema;
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("title");
        if let Some(Value::Object(own)) = map.remove("$defs") {
            for (name, mut def) in own {
                rename(&mut def, action);
                defs.insert(format!("{action}.{name}"), inside(def));
            }
        }
    }
    rename(&mut schema, action);
    inside(schema)
}

/// Points references at the moved definitions.
fn rename(schema: &mut Value, action: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(to) if key == "$ref" => {
                        if let Some(name) = to.strip_prefix("#/$defs/") {
                            *to = format!("#/$defs/{action}.{name}");
                        }
                    }
                    other => rename(other, action),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, action)),
        _ => {}
    }
}

/// Allows expressions for everything inside; the value itself stays what it is.
fn inside(schema: Value) -> Value {
    let Value::Object(mut map) = schema else {
        return schema;
    };
    for key in ["properties", "patternProperties"] {
        if let Some(Value::Object(properties)) = map.get_mut(key) {
            for value in properties.values_mut() {
                *value = or_expression(std::mem::take(value));
            }
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(value) = map.get_mut(key)
            && value.is_object()
        {
            *value = or_expression(std::mem::take(value));
        }
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(Value::Array(options)) = map.get_mut(key) {
            for value in options {
                *value = inside(std::mem::take(value));
            }
        }
    }
    Value::Object(map)
}

fn or_expression(schema: Value) -> Value {
    let schema = inside(schema);
    let Value::Object(mut map) = schema else {
        return schema;
    };
    let free_text = map.get("type").is_some_and(|t| t == "string")
        && ["enum", "const", "format", "pattern"]
            .iter()
            .all(|k| !map.contains_key(*k));
    let anything = ["type", "$ref", "oneOf", "anyOf", "allOf", "enum", "const"]
        .iter()
        .all(|k| !map.contains_key(*k));
    if free_text || anything {
        return Value::Object(map);
    }
    let mut outer = Map::new();
    for key in ["description", "default", "examples"] {
        if let Some(value) = map.remove(key) {
            outer.insert(key.to_owned(), value);
        }
    }
    outer.insert("anyOf".to_owned(), json!([Value::Object(map), expression()]));
    Value::Object(outer)
}

#[cfg(test)]
mod tests {
    use super::params;
    use serde_json::{Map, json};

    #[test]
    fn an_expression_may_stand_for_every_typed_value() {
        let mut defs = Map::new();
        let got = params(
            "x.y",
            json!({
                "title": "Params",
                "type": "object",
                "properties": {
                    "status": { "type": "integer", "description": "The status." },
                    "text": { "type": "string" },
                    "auth": { "$ref": "#/$defs/Auth" },
                },
                "$defs": { "Auth": { "type": "object", "properties": { "n": { "type": "boolean" } } } },
            }),
            &mut defs,
        );
        let or = |schema| json!([schema, { "type": "string", "pattern": "\\$\\{\\{" }]);
        assert_eq!(
            got,
            json!({
                "type": "object",
                "properties": {
                    "status": { "description": "The status.", "anyOf": or(json!({ "type": "integer" })) },
                    "text": { "type": "string" },
                    "auth": { "anyOf": or(json!({ "$ref": "#/$defs/x.y.Auth" })) },
                },
            })
        );
        assert_eq!(
            defs["x.y.Auth"],
            json!({ "type": "object", "properties": { "n": { "anyOf": or(json!({ "type": "boolean" })) } } })
        );
    }
}
