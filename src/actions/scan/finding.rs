//! One form for what every scanner finds.

use serde::{Deserialize, Serialize};

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A package with a known vulnerability.
    Vulnerability,
    /// Something that looks like a secret.
    Secret,
    /// Anything else a scanner reports: a setting, a licence.
    Other,
}

/// How bad it is, the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    Critical,
    High,
    Medium,
    Low,
    Negligible,
    /// The scanner does not know.
    Unknown,
}

impl Severity {
    /// The severity a scanner's word stands for, in any case.
    ///
    /// # Errors
    /// The word, when it is none of the known ones.
    pub(super) fn of(word: &str) -> Result<Self, String> {
        Ok(match word.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" => Self::Low,
            "negligible" | "info" | "informational" | "none" => Self::Negligible,
            "unknown" => Self::Unknown,
            _ => return Err(format!("the severity `{word}` is not known")),
        })
    }

    /// The severity of a CVSS score from 0 to 10 (FIRST, CVSS v3.1, section 5), as SARIF's `security-severity` gives it.
    ///
    /// # Errors
    /// When it is no such score.
    pub(super) fn of_score(score: &str) -> Result<Self, String> {
        match score.parse::<f64>() {
            Ok(s) if (9.0..=10.0).contains(&s) => Ok(Self::Critical),
            Ok(s) if (7.0..9.0).contains(&s) => Ok(Self::High),
            Ok(s) if (4.0..7.0).contains(&s) => Ok(Self::Medium),
            Ok(s) if s > 0.0 && s < 4.0 => Ok(Self::Low),
            Ok(0.0) => Ok(Self::Negligible),
            _ => Err(format!("the score `{score}` is not between 0 and 10")),
        }
    }
}

/// Something a scanner found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct Finding {
    /// The vulnerability's name (`CVE-2018-18074`) or the rule that matched (`github-pat`).
    pub id: String,
    /// `vulnerability`, `secret` or `other`.
    pub kind: Kind,
    /// `critical`, `high`, `medium`, `low`, `negligible` or `unknown`.
    pub severity: Severity,
    /// One line for people. Of a secret: what it looks like, never the secret.
    pub title: String,
    /// The package with the vulnerability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The package's version that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed: Option<String>,
    /// The first versions without the vulnerability; absent while there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The layer of the image it is in: `sha256:…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Where more is said of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other names of the same vulnerability.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub aliases: Vec<String>,
}

/// How many findings of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub(super) struct Counts {
    /// All of them.
    pub total: u64,
    /// The worst.
    pub critical: u64,
    /// High.
    pub high: u64,
    /// Medium.
    pub medium: u64,
    /// Low.
    pub low: u64,
    /// Negligible.
    pub negligible: u64,
    /// Those the scanner cannot rate.
    pub unknown: u64,
}

impl Counts {
    pub(super) fn of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            counts.total += 1;
            *match finding.severity {
                Severity::Critical => &mut counts.critical,
                Severity::High => &mut counts.high,
                Severity::Medium => &mut counts.medium,
                Severity::Low => &mut counts.low,
                Severity::Negligible => &mut counts.negligible,
                Severity::Unknown => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}
