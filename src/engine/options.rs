//! What a run is told besides its plan, and what it gives back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::RunDir;
use crate::event::{EventKind, Summary};
use crate::value::SpecId;

/// How to run.
pub struct Options {
    /// Specs side by side, at least 1.
    pub jobs: usize,
    /// Further tries of a spec that failed, errored or was inconclusive.
    pub retries: u32,
    /// Begin no new spec after so many (critical) ones that did not pass.
    pub max_fail: Option<usize>,
    /// The whole run is stopped gracefully after this time.
    pub deadline: Option<Duration>,
    /// How long diagnostics and cleanup may take after the run was asked to stop.
    pub cleanup_grace: Duration,
    /// Take the specs in an order drawn from `seed`.
    pub shuffle: bool,
    /// Everything random of the run derives from it.
    pub seed: u64,
    /// Where the journal and the artifacts go; it stays locked while the run lives.
    pub run_dir: RunDir,
    /// Events from before the run, told right after its start: what services did.
    pub preamble: Vec<EventKind>,
    /// Specs that may not begin, with the reason: what they need is missing. They end as blocked.
    pub blocked: HashMap<SpecId, String>,
    /// The exit code of a summary, for the last event.
    pub exit_code: Arc<dyn Fn(&Summary) -> i32 + Send + Sync>,
}

impl Options {
    /// One spec at a time, no retries, no limits.
    #[must_use]
    pub fn new(run_dir: RunDir, seed: u64, exit_code: Arc<dyn Fn(&Summary) -> i32 + Send + Sync>) -> Self {
        Self {
            jobs: 1,
            retries: 0,
            max_fail: None,
            deadline: None,
            cleanup_grace: Duration::from_secs(30),
            shuffle: false,
            seed,
            run_dir,
            preamble: Vec::new(),
            blocked: HashMap::new(),
            exit_code,
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub summary: Summary,
    /// Journal or reports that could not be written.
    pub sink_errors: Vec<SinkError>,
}

/// A consumer of events that could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("writing {sink}: {error}")]
pub struct SinkError {
    /// `the journal .specrun/runs/20261126-113052-7f3a/journal.jsonl`, `junit=report.xml`.
    pub sink: String,
    pub error: std::io::Error,
}
