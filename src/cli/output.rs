//! Standard output and standard error, and whether they take colour.
//!
//! A closed pipe (`specrun list | head -1`) is no mistake of ours: the rest of the text is dropped.

use std::io::{IsTerminal, Write};

use crate::diag::{Diagnostic, Style, render};
use crate::source::Sources;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where texts for people go.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    color: Color,
}

impl Output {
    #[must_use]
    pub const fn new(color: Color) -> Self {
        Self { color }
    }

    /// Writes to standard output.
    pub fn out(self, text: &str) {
        let mut to = std::io::stdout().lock();
        // A reader that has gone away wants no more.
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }

    /// Writes to standard error.
    pub fn err(self, text: &str) {
        let mut to = std::io::stderr().lock();
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    }

    /// One line on standard error: what could not be done.
    pub fn error(self, message: &str) {
        self.err(&format!("specrun: {message}\n"));
    }

    /// Writes diagnostics to standard error.
    pub fn diagnostics(self, all: &[Diagnostic], sources: &Sources) {
        let style = if self.stderr_colored() {
            Style::Fancy
        } else {
            Style::Plain
        };
        let mut text = String::new();
        for diagnostic in all {
            text.push_str(&render(diagnostic, sources, style, 110));
            text.push('\n');
        }
        self.err(&text);
    }

    /// Whether standard output takes colour.
    #[must_use]
    pub fn stdout_colored(self) -> bool {
        self.colored(std::io::stdout().is_terminal())
    }

    /// Whether standard error takes colour.
    #[must_use]
    pub fn stderr_colored(self) -> bool {
        self.colored(std::io::stderr().is_terminal())
    }

    fn colored(self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        }
    }
}
