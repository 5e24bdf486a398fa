//! What every scan tells, and how a report becomes it.

use schemars::JsonSchema;
use serde::Serialize;

use super::database::Database;
use super::finding::{Counts, Finding, Kind};
use super::ignore::{self, Ignore, Ignored};
use super::report::Report;
use crate::action::Failure;
use crate::value::Moment;

/// What a scanner found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Scanned {
    /// What was looked at.
    target: String,
    /// The scanner: `trivy`.
    scanner: String,
    /// Its version, when the report names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Everything that counts, the worst first.
    findings: Vec<Finding>,
    /// How many vulnerabilities count, by severity. Absent when none were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerabilities: Option<Counts>,
    /// How many secrets count, by severity. Absent when none were looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Counts>,
    /// Findings that an entry of `ignore` accepts.
    ignored: Vec<Ignored>,
    /// Entries of `ignore` whose day is over: what they name counts again.
    expired_ignores: Vec<String>,
    /// Entries of `ignore` that fit nothing that was found.
    unused_ignores: Vec<String>,
    /// The database of vulnerabilities, when the scanner has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Database>,
    /// When the report was written, when it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Moment>,
    /// The scanner's own report.
    report: String,
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Looked {
    pub vulnerabilities: bool,
    pub secrets: bool,
}

impl Scanned {
    /// From a report, with the accepted findings taken out.
    pub(super) fn of(
        report: Report,
        target: String,
        path: String,
        looked: Looked,
        ignore: &[Ignore],
        database: Option<Database>,
    ) -> Result<Self, Failure> {
        let sorted = ignore::sort(report.findings, ignore, ignore::today())?;
        let count = |kind: Kind| Counts::of(sorted.counted.iter().filter(|f| f.kind == kind));
        Ok(Self {
            vulnerabilities: looked.vulnerabilities.then(|| count(Kind::Vulnerability)),
            secrets: looked.secrets.then(|| count(Kind::Secret)),
            target,
            scanner: report.scanner,
            version: report.version,
            findings: sorted.counted,
            ignored: sorted.ignored,
            expired_ignores: sorted.expired,
            unused_ignores: sorted.unused,
            database,
            created: report.created.map(Moment),
            report: path,
        })
    }
}
