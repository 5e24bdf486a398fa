//! A run as a tree: what every format renders, and, serialised, the JSON report itself.
//!
//! Nothing in it can look fine without evidence: a spec that began and has not ended is `errored`, one that never began
//! `cancelled`, and a check that was not evaluated has an outcome that says so. How events become the tree is in `fold`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::check::{CheckOutcome, Failure, Verdict};
use crate::event::{CheckInfo, Counts, InputInfo, Place, Role, Severity};
use crate::value::{SpecId, StepId};

/// The version of the JSON report. Fields may be added within a version; none is removed or changes its meaning.
pub const VERSION: u32 = 1;

/// A run, finished or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `specrun-report`.
    pub kind: String,
    /// The version of this format.
    pub format: u32,
    pub run: Run,
    /// Whether the run reached its end. When false the process died or still runs: specs without an end count as errored,
    /// specs that never began as cancelled.
    pub finished: bool,
    /// The exit code, once the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Seconds from the start to the last event.
    pub duration: f64,
    /// The signal that stopped the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted_by: Option<String>,
    pub counts: Totals,
    pub specs: Vec<SpecReport>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceReport>,
    /// Things the user should know that change no verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What was run, when and with what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    pub id: String,
    /// specrun's version.
    pub version: String,
    pub argv: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub seed: u64,
    pub jobs: u32,
    /// RFC 3339, UTC.
    pub started: String,
}

/// How many of each verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// All specs, whatever their severity.
    pub specs: Counts,
    /// Of these, the ones of severity critical.
    pub critical: Counts,
    /// All checks.
    pub checks: Counts,
    /// Checks of steps whose `if` was false.
    pub checks_skipped: u64,
    /// Specs that passed only after a retry.
    pub flaky: u64,
    /// Cleanups that were promised and not done.
    pub cleanup_open: u64,
}

/// A spec, or one row of its matrix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpecReport {
    pub id: SpecId,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    pub severity: Severity,
    pub place: Place,
    /// SHA-256 of the spec file.
    pub digest: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputInfo>,
    pub verdict: Verdict,
    /// Whether the spec reached its end; if not, its verdict is `errored`, or `cancelled` when it never began.
    pub finished: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds after the start of the run; none when the spec never began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<f64>,
    /// Seconds.
    pub duration: f64,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// Passed, but not at the first try.
    pub flaky: bool,
    /// Tries before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierTry>,
    /// Every check the spec has, in the order of the file.
    pub checks: Vec<CheckReport>,
    /// Steps of every role in the order in which they began.
    pub steps: Vec<StepReport>,
    /// Steps of the file that never began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps_not_run: Vec<StepId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cleanups: Vec<CleanupReport>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A try of a spec that was followed by another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EarlierTry {
    pub attempt: u32,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds.
    pub duration: f64,
    /// Its checks that did not pass.
    pub checks: Vec<CheckReport>,
}

/// A check and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    pub check: CheckInfo,
    /// The step it belongs to; none for the spec's own checks. With `for_each` the element is in brackets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    pub outcome: CheckOutcome,
    /// False when it was never evaluated; the outcome then says why.
    pub evaluated: bool,
    /// Its step's `if` was false, so it counts for nothing.
    pub skipped: bool,
    /// Seconds after the start of the run; 0 when nothing was said of it.
    pub at: f64,
}

/// A step and everything that was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepReport {
    pub id: StepId,
    pub role: Role,
    pub action: String,
    pub verdict: Verdict,
    pub finished: bool,
    pub skipped: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds after the start of the run.
    pub started: f64,
    /// Seconds.
    pub duration: f64,
    pub attempts: u32,
    /// What the action got, secrets as `***`.
    #[serde(default)]
    pub params: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Attempts that failed and were followed by another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<FailedAttempt>,
    /// The history of `eventually`, oldest first, its middle left out when it is long.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub polls: Vec<Poll>,
    /// How many polls were left out.
    #[serde(default)]
    pub polls_left_out: u64,
    /// Lines from the action, oldest first, the first ones left out when there are many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub progress: Vec<ProgressLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailedAttempt {
    pub attempt: u32,
    /// Seconds after the start of the run.
    pub at: f64,
    pub failure: Failure,
    /// Seconds until the next one.
    pub next_in: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Poll {
    pub attempt: u32,
    /// Seconds after the start of the run.
    pub at: f64,
    pub held: bool,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressLine {
    /// Seconds after the start of the run.
    pub at: f64,
    pub message: String,
}

/// A cleanup that was promised before its step acted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CleanupReport {
    pub id: String,
    pub action: String,
    /// Nothing was left to undo, or it was undone.
    pub done: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A service of the environment in its last state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceReport {
    pub name: String,
    /// `installing`, `starting`, `ready`, `stopped`, `failed`.
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Seconds after the start of the run at which it was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<f64>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            kind: "specrun-report".to_owned(),
            format: VERSION,
            run: Run::default(),
            finished: false,
            exit_code: None,
            duration: 0.0,
            interrupted_by: None,
            counts: Totals::default(),
            specs: Vec::new(),
            services: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl CheckReport {
    /// Whether it says that something is not as it should be.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        !self.skipped && self.outcome.verdict != Verdict::Passed
    }
}

impl StepReport {
    /// Whether its turn never came, because of what happened before it.
    #[must_use]
    pub fn is_not_run(&self) -> bool {
        self.finished && !self.skipped && self.action.is_empty() && self.failure.is_none()
    }

    /// Whether it did not end well. Cleanup and diagnostics count too.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        !self.skipped && (!self.finished || self.verdict != Verdict::Passed)
    }
}

impl SpecReport {
    /// The checks of one step.
    pub fn checks_of<'a>(&'a self, step: &'a StepId) -> impl Iterator<Item = &'a CheckReport> {
        self.checks.iter().filter(move |c| c.step.as_ref() == Some(step))
    }

    /// Steps that did not end well and have no check of their own that says why.
    pub fn unexplained_steps(&self) -> impl Iterator<Item = &StepReport> {
        self.steps.iter().filter(|s| {
            s.is_bad() && !s.is_not_run() && !self.checks_of(&s.id).any(|c| c.evaluated && c.is_bad())
        })
    }

    /// The part of the file's path that names it: without `.yaml`.
    #[must_use]
    pub fn stem(&self) -> &str {
        let file = self.place.file.as_str();
        file.strip_suffix(".yaml")
            .or_else(|| file.strip_suffix(".yml"))
            .unwrap_or(file)
    }
}
