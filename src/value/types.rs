//! Types of values, known before the run. How JSON is read by a type is in `json`.

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Dimension;

/// What is known of a value before the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Only known at run time (JSON from a server).
    Any,
    Null,
    Bool,
    Int,
    /// A float; an `Int` may stand where a `Number` is expected.
    Number,
    String,
    /// Text out of a closed list.
    Enum(Vec<String>),
    Quantity(Dimension),
    Time,
    Secret,
    List(Box<Type>),
    /// Free keys, values of one type.
    Map(Box<Type>),
    Object(Arc<ObjectType>),
    /// May be null or missing.
    Optional(Box<Type>),
    /// A share estimated from a sample: `k` of `n` ([`super::Value::Estimate`]).
    Proportion,
    /// A sample of quantities with its quantiles ([`super::Distribution`]).
    Distribution(Dimension),
}

/// A mapping whose keys are known.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectType {
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub description: Option<String>,
}

/// A value that has not the type it was promised to have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: expected {expected}, got {actual}")]
pub struct TypeMismatch {
    /// `.versions[0].name`; empty for the value itself.
    pub path: String,
    pub expected: String,
    pub actual: String,
}

impl Type {
    /// An object with these fields.
    pub fn object<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        let field = |(name, ty): (N, Self)| Field {
            name: name.into(),
            ty,
            description: None,
        };
        Self::Object(Arc::new(ObjectType {
            fields: fields.into_iter().map(field).collect(),
        }))
    }

    /// A list of this type.
    #[must_use]
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// The same type, but it may be absent; `Any` and `Null` may be already.
    #[must_use]
    pub fn optional(self) -> Self {
        match self {
            Self::Any | Self::Null | Self::Optional(_) => self,
            present => Self::Optional(Box::new(present)),
        }
    }

    /// The type of the value when it is present.
    #[must_use]
    pub fn present(&self) -> &Self {
        match self {
            Self::Optional(inner) => inner.present(),
            other => other,
        }
    }

    /// Whether `is present` can be false of it.
    #[must_use]
    pub const fn may_be_absent(&self) -> bool {
        matches!(self, Self::Any | Self::Null | Self::Optional(_))
    }

    /// The type a JSON Schema (as schemars derives it) describes; `x-quantity`, `x-type: time|secret|proportion|
    /// distribution`, `x-secret` and `enum` are understood, `$ref` into `$defs` followed. What is not understood is
    /// `Any`.
    #[must_use]
    pub fn from_schema(schema: &Json) -> Self {
        SchemaReader {
            root: schema,
            open: Vec::new(),
        }
        .read(schema)
    }
}

impl fmt::Display for Type {
    /// For messages: `a duration`, `a list of text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("a value known only at run time"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("true or false"),
            Self::Int => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
            Self::String => f.write_str("text"),
            Self::Enum(words) => write!(f, "one of {}", quoted(words)),
            Self::Quantity(dimension) => dimension.fmt(f),
            Self::Time => f.write_str("a time"),
            Self::Secret => f.write_str("a secret"),
            Self::List(element) => match &**element {
                Self::Any => f.write_str("a list"),
                element => write!(f, "a list of {}", Plural(element)),
            },
            Self::Map(value) => match &**value {
                Self::Any => f.write_str("a map"),
                value => write!(f, "a map of {}", Plural(value)),
            },
            Self::Object(object) => {
                f.write_str("an object with ")?;
                names(f, object)
            }
            Self::Optional(inner) => write!(f, "{inner} (may be absent)"),
            Self::Proportion => f.write_str("a share of a sample"),
            Self::Distribution(dimension) => {
                write!(f, "a sample of {}", Plural(&Self::Quantity(dimension.clone())))
            }
        }
    }
}

/// The plural of a type, without an article.
struct Plural<'a>(&'a Type);

impl fmt::Display for Plural<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Any => f.write_str("values"),
            Type::Null => f.write_str("nulls"),
            Type::Bool => f.write_str("true or false"),
            Type::Int => f.write_str("whole numbers"),
            Type::Number => f.write_str("numbers"),
            Type::String => f.write_str("text"),
            Type::Enum(words) => write!(f, "{}", quoted(words)),
            Type::Quantity(dimension) => f.write_str(match dimension {
                Dimension::Duration => "durations",
                Dimension::Bytes => "sizes in bytes",
                Dimension::Ratio => "ratios",
                Dimension::Rate => "rates",
                Dimension::Throughput => "throughputs",
                Dimension::Money(_) => "amounts of money",
            }),
            Type::Time => f.write_str("times"),
            Type::Secret => f.write_str("secrets"),
            Type::List(_) => f.write_str("lists"),
            Type::Map(_) => f.write_str("maps"),
            Type::Object(object) => {
                f.write_str("objects with ")?;
                names(f, object)
            }
            Type::Optional(inner) => Plural(inner).fmt(f),
            Type::Proportion => f.write_str("shares"),
            Type::Distribution(_) => f.write_str("samples"),
        }
    }
}

