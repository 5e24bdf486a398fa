//! Strict JSON from outside: UTF-8, no doubled keys, no NaN, not too deep.
//!
//! A doubled key is refused because readers differ in which of the two they keep, so a check could look at the other.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
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
    read::<Strict>(bytes).map(|strict| strict.0)
}

/// Whether [`parse`] reads it, without making a value of it.
///
/// # Errors
/// The same.
pub fn check(bytes: &[u8]) -> Result<(), JsonError> {
    read::<Sound>(bytes).map(|_| ())
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, JsonError> {
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
    serde_json::from_str(text).map_err(|e| {
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
                return Err(twice(&key));
            }
            fields.insert(key, value);
        }
        Ok(Json::Object(fields))
    }
}

fn twice<E: serde::de::Error>(key: &str) -> E {
    let short: String = key.chars().take(60).collect();
    E::custom(format!("the key `{short}` stands twice in one object"))
}

/// JSON that is only looked at.
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SoundVisitor)
    }
}

struct SoundVisitor;

impl<'de> Visitor<'de> for SoundVisitor {
    type Value = Sound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Sound, E> {
        StrictVisitor.visit_f64(v).map(|_| Sound)
    }

    fn visit_str<E>(self, _: &str) -> Result<Sound, E> {
        Ok(Sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sound, A::Error> {
        while seq.next_element::<Sound>()?.is_some() {}
        Ok(Sound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
        let mut few: Vec<Key<'de>> = Vec::new();
        let mut many: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            map.next_value::<Sound>()?;
            if few.contains(&key) || many.contains(&key.0) {
                return Err(twice(&key.0));
            }
            if few.len() < FEW {
                few.push(key);
            } else {
                many.insert(key.0);
            }
        }
        Ok(Sound)
    }
}

/// So many keys of an object are compared one by one.
const FEW: usize = 16;

/// The key of an object, borrowed where it stands there without escapes.
#[derive(PartialEq)]
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(v)))
    }

    fn visit_str<E>(self, v: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(v.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error(text: &str) -> String {
        let why = parse(text.as_bytes()).unwrap_err();
        assert_eq!(check(text.as_bytes()), Err(why.clone()));
        why.0
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

    #[test]
    fn a_key_of_many_that_stands_twice_is_found() {
        let many = |last: usize| {
            let fields: Vec<String> = (0..50).chain([last]).map(|i| format!("\"k{i}\": {i}")).collect();
            format!("{{{}}}", fields.join(", "))
        };
        assert!(check(many(50).as_bytes()).is_ok());
        for last in [0, 15, 16, 49] {
            assert!(error(&many(last)).contains(&format!("the key `k{last}` stands twice")));
        }
        assert!(error(r#"{"a": 1, "\u0061": 2}"#).contains("stands twice"));
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_reader_and_never_panics(text in r#"[\[\]{}",:0-9a-z. -]{0,40}"#) {
            let parsed = parse(text.as_bytes());
            prop_assert_eq!(check(text.as_bytes()), parsed.clone().map(|_| ()));
            if let Ok(value) = parsed {
                prop_assert_eq!(value, serde_json::from_str::<Json>(&text).unwrap());
            }
        }
    }
}
