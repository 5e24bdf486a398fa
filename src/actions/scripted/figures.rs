//! Figures of requests that a script sent.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::tools::http::class_of;
use crate::value::{Dimension, Distribution, Proportion, Rate};

/// Figures of a group of requests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Figures {
    /// Requests that were sent and counted.
    pub sent: u64,
    /// Requests to which an answer came, whatever its status.
    pub answered: u64,
    /// Answers by status: `statuses["200"]`.
    pub statuses: BTreeMap<String, u64>,
    /// Requests that the script or its generator takes as failed.
    pub errors: Errors,
    /// Refusals, status 4xx, of all requests sent.
    pub rejected: Proportion,
    /// The time from sending to the end of the answer. Failed requests have no value and are larger than every limit.
    /// Each value is rounded up by less than 0.1 %. A server that stands still holds back a script's users, and what
    /// they would have sent is missing here: latency under load is measured with `load.run`.
    pub service: Distribution,
    /// Right answers a second.
    pub throughput: Rate,
}

/// Requests that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// Of all requests sent.
    pub rate: Proportion,
    /// By class: `unreachable`, `timeout`, `server`; `script` for what only the script calls a failure.
    pub classes: BTreeMap<String, u64>,
}

/// Requests while they are counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    right: u64,
    answered: u64,
    rejected: u64,
    statuses: BTreeMap<u16, u64>,
    classes: BTreeMap<String, u64>,
    /// Service times of right answers in units of a nanosecond, rounded up to four digits.
    times: BTreeMap<u64, u64>,
}

impl Tally {
    /// Answers with this status; 0 for none.
    pub fn answer(&mut self, status: u16, count: u64) {
        if status == 0 || count == 0 {
            return;
        }
        self.answered += count;
        *self.statuses.entry(status).or_default() += count;
        if status / 100 == 4 {
            self.rejected += count;
        }
    }

    /// Right answers, each after so many seconds.
    pub fn right(&mut self, seconds: f64, count: u64) {
        self.right += count;
        *self.times.entry(rounded_up(seconds)).or_default() += count;
    }

    /// Requests that failed, by class.
    pub fn failed(&mut self, class: &str, count: u64) {
        if count > 0 {
            *self.classes.entry(class.to_owned()).or_default() += count;
        }
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        self.right += other.right;
        self.answered += other.answered;
        self.rejected += other.rejected;
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (class, count) in &other.classes {
            *self.classes.entry(class.clone()).or_default() += count;
        }
        for (time, count) in &other.times {
            *self.times.entry(*time).or_default() += count;
        }
    }

    pub fn sent(&self) -> u64 {
        self.right + self.errors()
    }

    pub const fn answered(&self) -> u64 {
        self.answered
    }

    fn errors(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The most frequent class of failures.
    pub fn worst(&self) -> Option<&str> {
        let most = self.classes.iter().max_by_key(|(_, count)| **count)?;
        Some(most.0)
    }

    /// The figures, after so many seconds.
    pub fn figures(&self, seconds: f64) -> Figures {
        let (sent, errors) = (self.sent(), self.errors());
        let buckets = self
            .times
            .iter()
            .map(|(nanos, count)| (*nanos as f64 / 1e9, *count));
        let throughput = if seconds > 0.0 {
            self.right as f64 / seconds
        } else {
            0.0
        };
        Figures {
            sent,
            answered: self.answered,
            statuses: self.statuses.iter().map(|(s, n)| (s.to_string(), *n)).collect(),
            errors: Errors {
                count: errors,
                rate: Proportion { k: errors, n: sent },
                classes: self.classes.clone(),
            },
            rejected: Proportion {
                k: self.rejected,
                n: sent,
            },
            service: Distribution {
                quantity: Dimension::Duration.word().to_owned(),
                buckets: buckets.collect(),
                missing: errors,
                taken: None,
            },
            throughput: Rate(throughput),
        }
    }
}

/// Nanoseconds, rounded up to four digits: bounded memory, and an error of less than 0.1 %, to the safe side.
fn rounded_up(seconds: f64) -> u64 {
    let nanos = (seconds.max(0.0) * 1e9).ceil() as u64;
    let mut unit = 1;
    while nanos / unit >= 10_000 {
        unit *= 10;
    }
    nanos.div_ceil(unit).saturating_mul(unit)
}

/// The class of an answer that was not wanted: of its status, or `script` when the status alone would do.
pub fn class_of_answer(status: u16) -> String {
    if status >= 400 {
        class_of(status).word()
    } else {
        "script".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_by_less_than_a_thousandth() {
        assert_eq!(rounded_up(0.0), 0);
        assert_eq!(rounded_up(-1.0), 0);
        assert_eq!(rounded_up(1e-9), 1);
        assert_eq!(rounded_up(0.2), 200_000_000);
        assert_eq!(rounded_up(0.200_000_001), 200_100_000);
        assert_eq!(rounded_up(f64::INFINITY), u64::MAX);
        for n in 1..2000u32 {
            let seconds = f64::from(n) * 0.000_777_3;
            let rounded = rounded_up(seconds) as f64 / 1e9;
            assert!(
                rounded >= seconds && rounded <= seconds * 1.001,
                "{seconds} {rounded}"
            );
        }
    }

    #[test]
    fn failed_requests_are_slower_than_every_limit() {
        let mut all = Tally::default();
        let mut one = Tally::default();
        one.answer(200, 94);
        one.right(0.01, 94);
        all.add(&one);
        all.answer(500, 2);
        all.failed("server", 2);
        all.failed("unreachable", 4);
        let figures = all.figures(10.0);
        assert_eq!((figures.sent, figures.answered), (100, 96));
        assert_eq!(figures.errors.rate, Proportion { k: 6, n: 100 });
        assert_eq!(figures.service.above(100.0), 6);
        assert_eq!(figures.service.count(), 100);
        assert_eq!(all.worst(), Some("unreachable"));
        assert!((figures.throughput.0 - 9.4).abs() < 1e-9);
        assert!(figures.service.is_well_formed());
    }
}
