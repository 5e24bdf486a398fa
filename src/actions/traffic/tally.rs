//! Counting who answered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::probe::Answered;
use crate::action::{Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::stats::binomial::{lower_bound, upper_bound};
use crate::value::{Moment, Proportion, Ratio};

/// What is known of a version.
#[derive(Clone, Debug, Default)]
struct Seen {
    answers: u64,
    errors: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Answers by version.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub sent: u64,
    unidentified: u64,
    errors: u64,
    versions: BTreeMap<String, Seen>,
    /// Of the first request of which nothing is known.
    failure: Option<Failure>,
}

/// A version and how much of the traffic it got.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Version {
    /// The version, as its answers name it.
    pub version: String,
    /// Its answers among all requests: a limit on it is tested with a confidence.
    pub share: Proportion,
    /// The lower end of the exact binomial interval of its share.
    pub lower: Ratio,
    /// The upper end of the interval.
    pub upper: Ratio,
    /// Answers other than 2xx among its answers.
    pub errors: Proportion,
    /// When the first request that it answered was sent.
    pub first_at: Option<Moment>,
    /// When the last request that it answered was sent.
    pub last_at: Option<Moment>,
}

/// The traffic by version.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Counts {
    /// How many requests were sent.
    pub sent: u64,
    /// Each version that was expected or that answered.
    pub versions: Vec<Version>,
    /// The share of each of them by its name: `share.v2`.
    pub share: BTreeMap<String, Proportion>,
    /// Requests of which it is not known who answered, if anybody did.
    pub unidentified: Proportion,
    /// Requests without a 2xx answer.
    pub errors: Proportion,
}

impl Tally {
    /// A tally of versions that are expected, so that one that never answers has a share of none.
    pub fn expecting(versions: &[String]) -> Self {
        Self {
            versions: versions.iter().map(|v| (v.clone(), Seen::default())).collect(),
            ..Self::default()
        }
    }

    pub fn count(&mut self, answered: Answered) {
        self.sent += 1;
        self.errors += u64::from(!answered.good);
        if let Some(version) = answered.version {
            let seen = self.versions.entry(version).or_default();
            seen.answers += 1;
            seen.errors += u64::from(!answered.good);
            seen.first.get_or_insert(answered.at);
            seen.last = Some(answered.at);
        } else {
            self.unidentified += 1;
            if self.failure.is_none() {
                self.failure = answered.failure;
            }
        }
    }

    /// Whether no request has said yet who answered it.
    pub fn nothing_known(&self) -> bool {
        self.sent == self.unidentified
    }

    /// How many requests this version answered.
    pub fn of(&self, version: &str) -> u64 {
        self.versions.get(version).map_or(0, |seen| seen.answers)
    }

    /// When the last answer of another version, or of none, was asked for.
    pub fn last_other(&self, version: &str) -> Option<Timestamp> {
        let others = self.versions.iter().filter(|(name, _)| *name != version);
        others.filter_map(|(_, seen)| seen.last).max()
    }

    /// The counts, unless nothing at all is known.
    ///
    /// # Errors
    /// Why nothing is known of the first request, when that holds for all.
    pub fn counts(self, confidence: Ratio, allowed: Ratio, cx: &Context) -> Result<Counts, Failure> {
        let n = self.sent;
        if self.nothing_known() {
            return Err(self.failure.unwrap_or_else(|| {
                Failure::new(Class::Timeout, "no request was answered in the time there was")
            }));
        }
        if self.unidentified as f64 > allowed.0 * n as f64 {
            let why = self
                .failure
                .map(|f| format!("; the first: {}", f.message))
                .unwrap_or_default();
            cx.checks.add(OwnCheck {
                id: "identified".to_owned(),
                text: format!("at most {allowed} of the answers say no version"),
                severity: Severity::Critical,
                outcome: CheckOutcome::new(
                    Verdict::Inconclusive,
                    format!(
                        "of {} of {n} requests it is not known who answered{why}",
                        self.unidentified
                    ),
                ),
            });
        }
        // Both ends together miss the truth as often as the confidence allows.
        let each = 1.0 - (1.0 - confidence.0) / 2.0;
        let versions: Vec<Version> = self
            .versions
            .into_iter()
            .map(|(version, seen)| Version {
                version,
                share: Proportion { k: seen.answers, n },
                lower: Ratio(lower_bound(seen.answers, n, each)),
                upper: Ratio(upper_bound(seen.answers, n, each)),
                errors: Proportion {
                    k: seen.errors,
                    n: seen.answers,
                },
                first_at: seen.first.map(Moment),
                last_at: seen.last.map(Moment),
            })
            .collect();
        Ok(Counts {
            sent: n,
            share: versions.iter().map(|v| (v.version.clone(), v.share)).collect(),
            versions,
            unidentified: Proportion {
                k: self.unidentified,
                n,
            },
            errors: Proportion { k: self.errors, n },
        })
    }
}
