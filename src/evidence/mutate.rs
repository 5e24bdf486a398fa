//! Values made different: what a wrong platform could have answered instead.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Number, Value as Json, json};

use super::touched::Part;
use crate::value::Quantity;

/// A text that no service gives by chance.
const OTHER: &str = "specrun-mutant";

/// One way to be different.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mutation {
    pub kind: Kind,
    /// None: the value is missing.
    pub becomes: Option<Json>,
}

/// Which mutations belong together: a check that sets a limit notices some of them and allows the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number, quantity, time, share or sample that is larger, smaller, negative or zero.
    Number,
    /// An HTTP status of another class.
    Status,
    /// A text that is another one or empty.
    Text,
    /// True for false.
    Flag,
    /// A list or mapping with nothing or less in it.
    Content,
    /// A value that is missing or null, or that is there and should not be.
    Presence,
}

/// Every way in which a value could be different. `literals` are what checks compare it with; `name` is the field it
/// stands in.
pub(super) fn mutations(value: Option<&Json>, name: &str, literals: &[Json]) -> Vec<Mutation> {
    let mut all = Vec::new();
    let mut add = |kind, becomes: Option<Json>| {
        let same = becomes.as_ref() == value;
        let mutation = Mutation { kind, becomes };
        if !same && !all.contains(&mutation) {
            all.push(mutation);
        }
    };
    match value {
        None | Some(Json::Null) => {
            for there in [json!(OTHER), json!(1), json!(true), json!([1]), json!({OTHER: 1})] {
                add(Kind::Presence, Some(there));
            }
            return all;
        }
        Some(Json::Bool(b)) => add(Kind::Flag, Some(Json::Bool(!b))),
        Some(Json::Number(n)) if is_status(n, name) => {
            for status in [200, 403, 404, 500] {
                add(Kind::Status, Some(json!(status)));
            }
        }
        Some(Json::Number(n)) => {
            for other in numbers(n) {
                add(Kind::Number, Some(other));
            }
            // The limit itself: is it inside or outside?
            for literal in literals.iter().filter(|l| l.is_number()) {
                add(Kind::Number, Some(literal.clone()));
            }
        }
        Some(Json::String(s)) => {
            if let Some(others) = quantities(s) {
                for other in others {
                    add(Kind::Number, Some(Json::String(other)));
                }
            }
            if let Ok(at) = s.parse::<jiff::Timestamp>() {
                for hours in [-24 * 3650, 24 * 3650] {
                    if let Ok(other) = at.checked_add(jiff::SignedDuration::from_hours(hours)) {
                        add(Kind::Number, Some(Json::String(other.to_string())));
                    }
                }
            }
            let measured = s.parse::<Quantity>().is_ok();
            for literal in literals {
                let Json::String(l) = literal else { continue };
                let kind = if measured && l.parse::<Quantity>().is_ok() {
                    Kind::Number
                } else {
                    Kind::Text
                };
                add(kind, Some(literal.clone()));
            }
            add(Kind::Text, Some(json!(OTHER)));
            add(Kind::Text, Some(json!("")));
        }
        Some(Json::Array(list)) => {
            add(Kind::Content, Some(json!([])));
            if list.len() > 1 {
                add(Kind::Content, Some(Json::Array(list[..list.len() - 1].to_vec())));
            }
        }
        Some(Json::Object(map)) => {
            if let Some(others) = samples(map) {
                for other in others {
                    add(Kind::Number, Some(other));
                }
                return all;
            }
            add(Kind::Content, Some(json!({})));
            for key in map.keys().take(10) {
                let mut less = map.clone();
                less.remove(key);
                add(Kind::Content, Some(Json::Object(less)));
            }
        }
    }
    add(Kind::Presence, Some(Json::Null));
    add(Kind::Presence, None);
    all
}

