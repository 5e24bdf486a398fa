//! A scanner's report, whichever scanner wrote it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::finding::Finding;
use super::{gitleaks, grype, sarif, trivy};
use crate::action::{Class, Failure};
use crate::tools::http::parse_json;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// Trivy's JSON.
    Trivy,
    /// Grype's JSON.
    Grype,
    /// gitleaks' JSON.
    Gitleaks,
    /// SARIF 2.1.0 of any scanner.
    Sarif,
}

impl Form {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Trivy => "trivy",
            Self::Grype => "grype",
            Self::Gitleaks => "gitleaks",
            Self::Sarif => "sarif",
        }
    }
}

/// What a report says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Report {
    /// The scanner, as the report names it.
    pub scanner: String,
    pub version: Option<String>,
    /// The names of what was looked at: the image's name, its tags and digests. Empty when the report names nothing.
    pub targets: Vec<String>,
    /// When it was written.
    pub created: Option<jiff::Timestamp>,
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether it is about this target.
    pub(super) fn is_about(&self, target: &str) -> bool {
        self.targets.iter().any(|t| t == target)
    }
}

/// Reads a report.
///
/// # Errors
/// Class `unreadable_answer`, with what is missing, when it is cut off, of another form, or uses words that are not known.
pub(super) fn read(bytes: &[u8], form: Form, name: &str) -> Result<Report, Failure> {
    let unreadable = |why: String| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("`{name}` is no whole report of {}: {why}", form.word()),
        )
    };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable("it is empty".to_owned()));
    }
    let json = parse_json(bytes).map_err(|e| unreadable(e.0))?;
    let read = match form {
        Form::Trivy => trivy::read(&json),
        Form::Grype => grype::read(&json),
        Form::Gitleaks => gitleaks::read(&json),
        Form::Sarif => sarif::read(&json),
    };
    read.map_err(unreadable)
}

/// A part of a report that must be there.
pub(super) fn part<'a>(json: &'a Json, key: &str) -> Result<&'a Json, String> {
    json.get(key)
        .filter(|v| !v.is_null())
        .ok_or_else(|| format!("it has no `{key}`"))
}

/// A text that must be there.
pub(super) fn text<'a>(json: &'a Json, key: &str) -> Result<&'a str, String> {
    part(json, key)?
        .as_str()
        .ok_or_else(|| format!("its `{key}` is no text"))
}

/// A text that may be missing or empty.
pub(super) fn maybe(json: &Json, key: &str) -> Option<String> {
    json.get(key)
        .and_then(Json::as_str)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

/// A list that may be missing, but may be nothing else.
pub(super) fn list<'a>(json: &'a Json, key: &str) -> Result<&'a [Json], String> {
    match json.get(key) {
        None | Some(Json::Null) => Ok(&[]),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(format!("its `{key}` is no list")),
    }
}
