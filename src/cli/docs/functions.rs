//! The functions of the expression language as Markdown.

use super::GENERATED;
use crate::value::expr::{FUNCTIONS, Function};

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
    let mut text = format!("{GENERATED}# Expressions\n\n");
    for f in FUNCTIONS {
        text.push_str(&function(f));
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}
