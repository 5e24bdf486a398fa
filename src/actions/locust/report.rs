//! What the listener in `report.py` counted, held against what Locust itself counted.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::action::{Class, Failure};
use crate::actions::scripted::figures::{Tally, class_of_answer};
use crate::value::Moment;

/// What the listener wrote.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    /// Requests, the warm-up included.
    seen: u64,
    /// When counting began, in seconds since 1970; none when the test never started.
    began: Option<f64>,
    /// Seconds from there to the end.
    pub elapsed: f64,
    /// The share of the time in which the process computed.
    pub cpu: f64,
    /// Whether Locust itself complained of its processor.
    pub busy: bool,
    /// Exceptions that tasks threw.
    pub thrown: u64,
    pub exception: Option<String>,
    /// One of the failures.
    pub sample: Option<String>,
    /// What the script wants the exit code to be.
    pub exit_code: Option<i32>,
    names: BTreeMap<String, Counted>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Counted {
    statuses: BTreeMap<String, u64>,
    /// By `STATUS EXCEPTION`.
    failures: BTreeMap<String, u64>,
    /// Times in nanoseconds.
    times: BTreeMap<String, u64>,
}

/// One line of what Locust wrote.
#[derive(Deserialize)]
struct Line {
    num_requests: u64,
}

impl Report {
    /// Reads both; they must agree.
    ///
    /// # Errors
    /// Class `unreadable_answer` when one of them is not what it should be, or they do not agree.
    pub(super) fn read(ours: &[u8], locusts: &[u8]) -> Result<Self, Failure> {
        let unreadable = |why: String| Failure::new(Class::UnreadableAnswer, why);
        let report: Self = serde_json::from_slice(ours)
            .map_err(|e| unreadable(format!("what the listener in Locust wrote cannot be read: {e}")))?;
        let lines: Vec<Line> = serde_json::from_slice(locusts)
            .map_err(|e| unreadable(format!("Locust's statistics cannot be read: {e}")))?;
        let theirs: u64 = lines.iter().map(|l| l.num_requests).sum();
        if theirs != report.seen {
            return Err(unreadable(format!(
                "Locust's statistics have {theirs} requests, and {} were seen",
                report.seen
            ))
            .help(
                "does the script clear its statistics (give `warmup` instead), count requests that it does not fire \
                 events for, or run in several processes?",
            ));
        }
        Ok(report)
    }

    /// When counting began.
    pub(super) fn began(&self) -> Option<Moment> {
        let at = jiff::Timestamp::from_nanosecond((self.began? * 1e9) as i128).ok()?;
        Some(Moment(at))
    }

    /// The requests by name.
    ///
    /// # Errors
    /// Class `unreadable_answer` for a key that is none.
    pub(super) fn tallies(&self) -> Result<BTreeMap<String, Tally>, Failure> {
        let tally = |(name, counted): (&String, &Counted)| {
            counted.tally().map(|tally| (name.clone(), tally)).ok_or_else(|| {
                Failure::new(
                    Class::UnreadableAnswer,
                    format!("what the listener in Locust wrote of `{name}` cannot be read"),
                )
            })
        };
        self.names.iter().map(tally).collect()
    }
}

impl Counted {
    fn tally(&self) -> Option<Tally> {
        let mut tally = Tally::default();
        for (status, count) in &self.statuses {
            tally.answer(status.parse().ok()?, *count);
        }
        for (nanos, count) in &self.times {
            tally.right(nanos.parse::<u64>().ok()? as f64 / 1e9, *count);
        }
        for (kind, count) in &self.failures {
            let (status, exception) = kind.split_once(' ')?;
            tally.failed(&class(status.parse().ok()?, exception), *count);
        }
        Some(tally)
    }
}

/// The class of a failure: of its status, or of the exception when no answer came.
fn class(status: u16, exception: &str) -> String {
    let has = |word: &str| exception.to_ascii_lowercase().contains(word);
    match status {
        0 if has("timeout") => "timeout".to_owned(),
        0 if has("ssl") || has("certificate") => "tls".to_owned(),
        // The script's own judgement, of something that is no answer.
        0 if has("catchresponse") || has("assertion") => "script".to_owned(),
        0 => "unreachable".to_owned(),
        status => class_of_answer(status),
    }
}