/// The concrete places a path leads to; with `all` every element of a list, else only the first.
pub(super) fn pointers(json: &Json, path: &[Part], all: bool) -> Vec<Vec<Key>> {
    let mut found = vec![(Vec::new(), Some(json))];
    for part in path {
        let mut next = Vec::new();
        for (keys, value) in found {
            let children: Vec<(Key, Option<&Json>)> = match (part, value) {
                (Part::Field(name), Some(Json::Object(map))) => {
                    vec![(Key::Field(name.clone()), map.get(name))]
                }
                (Part::Index(n), Some(Json::Array(list))) => vec![(Key::Index(*n), list.get(*n))],
                (Part::Each, Some(Json::Array(list))) => list
                    .iter()
                    .enumerate()
                    .map(|(n, v)| (Key::Index(n), Some(v)))
                    .take(if all { usize::MAX } else { 1 })
                    .collect(),
                (Part::Each, Some(Json::Object(map))) => map
                    .iter()
                    .map(|(k, v)| (Key::Field(k.clone()), Some(v)))
                    .take(if all { usize::MAX } else { 1 })
                    .collect(),
                // A field of a sample, or of a text: the whole is what was recorded.
                _ => {
                    next.push((keys, value));
                    continue;
                }
            };
            for (key, child) in children {
                let mut keys = keys.clone();
                // A field of a sample (`.p95`) is computed from the whole.
                if child.is_none()
                    && value
                        .and_then(Json::as_object)
                        .is_some_and(|m| samples(m).is_some())
                {
                    next.push((keys, value));
                    continue;
                }
                keys.push(key);
                next.push((keys, child));
            }
        }
        found = next;
    }
    let mut keys: Vec<_> = found.into_iter().map(|(keys, _)| keys).collect();
    keys.dedup();
    keys
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Field(String),
    Index(usize),
}

/// The value at a concrete place.
pub(super) fn at<'a>(json: &'a Json, keys: &[Key]) -> Option<&'a Json> {
    keys.iter().try_fold(json, |json, key| match key {
        Key::Field(name) => json.get(name),
        Key::Index(n) => json.get(n),
    })
}

/// Puts a value at a concrete place, or takes away what is there. False when the place does not exist.
pub(super) fn put(json: &mut Json, keys: &[Key], becomes: Option<&Json>) -> bool {
    let Some((last, parents)) = keys.split_last() else {
        *json = becomes.cloned().unwrap_or(Json::Null);
        return true;
    };
    let parent = parents.iter().try_fold(json, |json, key| match key {
        Key::Field(name) => json.get_mut(name),
        Key::Index(n) => json.get_mut(n),
    });
    match (parent, last, becomes) {
        (Some(Json::Object(map)), Key::Field(name), Some(value)) => {
            map.insert(name.clone(), value.clone());
            true
        }
        (Some(Json::Object(map)), Key::Field(name), None) => map.remove(name).is_some(),
        (Some(Json::Array(list)), Key::Index(n), Some(value)) if *n < list.len() => {
            list[*n] = value.clone();
            true
        }
        (Some(Json::Array(list)), Key::Index(n), None) if *n < list.len() => {
            list.remove(*n);
            true
        }
        _ => false,
    }
}

fn is_status(n: &Number, name: &str) -> bool {
    let named = name.ends_with("status") || name.ends_with("status_code");
    named && n.as_u64().is_some_and(|n| (100..600).contains(&n))
}

/// Ten times, a tenth, negative, zero.
fn numbers(n: &Number) -> Vec<Json> {
    if let Some(i) = n.as_i64() {
        let mut others = vec![
            i.saturating_mul(10).saturating_add(1),
            i / 10,
            i.saturating_neg(),
            0,
        ];
        others.retain(|o| *o != i);
        return others.into_iter().map(|o| json!(o)).collect();
    }
    let x = n.as_f64().unwrap_or_default();
    [x * 10.0 + 1.0, x / 10.0, -x, 0.0]
        .into_iter()
        .filter(|o| *o != x && o.is_finite())
        .map(|o| json!(o))
        .collect()
}

/// As [`numbers`], of a text with a unit.
fn quantities(text: &str) -> Option<Vec<String>> {
    let quantity: Quantity = text.parse().ok()?;
    let with = |value: f64| {
        Quantity {
            value,
            dimension: quantity.dimension.clone(),
        }
        .to_string()
    };
    let x = quantity.value;
    let grown = if x == 0.0 { 1.0 } else { x * 10.0 };
    Some(
        [grown, x / 10.0, -x, 0.0]
            .into_iter()
            .filter(|o| *o != x)
            .map(with)
            .collect(),
    )
}

