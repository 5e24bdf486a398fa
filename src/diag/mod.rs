//! What is wrong, where, and what to do about it.
//!
//! A [`Diagnostic`] is data; [`render`] turns it into text for people, `report` into annotations.

mod codes;
mod render;
mod suggest;

#[cfg(test)]
mod tests;

pub use codes::{Code, Severity};
pub use render::{Style, render};
pub use suggest::{closest, did_you_mean};

use crate::source::Span;

/// One mistake in what a person wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// One line, lower case, without a full stop: what is wrong.
    pub message: String,
    /// The first label is the place of the mistake; the others give context.
    pub labels: Vec<Label>,
    /// How to cure it, when that is known.
    pub help: Option<String>,
    /// A path that has no text (a missing file, an empty directory).
    pub path: Option<std::path::PathBuf>,
}

/// A marked piece of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            path: None,
        }
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.help = text.or(self.help);
        self
    }

    #[must_use]
    pub fn path(mut self, path: impl Into<std::path::PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }
}

/// Collects every mistake, so that one run of `check` names them all.
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, d: Diagnostic) {
        self.0.push(d);
    }

    pub fn extend(&mut self, more: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(more);
    }

    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them in the order of the text, without doubles.
    #[must_use]
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by(|a, b| {
            let key = |d: &Diagnostic| d.labels.first().map(|l| l.span);
            key(a).cmp(&key(b)).then_with(|| a.code.cmp(&b.code))
        });
        self.0.dedup();
        self.0
    }
}
