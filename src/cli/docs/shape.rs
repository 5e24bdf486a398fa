//! A JSON Schema in words: what may stand in a parameter, what an output holds.

use serde_json::Value;

/// One line of a table of fields.
pub(super) struct Field {
    /// `auth.basic.username`.
    pub path: String,
    pub shape: String,
    pub required: bool,
    pub default: Option<String>,
    pub description: String,
}

/// The fields of an object schema, nested ones after their parent; recursion stops at a definition that is already
/// open.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let mut out = Vec::new();
    walk(schema, schema, "", &mut Vec::new(), &mut out);
    out
}

/// What a value of this schema is: `text`, `duration`, `list of text`.
pub(super) fn shape(root: &Value, schema: &Value) -> String {
    if let Some(word) = schema.get("x-quantity").and_then(Value::as_str)
        && schema.get("x-type").is_none()
    {
        return word.to_owned();
    }
    if schema.get("x-secret").is_some_and(|v| v == true) {
        return "secret".to_owned();
    }
    if let Some(word) = schema.get("x-type").and_then(Value::as_str) {
        return word.to_owned();
    }
    if let Some(target) = target(root, schema) {
        return shape(root, target);
    }
    if let Some(value) = schema.get("const") {
        return format!("`{}`", plain(value));
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let words: Vec<String> = values.iter().map(|v| format!("`{}`", plain(v))).collect();
        return words.join(", ");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(key).and_then(Value::as_array) {
            let mut words: Vec<String> = Vec::new();
            for option in options {
                let word = shape(root, option);
                if word != "nothing" && !words.contains(&word) {
                    words.push(word);
                }
            }
            return words.join(" or ");
        }
    }
    match schema.get("type") {
        Some(Value::String(word)) => of_type(root, schema, word),
        Some(Value::Array(words)) => {
            let words: Vec<String> = words
                .iter()
                .filter_map(Value::as_str)
                .filter(|w| *w != "null")
                .map(|w| of_type(root, schema, w))
                .collect();
            words.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn of_type(root: &Value, schema: &Value, word: &str) -> String {
    match word {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "nothing".to_owned(),
        "array" => match schema.get("items") {
            Some(items) if items.is_object() => format!("list of {}", shape(root, items)),
            _ => "list".to_owned(),
        },
        "object" => match schema.get("additionalProperties") {
            Some(values) if values.is_object() => format!("map of {}", shape(root, values)),
            _ => "mapping".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn walk<'a>(root: &'a Value, schema: &'a Value, prefix: &str, open: &mut Vec<&'a str>, out: &mut Vec<Field>) {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, property) in properties {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        out.push(Field {
            path: path.clone(),
            shape: shape(root, property),
            required: required.contains(&name.as_str()),
            default: property.get("default").filter(|d| !d.is_null()).map(plain),
            description: description(root, property),
        });
        nested(root, property, &path, open, out);
    }
}

fn nested<'a>(root: &'a Value, schema: &'a Value, path: &str, open: &mut Vec<&'a str>, out: &mut Vec<Field>) {
    if schema.get("x-type").is_some() || schema.get("x-quantity").is_some() {
        return;
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        if open.contains(&name) {
            return;
        }
        if let Some(target) = target(root, schema) {
            open.push(name);
            nested(root, target, path, open, out);
            open.pop();
        }
        return;
    }
    if schema.get("properties").is_some() {
        walk(root, schema, path, open, out);
    }
    if let Some(items) = schema.get("items") {
        nested(root, items, &format!("{path}[]"), open, out);
    }
    if let Some(values) = schema.get("additionalProperties").filter(|v| v.is_object()) {
        nested(root, values, &format!("{path}.*"), open, out);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for option in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
            nested(root, option, path, open, out);
        }
    }
}

fn target<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    let name = schema.get("$ref")?.as_str()?;
    root.pointer(name.strip_prefix('#')?)
}

fn description(root: &Value, schema: &Value) -> String {
    let own = schema.get("description").and_then(Value::as_str);
    let text = own.or_else(|| target(root, schema)?.get("description")?.as_str());
    text.unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::fields;
    use serde_json::json;

    #[test]
    fn fields_are_shown_with_what_they_take() {
        let schema = json!({
            "type": "object",
            "required": ["url"],
            "properties": {
                "url": { "type": "string", "description": "The address.\n Whole." },
                "within": { "type": "string", "x-quantity": "duration", "default": "30s" },
                "auth": { "$ref": "#/$defs/Auth" },
                "rows": { "type": "array", "items": { "type": "integer" } },
                "headers": { "type": "object", "additionalProperties": { "anyOf": [{ "type": "string" }, { "type": "null" }] } },
            },
            "$defs": { "Auth": { "type": "object", "description": "Who asks.", "properties": {
                "kind": { "enum": ["basic", "bearer"] }, "again": { "$ref": "#/$defs/Auth" } } } },
        });
        let lines: Vec<String> = fields(&schema)
            .iter()
            .map(|f| {
                format!(
                    "{} | {} | {} | {:?} | {}",
                    f.path, f.shape, f.required, f.default, f.description
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "url | text | true | None | The address. Whole.",
                "within | duration | false | Some(\"30s\") | ",
                "auth | mapping | false | None | Who asks.",
                "auth.kind | `basic`, `bearer` | false | None | ",
                "auth.again | mapping | false | None | Who asks.",
                "rows | list of whole number | false | None | ",
                "headers | map of text | false | None | ",
            ]
        );
    }
}
