//! Making a derived schema strict, and walking it.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value as Json};

/// Takes `null` out of optional fields and refuses unknown keys of every mapping whose keys are known.
pub fn parameters(schema: &mut Schema) {
    transform_subschemas(&mut parameters, schema);
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    without_null(object);
    if object.contains_key("properties") && !object.contains_key("additionalProperties") {
        object.insert("additionalProperties".into(), Json::Bool(false));
    }
}

fn without_null(object: &mut Map<String, Json>) {
    if object.get("default") == Some(&Json::Null) {
        object.remove("default");
    }
    if let Some(Json::Array(types)) = object.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Json::Array(values)) = object.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Json::Array(branches)) = object.get_mut(keyword) else {
            continue;
        };
        let before = branches.len();
        branches.retain(|b| b.get("type").and_then(Json::as_str) != Some("null"));
        if branches.len() == before {
            continue;
        }
        if let [only] = branches.as_slice() {
            let only = only.clone();
            object.remove(keyword);
            if let Json::Object(only) = only {
                for (key, value) in only {
                    // The field's own description says more than its type's.
                    object.entry(key).or_insert(value);
                }
            }
        }
    }
}

/// Follows `$ref` into `$defs`.
pub fn resolve<'a>(root: &'a Json, mut schema: &'a Json) -> &'a Json {
    for _ in 0..16 {
        let target = schema
            .get("$ref")
            .and_then(Json::as_str)
            .and_then(|r| r.strip_prefix('#'))
            .and_then(|pointer| root.pointer(pointer));
        match target {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// The schema of the value at a JSON pointer.
pub fn at<'a>(root: &'a Json, pointer: &str) -> Option<&'a Json> {
    let parts: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    descend(root, root, &parts)
}

fn descend<'a>(root: &'a Json, schema: &'a Json, parts: &[String]) -> Option<&'a Json> {
    let own = resolve(root, schema);
    let Some((part, rest)) = parts.split_first() else {
        // A reference with words of its own (a description) says more than what it refers to, but not its type.
        return Some(own);
    };
    let direct = own
        .get("properties")
        .and_then(|p| p.get(part))
        .or_else(|| own.get("items").filter(|_| part.parse::<usize>().is_ok()))
        .or_else(|| own.get("additionalProperties").filter(|a| a.is_object()));
    if let Some(found) = direct.and_then(|next| descend(root, next, rest)) {
        return Some(found);
    }
    ["anyOf", "oneOf", "allOf"]
        .iter()
        .filter_map(|keyword| own.get(*keyword)?.as_array())
        .flatten()
        .find_map(|branch| descend(root, branch, parts))
}
