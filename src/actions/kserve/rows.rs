//! What is sent: rows given in the spec or in a file, or bodies as they are.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure};
use crate::tools::http::parse_json;

/// The largest file of rows.
const CAP: u64 = 64 << 20;

/// Rows: a file of JSON lines, or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Rows {
    /// A file with one row a line, as JSON, relative to the spec's folder.
    File(String),
    /// The rows themselves.
    Given(#[schemars(length(min = 1))] Vec<Json>),
}

/// Bodies that are sent as they are: a file with one a line, or a list of texts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Raw {
    /// A file with one body a line, relative to the spec's folder.
    File(String),
    /// The bodies themselves.
    Given(#[schemars(length(min = 1))] Vec<String>),
}

impl Rows {
    /// The rows, each with its place for messages.
    ///
    /// # Errors
    /// A file that cannot be read, with the line that cannot.
    pub(super) fn read(&self, cx: &Context) -> Result<Vec<Json>, Failure> {
        match self {
            Self::Given(rows) => Ok(rows.clone()),
            Self::File(path) => lines(cx, path)?
                .into_iter()
                .map(|(number, line)| {
                    parse_json(line.as_bytes()).map_err(|e| {
                        Failure::new(Class::BadParameter, format!("{path}:{number}: not a row: {e}"))
                    })
                })
                .collect(),
        }
    }

    /// How many rows a request carries when nobody says: rows that are given belong together, those of a file are
    /// requests of their own.
    pub(super) const fn batch(&self) -> usize {
        match self {
            Self::Given(rows) => rows.len(),
            Self::File(_) => 1,
        }
    }
}

impl Raw {
    /// The bodies.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        match self {
            Self::Given(bodies) => Ok(bodies.clone()),
            Self::File(path) => Ok(lines(cx, path)?.into_iter().map(|(_, line)| line).collect()),
        }
    }
}

/// The lines of a file that are not empty, with their numbers.
fn lines(cx: &Context, path: &str) -> Result<Vec<(usize, String)>, Failure> {
    let content = cx.tools.files.read(&cx.base_dir, path, CAP)?;
    let text = String::from_utf8(content.bytes).map_err(|e| {
        Failure::new(
            Class::BadParameter,
            format!(
                "the file `{path}` is not UTF-8: the byte at {} is part of no character",
                e.utf8_error().valid_up_to()
            ),
        )
    })?;
    let lines: Vec<(usize, String)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| (n + 1, line.to_owned()))
        .collect();
    if lines.is_empty() {
        return Err(Failure::new(
            Class::BadParameter,
            format!("the file `{path}` holds no line"),
        ));
    }
    Ok(lines)
}