fn quoted(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
    words.join(", ")
}

fn names(f: &mut fmt::Formatter<'_>, object: &ObjectType) -> fmt::Result {
    const SHOWN: usize = 8;
    if object.fields.is_empty() {
        return f.write_str("no fields");
    }
    let names: Vec<&str> = object
        .fields
        .iter()
        .take(SHOWN)
        .map(|field| field.name.as_str())
        .collect();
    f.write_str(&names.join(", "))?;
    if object.fields.len() > SHOWN {
        f.write_str(", ...")?;
    }
    Ok(())
}

/// Walks a schema; `open` holds the references being followed, so that a type that holds itself ends as `Any`.
struct SchemaReader<'a> {
    root: &'a Json,
    open: Vec<&'a str>,
}

impl<'a> SchemaReader<'a> {
    fn read(&mut self, schema: &'a Json) -> Type {
        let Some(object) = schema.as_object() else {
            return Type::Any;
        };
        if let Some(ty) = Self::marked(object) {
            // `Option<Moment>` is the schema of the moment, whose type may also be null.
            let types = object.get("type").and_then(Json::as_array);
            let nullable = types.is_some_and(|all| all.iter().any(|name| name == "null"));
            return if nullable { ty.optional() } else { ty };
        }
        let word = |key: &str| object.get(key).and_then(Json::as_str);
        if let Some(reference) = word("$ref") {
            return self.follow(reference);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(branches) = object.get(key).and_then(Json::as_array) {
                return self.one_of(branches);
            }
        }
        if let Some([only]) = object.get("allOf").and_then(Json::as_array).map(Vec::as_slice) {
            return self.read(only);
        }
        if let Some(words) = object.get("enum").and_then(Json::as_array) {
            return words_of(words.iter());
        }
        if let Some(constant) = object.get("const") {
            return words_of(std::iter::once(constant));
        }
        match object.get("type") {
            Some(Json::String(name)) => self.named(name, object),
            Some(Json::Array(names)) => self.nullable(names, object),
            _ => Type::Any,
        }
    }

    /// The type that a schema names by a mark of its own: a quantity, a time, a sample, a secret.
    fn marked(object: &serde_json::Map<String, Json>) -> Option<Type> {
        let word = |key: &str| object.get(key).and_then(Json::as_str);
        let quantity = word("x-quantity").and_then(Dimension::from_word);
        match word("x-type") {
            Some("time") => return Some(Type::Time),
            Some("secret") => return Some(Type::Secret),
            Some("proportion") => return Some(Type::Proportion),
            Some("distribution") => return Some(Type::Distribution(quantity.unwrap_or(Dimension::Duration))),
            _ => {}
        }
        if object.get("x-secret") == Some(&Json::Bool(true)) {
            return Some(Type::Secret);
        }
        quantity.map(Type::Quantity)
    }

    fn follow(&mut self, reference: &'a str) -> Type {
        let target = reference
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target.filter(|_| !self.open.contains(&reference)) else {
            return Type::Any;
        };
        self.open.push(reference);
        let ty = self.read(target);
        self.open.pop();
        ty
    }

    fn named(&mut self, name: &str, object: &'a serde_json::Map<String, Json>) -> Type {
        match name {
            "null" => Type::Null,
            "boolean" => Type::Bool,
            "integer" => Type::Int,
            "number" => Type::Number,
            "string" => Type::String,
            "array" => Type::list(object.get("items").map_or(Type::Any, |items| self.read(items))),
            "object" => self.mapping(object),
            _ => Type::Any,
        }
    }

    fn nullable(&mut self, names: &'a [Json], object: &'a serde_json::Map<String, Json>) -> Type {
        let present: Vec<&str> = names
            .iter()
            .filter_map(Json::as_str)
            .filter(|n| *n != "null")
            .collect();
        match present.as_slice() {
            [only] if names.len() == 2 => self.named(only, object).optional(),
            [only] if names.len() == 1 => self.named(only, object),
            _ => Type::Any,
        }
    }

    fn one_of(&mut self, branches: &'a [Json]) -> Type {
        let types: Vec<Type> = branches.iter().map(|branch| self.read(branch)).collect();
        let present: Vec<&Type> = types.iter().filter(|ty| **ty != Type::Null).collect();
        let joined = match present.as_slice() {
            [only] => (*only).clone(),
            several => {
                let mut words = Vec::new();
                for ty in several {
                    let Type::Enum(more) = ty else {
                        return Type::Any;
                    };
                    words.extend(more.iter().cloned());
                }
                Type::Enum(words)
            }
        };
        if present.len() < types.len() {
            joined.optional()
        } else {
            joined
        }
    }

