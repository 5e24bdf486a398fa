//! The JSON report: the tree as it is. Its schema is derived from the same types.

use std::io;

use super::Report;

/// The whole run as one document.
///
/// # Errors
/// Never in practice: every part of the tree has a JSON form.
pub fn render(report: &Report) -> io::Result<String> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of [`Report`], for `schemas/report.schema.json`.
#[must_use]
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(Report)
}
