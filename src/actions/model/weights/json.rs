//! Weights as JSON: each list of numbers, nested as evenly as a matrix, is a tensor; whatever else there is counts too.

use serde_json::Value as Json;

use super::content::{Bulk, Content};
use super::{Element, Kind, Tensor, damaged};
use crate::action::{Class, Failure};
use crate::tools::http::parse_json;

/// A file is at most so long.
const LONGEST: u64 = 1 << 30;

/// The leaves of a document.
pub fn read(bulk: &Bulk) -> Result<Vec<Tensor>, Failure> {
    if bulk.len() > LONGEST {
        return Err(Failure::new(Class::TooLarge, "it is larger than 1 GiB of JSON"));
    }
    let json = parse_json(&bulk.whole()?).map_err(|e| damaged(format!("it is not JSON: {e}")))?;
    let mut tensors = Vec::new();
    walk(&json, String::new(), &mut tensors);
    Ok(tensors)
}

fn walk(node: &Json, name: String, into: &mut Vec<Tensor>) {
    if let Some(shape) = shape(node) {
        let mut numbers = Vec::new();
        flatten(node, &mut numbers);
        let whole: Option<Vec<i64>> = numbers.iter().map(|n| n.as_i64()).collect();
        let (element, bytes): (Element, Vec<u8>) = if let Some(whole) = whole {
            (Element::I64, whole.iter().flat_map(|n| n.to_le_bytes()).collect())
        } else {
            let floats = numbers.iter().map(|n| n.as_f64().unwrap_or(f64::NAN));
            (Element::F64, floats.flat_map(f64::to_le_bytes).collect())
        };
        into.push(Tensor {
            name: if name.is_empty() { "array".to_owned() } else { name },
            kind: Kind::number(element),
            shape,
            content: Content::bytes(bytes),
        });
        return;
    }
    match node {
        Json::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                walk(
                    value,
                    if name.is_empty() {
                        key.clone()
                    } else {
                        format!("{name}.{key}")
                    },
                    into,
                );
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                walk(item, format!("{name}[{i}]"), into);
            }
        }
        leaf => into.push(Tensor {
            name,
            kind: Kind::other("json"),
            shape: Vec::new(),
            content: Content::bytes(leaf.to_string().into_bytes()),
        }),
    }
}

/// The dimensions of a number or of evenly nested numbers.
fn shape(node: &Json) -> Option<Vec<u64>> {
    match node {
        Json::Number(_) => Some(Vec::new()),
        Json::Array(items) => {
            let (first, rest) = items.split_first()?;
            let inner = shape(first)?;
            rest.iter().all(|i| shape(i).as_ref() == Some(&inner)).then(|| {
                let mut all = vec![items.len() as u64];
                all.extend(inner);
                all
            })
        }
        _ => None,
    }
}

fn flatten<'a>(node: &'a Json, into: &mut Vec<&'a serde_json::Number>) {
    match node {
        Json::Number(n) => into.push(n),
        Json::Array(items) => items.iter().for_each(|i| flatten(i, into)),
        _ => {}
    }
}
