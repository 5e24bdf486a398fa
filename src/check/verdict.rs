//! The six answers a run can give; see docs/guide for when each is given.

use serde::{Deserialize, Serialize};

/// The answer of a check, a step or a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// True, with the confidence that was asked for.
    Passed,
    /// An expectation is false.
    Failed,
    /// Not enough evidence either way.
    Inconclusive,
    /// Something broke, so nothing can be said.
    Errored,
    /// A precondition is not met, or something that is needed is missing.
    Blocked,
    /// The run was stopped first.
    Cancelled,
}

impl Verdict {
    /// The worse of two: failed, errored, inconclusive, blocked, cancelled, passed, in this order.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Cancelled => 1,
            Self::Blocked => 2,
            Self::Inconclusive => 3,
            Self::Errored => 4,
            Self::Failed => 5,
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Inconclusive => "inconclusive",
            Self::Errored => "errored",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckOutcome {
    pub verdict: Verdict,
    /// One line: why this verdict. `actual 243ms`, `n = 100, 6 slow, bound 11.5 %`.
    pub message: String,
    /// More lines: the difference between two lists, objects or long texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// The values of the parts of the expression, outermost first, secrets never among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What was asked of the value, as JSON, when the expression compares two values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<serde_json::Value>,
    /// The numbers behind a statistical verdict: `n`, `k`, `bound`, `confidence`.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub statistics: serde_json::Map<String, serde_json::Value>,
}

impl CheckOutcome {
    pub fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            verdict,
            message: message.into(),
            details: Vec::new(),
            evidence: Vec::new(),
            expected: None,
            actual: None,
            statistics: serde_json::Map::new(),
        }
    }
}

/// A part of an expression and the value it had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub expression: String,
    pub value: serde_json::Value,
}
