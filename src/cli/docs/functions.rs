//! The functions of the expression language as Markdown.

use super::GENERATED;
use crate::value::expr::{FUNCTIONS, Function, GRAMMAR};

/// One function.
#[must_use]
pub fn function(f: &Function) -> String {
    format!(
        "### `{}`\n\n{}\n\n```text\n{}\n```\n",
        f.signature, f.description, f.example
    )
}

/// The page of all functions.
#[must_use]
pub fn functions() -> String {
    let mut text = format!(
        "{GENERATED}# Functions and grammar\n\nThe [guide](../guide/expressions.md) explains the language.\n\n## Grammar\n\n\
         ```text\n{}\n```\n\n## Functions\n\nEach may be written as `f(x, y)` or as `x.f(y)`.\n\n",
        GRAMMAR.trim_end()
    );
    for f in FUNCTIONS {
        text.push_str(&function(f));
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
