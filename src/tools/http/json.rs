//! Strict JSON from outside: UTF-8, no doubled keys, no NaN, not too deep.
//!
//! A doubled key is refused because readers differ in which of the two they keep, so a check could look at the other.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};

/// Why bytes are not strict JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(pub String);

/// Reads JSON. Nesting deeper than 128 levels is refused.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        JsonError(format!(
            "not UTF-8: the byte at {} is part of no character",
            e.valid_up_to()
        ))
    })?;
    if text.starts_with('\u{feff}') {
        return Err(JsonError(
            "starts with a byte order mark, which JSON does not allow".to_owned(),
        ));
    }
    if text.trim().is_empty() {
        return Err(JsonError("empty, where JSON was expected".to_owned()));
    }
    serde_json::from_str::<Strict>(text).map(|s| s.0).map_err(|e| {
        let message = e.to_string();
        JsonError(if message.starts_with("recursion limit exceeded") {
            format!(
                "nested deeper than 128 levels at line {} column {}",
                e.line(),
                e.column()
            )
        } else {
            format!("not JSON: {message}")
        })
    })
}

struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Json, E> {
        Ok(Json::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Json, E> {
        Ok(Json::from(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Json, E> {
        Ok(Json::from(v))
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Json, E> {
        Number::from_f64(v)
            .map(Json::Number)
            .ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, v: &str) -> Result<Json, E> {
        Ok(Json::from(v))
    }

    fn visit_string<E>(self, v: String) -> Result<Json, E> {
        Ok(Json::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Strict(value) = map.next_value()?;
            if fields.contains_key(&key) {
                let short: String = key.chars().take(60).collect();
                return Err(A::Error::custom(format!(
                    "the key `{short}` stands twice in one object"
                )));
            }
            fields.insert(key, value);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().0
    }

    #[test]
    fn mistakes_are_named() {
        assert!(error(r#"{"a": 1, "a": 2}"#).contains("the key `a` stands twice"));
        assert!(error(r#"[{"b": {"a": 1, "a": 1}}]"#).contains("stands twice"));
        assert!(error("NaN").contains("not JSON"));
        assert!(error("[Infinity]").contains("not JSON"));
        assert!(error("1e400").contains("out of range"));
        assert!(error("").contains("empty"));
        assert!(error("{} {}").contains("trailing"));
        assert!(error("\u{feff}{}").contains("byte order mark"));
        assert!(error(&format!("{}1{}", "[".repeat(200), "]".repeat(200))).contains("deeper than 128"));
        assert!(error(&"[".repeat(1_000_000)).contains("deeper than 128"));
        assert!(parse(b"{\"a\": \"\xff\"}").unwrap_err().0.contains("not UTF-8"));
    }

    #[test]
    fn order_and_numbers_are_kept() {
        let text = r#"{"z":1,"a":[-1,18446744073709551615,0.5,null,true,"é"]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reader_and_never_panics(text in r#"[\[\]{}",:0-9a-z. -]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Json>(&text).unwrap());
            }
        }
    }
}
