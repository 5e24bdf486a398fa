//! The database of vulnerabilities: what it does not know, no scanner finds.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::report::maybe;
use crate::action::{Context, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::value::{Duration, Moment};

/// How old a scanner's database is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(super) struct Database {
    /// When it was made.
    updated: Moment,
    /// How long ago that was.
    age: Duration,
}

impl Database {
    /// From what `trivy version --format json` prints: `VulnerabilityDB.UpdatedAt`.
    pub(super) fn of_trivy(printed: &Json) -> Option<Self> {
        let updated = maybe(printed.get("VulnerabilityDB")?, "UpdatedAt")?;
        Self::made(&updated)
    }

    /// From what `grype db status -o json` prints: `built`.
    pub(super) fn of_grype(printed: &Json) -> Option<Self> {
        Self::made(&maybe(printed, "built")?)
    }

    fn made(updated: &str) -> Option<Self> {
        let updated: jiff::Timestamp = updated.parse().ok()?;
        let age = jiff::Timestamp::now().duration_since(updated).as_secs_f64();
        Some(Self {
            updated: Moment(updated),
            age: Duration(age.max(0.0)),
        })
    }
}

/// Whether the database is new enough to say that nothing is there, as a check of the step.
pub(super) fn judge(database: Option<&Database>, max_age: Duration, cx: &Context) {
    let (verdict, message) = match database {
        Some(d) if d.age.0 <= max_age.0 => (Verdict::Passed, format!("it is {} old", d.age)),
        Some(d) => (
            Verdict::Inconclusive,
            format!("it is {} old: what has become known since cannot be found", d.age),
        ),
        None => (
            Verdict::Inconclusive,
            "the scanner does not say how old it is".to_owned(),
        ),
    };
    cx.checks.add(OwnCheck {
        id: "database".to_owned(),
        text: format!("the database of vulnerabilities is at most {max_age} old"),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(verdict, message),
    });
}
