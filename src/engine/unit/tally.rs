//! What a spec has come to so far.

use serde_json::Value as Json;

use crate::check::Verdict;

/// How a step ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) verdict: Verdict,
    /// `if` was false.
    pub(super) skipped: bool,
    /// Why, when it is not passed.
    pub(super) reason: Option<String>,
    pub(super) output: Option<Json>,
}

impl Ended {
    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            skipped: false,
            reason: Some(reason.into()),
            output: None,
        }
    }

    /// Whether what follows may run. An inconclusive step did its work and has an output.
    pub(super) fn lets_others_run(&self) -> bool {
        match self.verdict {
            Verdict::Passed | Verdict::Inconclusive => true,
            Verdict::Failed | Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => false,
        }
    }
}

/// The worst of all that counts, with the first reason for it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    worst: Option<(Verdict, String)>,
    /// Checks that count and were evaluated.
    evaluated: usize,
    /// Checks that count and whose step was skipped.
    skipped: usize,
}

impl Tally {
    pub(super) fn add(&mut self, verdict: Verdict, reason: impl Into<String>) {
        let worse = match &self.worst {
            None => verdict != Verdict::Passed,
            Some((so_far, _)) => so_far.worst(verdict) != *so_far,
        };
        if worse {
            self.worst = Some((verdict, reason.into()));
        }
    }

    pub(super) fn evaluated(&mut self) {
        self.evaluated += 1;
    }

    pub(super) fn skipped(&mut self, checks: usize) {
        self.skipped += checks;
    }

    /// Passed needs evidence: at least one check that was looked at.
    pub(super) fn verdict(&mut self) -> (Verdict, Option<String>) {
        match &self.worst {
            Some((verdict, reason)) => (*verdict, Some(reason.clone())),
            None if self.evaluated == 0 && self.skipped > 0 => (
                Verdict::Inconclusive,
                Some("no check was evaluated: every step that has one was skipped".to_owned()),
            ),
            None if self.evaluated == 0 => (Verdict::Inconclusive, Some("no check was evaluated".to_owned())),
            None => (Verdict::Passed, None),
        }
    }
}
