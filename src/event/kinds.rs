//! The event types. A new kind is answered by the compiler in every reader: no reader has a catch-all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::check::{CheckOutcome, Failure, Verdict};
use crate::value::{SpecId, StepId};

/// The version of this format; readers refuse a newer one.
pub const VERSION: u32 = 1;

/// The name of a run, which is also the name of its directory: `20261126-113052-7f3a`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub String);

impl RunId {
    /// What the names of everything that a spec creates start with: short, lower case, fit for a Kubernetes label, a
    /// DNS name, a tag and a file. No two runs, specs or tries share one.
    #[must_use]
    pub fn prefix(&self, spec: &SpecId, attempt: u32) -> String {
        let hash = Sha256::digest(format!("{}\0{}\0{attempt}", self.0, spec.0));
        let number = hash.iter().take(4).fold(0_u32, |n, b| (n << 8) | u32::from(*b));
        format!("sr-{number:08x}")
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Counts from 0 without gaps.
    pub seq: u64,
    /// Wall clock, for people: RFC 3339, UTC, milliseconds.
    pub at: String,
    /// Seconds since the run started, from the monotonic clock.
    pub elapsed: f64,
    /// The spec it belongs to; none for the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<SpecId>,
    /// The step it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    pub kind: EventKind,
}

/// Where something stands in a spec file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub col: u32,
}

/// How much a spec or check weighs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Reported only.
    Info,
    /// Reported; fails the run only with `--fail-on warning`.
    Warning,
    /// Fails the run.
    #[default]
    Critical,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Precondition,
    Step,
    OnFailure,
    Cleanup,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    pub id: RunId,
    /// The event format.
    pub format: u32,
    /// specrun's version.
    pub version: String,
    /// The command line, secrets masked.
    pub argv: Vec<String>,
    /// The environment's name, when one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    pub seed: u64,
    pub jobs: u32,
    pub started: String,
    pub pid: u32,
    pub specs: Vec<SpecInfo>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecInfo {
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
    /// Inputs with the values of this run, secrets as `***`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputInfo>,
    /// Every check the spec has, so that one that never ran is seen.
    pub checks: Vec<CheckInfo>,
    /// Steps, in file order.
    pub steps: Vec<StepId>,
    /// SHA-256 of the spec file.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputInfo {
    pub name: String,
    pub value: Json,
}

/// A check as the spec states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckInfo {
    /// Unique in the spec: `expect[0]`, `predict.expect[1]`, `predict.eventually`, `predict.expect_failure`.
    /// Of a `for_each` there is one for each element (`predict[2].expect[1]`), and one that sums them up under the id
    /// that was announced.
    pub id: String,
    /// The expression as written.
    pub text: String,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    pub place: Place,
}

/// A cleanup that was promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupInfo {
    /// Unique in the run.
    pub id: String,
    pub action: String,
    /// The parameters, if they are known before the step acted and hold no secret; otherwise rendered later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Json>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum EventKind {
    RunStarted {
        run: RunInfo,
    },
    SpecStarted {},
    /// A step is about to act. `params` are what the action gets, secrets as `***`.
    StepStarted {
        role: Role,
        action: String,
        attempt: u32,
        params: Json,
    },
    /// A line from a running action.
    StepProgress {
        message: String,
    },
    /// An attempt failed and another follows.
    AttemptFailed {
        attempt: u32,
        failure: Failure,
        /// Seconds until the next attempt.
        next_in: f64,
    },
    /// A poll of `eventually`: the values the expression saw.
    Polled {
        attempt: u32,
        held: bool,
        message: String,
    },
    /// A check has its verdict. Written before anything that depends on it.
    Checked {
        check: CheckInfo,
        outcome: CheckOutcome,
    },
    StepFinished {
        role: Role,
        verdict: Verdict,
        /// One line: why, when it is not passed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The step's output; whole, so that checks can be evaluated again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        output: Option<Json>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        attempts: u32,
        /// Seconds.
        duration: f64,
        /// `if` was false, so it did not run: no verdict of its own.
        #[serde(default)]
        skipped: bool,
    },
    /// Written before the step acts: if the run dies, `clean` knows what to undo.
    CleanupRegistered {
        cleanup: CleanupInfo,
    },
    CleanupFinished {
        id: String,
        /// Nothing was left to undo, or it was undone.
        done: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A service of the environment changed state.
    Service {
        name: String,
        /// `installing`, `starting`, `ready`, `stopped`, `failed`.
        state: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    SpecFinished {
        verdict: Verdict,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        duration: f64,
        /// Which try of the spec this was (`--retries`), from 1; a pass after a failure is flaky.
        attempt: u32,
    },
    /// A signal arrived.
    Signalled {
        signal: String,
    },
    /// Something the user should know that changes no verdict.
    Note {
        message: String,
    },
    RunFinished {
        exit_code: i32,
        duration: f64,
    },
}
