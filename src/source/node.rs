//! A YAML document as a tree that remembers where each part stands.

use super::{Span, Spanned};

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: Kind,
    /// Where it is used: the scalar with its quotes, or the extent of a sequence or mapping.
    pub span: Span,
    /// Where it was written, when it came through an alias (`*name`).
    pub defined: Option<Span>,
}

/// What a node is. Numbers outside i64 are floats; everything else that is not JSON was refused by the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    String(String),
    Seq(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value; keys of a mapping are unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Spanned<String>,
    pub value: Node,
}

impl Node {
    #[must_use]
    pub const fn new(kind: Kind, span: Span) -> Self {
        Self {
            kind,
            span,
            defined: None,
        }
    }

    /// The entry of a mapping with this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key.value == key)
    }

    /// The entries of a mapping; empty for everything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; empty for everything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(s) => Some(s),
            _ => None,
        }
    }

    /// What it is, for messages: `text`, `a whole number`, `a list of 3`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing (null)".to_owned(),
            Kind::Bool(_) => "true or false".to_owned(),
            Kind::Int(_) => "a whole number".to_owned(),
            Kind::Float(_) => "a number".to_owned(),
            Kind::String(_) => "text".to_owned(),
            Kind::Seq(items) => format!("a list of {}", items.len()),
            Kind::Map(entries) => format!("a mapping with {} keys", entries.len()),
        }
    }

    /// The same value as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match &self.kind {
            Kind::Null => J::Null,
            Kind::Bool(b) => J::Bool(*b),
            Kind::Int(i) => J::from(*i),
            Kind::Float(f) => J::from(*f),
            Kind::String(s) => J::String(s.clone()),
            Kind::Seq(items) => J::Array(items.iter().map(Self::to_json).collect()),
            Kind::Map(entries) => J::Object(
                entries
                    .iter()
                    .map(|e| (e.key.value.clone(), e.value.to_json()))
                    .collect(),
            ),
        }
    }

    /// The node a JSON pointer (RFC 6901) leads to, as far as it exists: the deepest node on the way and whether
    /// it is the one asked for.
    #[must_use]
    pub fn at(&self, pointer: &str) -> (&Self, bool) {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &node.kind {
                Kind::Map(_) => node.get(&part).map(|e| &e.value),
                Kind::Seq(items) => part.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => None,
            };
            match next {
                Some(n) => node = n,
                None => return (node, false),
            }
        }
        (node, true)
    }
}
