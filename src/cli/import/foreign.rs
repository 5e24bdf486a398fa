//! Reading another tool's YAML so that nothing in it is passed over: keys are taken one by one, and what is left at the
//! end is a mistake with its place.

use std::cell::RefCell;

use crate::diag::did_you_mean;
use crate::source::{Entry, Kind, Node, Sources, Span, read};

/// A foreign file and what of it cannot be said in a spec.
pub struct Foreign {
    sources: Sources,
    wrong: RefCell<Vec<(Span, String)>>,
}

impl Foreign {
    /// Reads a text under the name that messages shall show.
    ///
    /// # Errors
    /// The syntax error with its place.
    pub fn open(name: &str, text: &str) -> Result<(Self, Node), Vec<String>> {
        let sources = Sources::new();
        let id = sources.add(name, text);
        match read(&sources, id) {
            Ok(root) => {
                let wrong = RefCell::default();
                Ok((Self { sources, wrong }, root))
            }
            Err(e) => {
                let help = e.help.map_or_else(String::new, |h| format!(" ({h})"));
                Err(vec![format!("{}: {}{help}", sources.locate(e.span), e.message)])
            }
        }
    }

    /// Notes something that cannot be said.
    pub fn wrong(&self, at: Span, message: impl Into<String>) {
        self.wrong.borrow_mut().push((at, message.into()));
    }

    /// Everything that cannot be said, in the order of the file.
    ///
    /// # Errors
    /// When there is any.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<String>> {
        let mut wrong = self.wrong.into_inner();
        if wrong.is_empty() {
            return Ok(value);
        }
        wrong.sort_by_key(|(at, _)| at.start);
        Err(wrong
            .into_iter()
            .map(|(at, message)| format!("{}: {message}", self.sources.locate(at)))
            .collect())
    }

    /// A text; a mistake when it is something else.
    pub fn text(&self, node: &Node, what: &str) -> Option<String> {
        let text = node.as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(
                node.span,
                format!("{what} is a text, here is {}", node.describe()),
            );
        }
        text
    }

    /// A number, also one that was written as text.
    pub fn number(&self, node: &Node, what: &str) -> Option<f64> {
        let number = match &node.kind {
            Kind::Int(n) => Some(*n as f64),
            Kind::Float(n) => Some(*n),
            Kind::String(s) => s.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(
                node.span,
                format!("{what} is a number, here is {}", node.describe()),
            );
        }
        number
    }

    pub fn bool(&self, node: &Node, what: &str) -> Option<bool> {
        if let Kind::Bool(b) = node.kind {
            return Some(b);
        }
        self.wrong(
            node.span,
            format!("{what} is true or false, here is {}", node.describe()),
        );
        None
    }

    /// The items of a list; a mistake when it is something else. Nothing stands for an empty list.
    pub fn list<'a>(&self, node: &'a Node, what: &str) -> &'a [Node] {
        if !matches!(node.kind, Kind::Seq(_) | Kind::Null) {
            self.wrong(
                node.span,
                format!("{what} is a list, here is {}", node.describe()),
            );
        }
        node.items()
    }
}

/// The keys of a mapping that were not taken yet.
pub struct Keys<'a> {
    pub at: Span,
    entries: Vec<&'a Entry>,
    known: Vec<&'static str>,
}

impl<'a> Keys<'a> {
    /// The keys of a mapping; nothing stands for an empty one, anything else is a mistake.
    pub fn of(node: &'a Node, file: &Foreign, what: &str) -> Self {
        if !matches!(node.kind, Kind::Map(_) | Kind::Null) {
            file.wrong(
                node.span,
                format!("{what} is a mapping, here is {}", node.describe()),
            );
        }
        Self {
            at: node.span,
            entries: node.entries().iter().collect(),
            known: Vec::new(),
        }
    }

    /// The value of a key; none when it is not there or null.
    pub fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let at = self.entries.iter().position(|e| e.key.value == key)?;
        let value = &self.entries.remove(at).value;
        (!matches!(value.kind, Kind::Null)).then_some(value)
    }

    /// Passes over keys that change nothing about what is checked.
    pub fn pass(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// The only key that is left, with its value.
    pub fn only(&self) -> Option<&'a Entry> {
        match self.entries.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Notes every key that was not taken.
    pub fn end(self, file: &Foreign, what: &str) {
        for entry in self.entries {
            let key = &entry.key.value;
            let help =
                did_you_mean(key, self.known.iter().copied()).map_or_else(String::new, |h| format!("; {h}"));
            file.wrong(
                entry.key.span,
                format!("the key `{key}` of {what} is not understood{help}"),
            );
        }
    }
}
