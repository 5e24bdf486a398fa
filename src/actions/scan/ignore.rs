//! Findings that somebody has looked at and accepted, for a while and with a reason.

use globset::Glob;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use crate::action::{Class, Failure};

/// A finding that is accepted until a day, with the reason.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ignore {
    /// The vulnerability's name or the rule: `CVE-2018-18074`, `github-pat`.
    #[schemars(length(min = 1))]
    id: String,
    /// Only in this package.
    #[serde(default)]
    package: Option<String>,
    /// Only in files whose path fits: `**/tests/*`.
    #[serde(default)]
    file: Option<String>,
    /// The last day it is accepted, `2026-12-31` (UTC). Afterwards the finding counts again.
    until: String,
    /// Why it is accepted, and by whom.
    #[schemars(length(min = 1))]
    because: String,
}

/// A finding that is accepted for now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Ignored {
    /// What was found.
    pub finding: Finding,
    /// Why it is accepted.
    pub because: String,
    /// The last day it is.
    pub until: String,
}

/// Findings after the accepted ones were taken out.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub counted: Vec<Finding>,
    pub ignored: Vec<Ignored>,
    /// Entries that are over: what they name counts again.
    pub expired: Vec<String>,
    /// Entries that fit no finding.
    pub unused: Vec<String>,
}

/// Takes the accepted findings out.
///
/// # Errors
/// An entry whose day or pattern cannot be read.
pub(super) fn sort(findings: Vec<Finding>, entries: &[Ignore], today: Date) -> Result<Sorted, Failure> {
    let mut sorted = Sorted::default();
    let mut rules = Vec::new();
    for entry in entries {
        let wrong =
            |what: String| Failure::new(Class::BadParameter, format!("`ignore` of `{}`: {what}", entry.id));
        let until: Date = entry
            .until
            .parse()
            .map_err(|_| wrong(format!("`{}` is no day; write it like 2026-12-31", entry.until)))?;
        let file = match &entry.file {
            Some(pattern) => Some(
                Glob::new(pattern)
                    .map_err(|e| wrong(e.to_string()))?
                    .compile_matcher(),
            ),
            None => None,
        };
        if until < today {
            sorted.expired.push(entry.id.clone());
        } else {
            rules.push((entry, file, false));
        }
    }
    for finding in findings {
        let rule = rules.iter_mut().find(|(entry, file, _)| {
            (entry.id == finding.id || finding.aliases.contains(&entry.id))
                && (entry.package.is_none() || entry.package == finding.package)
                && file.as_ref().is_none_or(|glob| {
                    finding
                        .file
                        .as_ref()
                        .is_some_and(|f| glob.is_match(f.trim_start_matches('/')))
                })
        });
        match rule {
            Some((entry, _, used)) => {
                *used = true;
                sorted.ignored.push(Ignored {
                    finding,
                    because: entry.because.clone(),
                    until: entry.until.clone(),
                });
            }
            None => sorted.counted.push(finding),
        }
    }
    sorted.unused = rules
        .iter()
        .filter(|(_, _, used)| !used)
        .map(|(entry, _, _)| entry.id.clone())
        .collect();
    sorted
        .counted
        .sort_by(|a, b| (a.severity, &a.id, &a.file).cmp(&(b.severity, &b.id, &b.file)));
    Ok(sorted)
}

/// Today, as entries count days.
pub(super) fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}