/// A share or a sample that is larger, smaller, empty, or without values.
fn samples(map: &Map<String, Json>) -> Option<Vec<Json>> {
    // A share; one whose requests may depend on each other says more of how they were taken.
    let of_a_share = map
        .keys()
        .all(|k| ["k", "n", "pairs", "looks"].contains(&k.as_str()));
    if let (true, Some(k), Some(n)) = (
        of_a_share,
        map.get("k").and_then(Json::as_u64),
        map.get("n").and_then(Json::as_u64),
    ) {
        return Some(vec![
            json!({"k": if k == n { 0 } else { n }, "n": n}),
            json!({"k": if k == 0 { n.div_ceil(2) } else { 0 }, "n": n}),
            json!({"k": 0, "n": 0}),
        ]);
    }
    let (quantity, buckets) = (map.get("quantity")?, map.get("buckets")?.as_array()?);
    let missing = map.get("missing")?.as_u64()?;
    let members: u64 = buckets.iter().filter_map(|b| b.get(1)?.as_u64()).sum();
    let scaled = |by: f64| -> Vec<Json> {
        buckets
            .iter()
            .filter_map(|b| Some(json!([b.get(0)?.as_f64()? * by, b.get(1)?])))
            .collect()
    };
    Some(vec![
        json!({"quantity": quantity, "buckets": scaled(10.0), "missing": missing}),
        json!({"quantity": quantity, "buckets": scaled(0.1), "missing": missing}),
        json!({"quantity": quantity, "buckets": [], "missing": missing + members}),
        json!({"quantity": quantity, "buckets": [], "missing": 0}),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(value: &Json, name: &str, literals: &[Json]) -> Vec<Json> {
        mutations(Some(value), name, literals)
            .into_iter()
            .filter(|m| m.kind != Kind::Presence)
            .map(|m| m.becomes.unwrap())
            .collect()
    }

    #[test]
    fn each_kind_of_value_has_its_mutations() {
        assert_eq!(
            becomes(&json!(3), "version", &[]),
            [json!(31), json!(0), json!(-3)]
        );
        assert_eq!(becomes(&json!(0), "errors", &[]), [json!(1)]);
        assert_eq!(
            becomes(&json!(200), "status", &[]),
            [json!(403), json!(404), json!(500)]
        );
        assert_eq!(becomes(&json!(true), "ok", &[]), [json!(false)]);
        assert_eq!(
            becomes(&json!("Ready"), "phase", &[json!("Failed"), json!(1)]),
            [json!("Failed"), json!("specrun-mutant"), json!("")]
        );
        assert_eq!(becomes(&json!([1, 2]), "list", &[]), [json!([]), json!([1])]);
        let scaled = becomes(&json!("200ms"), "p95", &[]);
        assert_eq!(
            scaled[..4],
            [json!("2s"), json!("20ms"), json!("-200ms"), json!("0s")]
        );
        assert_eq!(
            becomes(&json!({"k": 0, "n": 100}), "errors", &[]),
            [
                json!({"k": 100, "n": 100}),
                json!({"k": 50, "n": 100}),
                json!({"k": 0, "n": 0})
            ]
        );
        assert_eq!(
            becomes(&json!({"k": 0, "n": 100, "pairs": [0, 99]}), "errors", &[]),
            becomes(&json!({"k": 0, "n": 100}), "errors", &[]),
            "how a share was taken is no value of its own"
        );
    }

    #[test]
    fn a_field_of_a_sample_is_the_sample() {
        let json = json!({"latency": {"quantity": "duration", "buckets": [[0.1, 3]], "missing": 0}});
        let path = [Part::Field("latency".into()), Part::Field("p95".into())];
        assert_eq!(pointers(&json, &path, true), [vec![Key::Field("latency".into())]]);
    }

    #[test]
    fn elements_are_reached_one_or_all() {
        let json = json!({"pods": [{"phase": "a"}, {"phase": "b"}]});
        let path = [
            Part::Field("pods".into()),
            Part::Each,
            Part::Field("phase".into()),
        ];
        assert_eq!(pointers(&json, &path, false).len(), 1);
        let all = pointers(&json, &path, true);
        assert_eq!(all.len(), 2);
        let mut changed = json;
        assert!(put(&mut changed, &all[1], Some(&json!("c"))));
        assert_eq!(changed, json!({"pods": [{"phase": "a"}, {"phase": "c"}]}));
        assert!(put(&mut changed, &all[0], None));
        assert_eq!(changed, json!({"pods": [{}, {"phase": "c"}]}));
    }
}