    /// Known keys make an object, free keys a map; a schema with both is taken for neither.
    fn mapping(&mut self, object: &'a serde_json::Map<String, Json>) -> Type {
        let properties = object
            .get("properties")
            .and_then(Json::as_object)
            .filter(|p| !p.is_empty());
        let free = object
            .get("additionalProperties")
            .filter(|a| **a != Json::Bool(false));
        match (properties, free) {
            (Some(properties), None) => {
                let required: Vec<&str> = object
                    .get("required")
                    .and_then(Json::as_array)
                    .map(|names| names.iter().filter_map(Json::as_str).collect())
                    .unwrap_or_default();
                let fields = properties.iter().map(|(name, schema)| {
                    let ty = self.read(schema);
                    Field {
                        name: name.clone(),
                        ty: if required.contains(&name.as_str()) {
                            ty
                        } else {
                            ty.optional()
                        },
                        description: schema
                            .get("description")
                            .and_then(Json::as_str)
                            .map(str::to_owned),
                    }
                });
                Type::Object(Arc::new(ObjectType {
                    fields: fields.collect(),
                }))
            }
            (None, Some(schema)) => Type::Map(Box::new(self.read(schema))),
            (None, None)
                if object.contains_key("additionalProperties") || object.contains_key("properties") =>
            {
                Type::object::<String>([])
            }
            (None, None) => Type::Map(Box::new(Type::Any)),
            (Some(_), Some(_)) => Type::Any,
        }
    }
}

/// A closed list of words; with anything else in it, nothing is known.
fn words_of<'a>(values: impl Iterator<Item = &'a Json>) -> Type {
    let mut words = Vec::new();
    let mut null = false;
    for value in values {
        match value {
            Json::String(word) => words.push(word.clone()),
            Json::Null => null = true,
            _ => return Type::Any,
        }
    }
    match (words.is_empty(), null) {
        (true, true) => Type::Null,
        (true, false) => Type::Any,
        (false, true) => Type::Enum(words).optional(),
        (false, false) => Type::Enum(words),
    }
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, schema_for};
    use serde_json::json;

    use super::*;
    use crate::value::{Duration, Moment, Proportion};

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Output {
        /// How it went.
        state: State,
        took: Duration,
        at: Option<Moment>,
        share: Proportion,
        tags: std::collections::BTreeMap<String, String>,
        parts: Vec<Part>,
        body: serde_json::Value,
        #[serde(default)]
        note: String,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Part {
        size: Option<u32>,
        inner: Vec<Part>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum State {
        /// All is well.
        Fine,
        Bad,
    }

    #[test]
    fn a_derived_schema_gives_the_types_of_its_fields() {
        let schema = serde_json::to_value(schema_for!(Output)).unwrap();
        let Type::Object(object) = Type::from_schema(&schema) else {
            panic!("not an object");
        };
        let ty = |name: &str| object.fields.iter().find(|f| f.name == name).unwrap().ty.clone();
        assert_eq!(ty("state"), Type::Enum(vec!["bad".into(), "fine".into()]));
        assert_eq!(object.fields[0].description.as_deref(), Some("How it went."));
        assert_eq!(ty("took"), Type::Quantity(Dimension::Duration));
        assert_eq!(ty("at"), Type::Time.optional());
        assert_eq!(ty("share"), Type::Proportion);
        assert_eq!(ty("tags"), Type::Map(Box::new(Type::String)));
        assert_eq!(ty("body"), Type::Any);
        assert_eq!(ty("note"), Type::String.optional());
        let part = Type::object([("size", Type::Int.optional()), ("inner", Type::list(Type::Any))]);
        assert_eq!(ty("parts"), Type::list(part));
    }

    #[test]
    fn what_may_be_null_may_be_absent_also_where_it_is_always_given() {
        let nullable = |mark: &str, word: &str| {
            let field = json!({"type": ["string", "null"], mark: word});
            let schema = json!({"type": "object", "properties": {"a": field}, "required": ["a"]});
            Type::from_schema(&schema)
        };
        assert_eq!(
            nullable("x-type", "time"),
            Type::object([("a", Type::Time.optional())])
        );
        assert_eq!(
            nullable("x-quantity", "duration"),
            Type::object([("a", Type::Quantity(Dimension::Duration).optional())])
        );
    }

    #[test]
    fn what_is_not_understood_is_any() {
        for schema in [
            json!(true),
            json!({"type": ["integer", "string"]}),
            json!({"enum": [1, 2]}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"$ref": "other.json"}),
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true}),
        ] {
            assert_eq!(Type::from_schema(&schema), Type::Any, "{schema}");
        }
    }

    #[test]
    fn types_read_as_words() {
        for (ty, words) in [
            (Type::list(Type::String), "a list of text"),
            (Type::Quantity(Dimension::Duration), "a duration"),
            (Type::Enum(vec!["a".into(), "b".into()]), "one of \"a\", \"b\""),
            (Type::Int.optional(), "a whole number (may be absent)"),
            (Type::object([("a", Type::Int)]), "an object with a"),
            (Type::Distribution(Dimension::Bytes), "a sample of sizes in bytes"),
        ] {
            assert_eq!(ty.to_string(), words);
        }
    }
}
