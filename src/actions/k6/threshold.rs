//! The script's thresholds, tested with a confidence where that can be done.
//!
//! k6 compares what a sample shows with the limit, and takes a metric without samples as kept. Here a percentile and a
//! rate are held against the exact binomial bound; what cannot be tested so (an average, a maximum, a count) is k6's own
//! word on this one sample, and the message says so.

use super::requests::Row;
use super::summary::Metric;
use crate::check::{CheckOutcome, Verdict};
use crate::stats::{Answer, limits};

/// A limit as k6 writes them: `p(95)<200`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    of: Of,
    op: Op,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    /// A percentile, as a share.
    Percentile(f64),
    /// The share of true samples.
    Rate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Below,
    AtMost,
    Above,
    AtLeast,
}

impl Limit {
    /// Reads a threshold; none of one that is not about a percentile or a rate.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let at = text.find(['<', '>'])?;
        let (of, rest) = text.split_at(at);
        let (op, value) = match rest.as_bytes() {
            [b'<', b'=', ..] => (Op::AtMost, &rest[2..]),
            [b'<', ..] => (Op::Below, &rest[1..]),
            [b'>', b'=', ..] => (Op::AtLeast, &rest[2..]),
            _ => (Op::Above, &rest[1..]),
        };
        let of = match of {
            "rate" => Of::Rate,
            "med" => Of::Percentile(0.5),
            other => {
                let percent: f64 = other.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
                Of::Percentile(percent / 100.0)
            }
        };
        let value = value.parse().ok().filter(|v: &f64| v.is_finite())?;
        let sensible = match of {
            Of::Percentile(q) => q > 0.0 && q < 1.0,
            Of::Rate => true,
        };
        sensible.then_some(Self { of, op, value })
    }
}

/// The samples of a metric (or the part of it with a tag) that a limit on a percentile is about, while they are counted.
#[derive(Debug)]
pub(super) struct Percentile {
    metric: String,
    /// Tags that a sample must have.
    tags: Vec<(String, String)>,
    limit: Limit,
    n: u64,
    /// Those that are not below the limit (or above it, as the limit is written).
    slow: u64,
}

impl Percentile {
    /// What is to be counted for a threshold; none when it is about no percentile.
    pub(super) fn of(metric: &str, text: &str) -> Option<Self> {
        let limit = Limit::parse(text).filter(|l| matches!(l.of, Of::Percentile(_)))?;
        let (metric, tags) = selector(metric);
        Some(Self {
            metric: metric.to_owned(),
            tags,
            limit,
            n: 0,
            slow: 0,
        })
    }

    pub(super) fn look(&mut self, row: &Row<'_>) {
        if row.metric() != self.metric || self.tags.iter().any(|(tag, value)| row.tag(tag) != value) {
            return;
        }
        self.n += 1;
        let limit = self.limit.value;
        let slow = match (row.value(), self.limit.op) {
            (None, _) => true,
            (Some(v), Op::Below | Op::AtLeast) => v >= limit,
            (Some(v), Op::AtMost | Op::Above) => v > limit,
        };
        self.slow += u64::from(slow);
    }
}

/// `http_req_failed{kind:valid,status:200}` is a metric and tags.
fn selector(name: &str) -> (&str, Vec<(String, String)>) {
    let Some((metric, tags)) = name.split_once('{') else {
        return (name, Vec::new());
    };
    let pairs = tags.trim_end_matches('}').split(',');
    let clean = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    let tags = pairs
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (clean(key), clean(value)))
        .collect();
    (metric, tags)
}

/// A threshold with what was counted for it.
pub(super) struct Asked<'a> {
    pub metric: &'a Metric,
    pub text: &'a str,
    pub crossed: bool,
    pub percentile: Option<&'a Percentile>,
    /// None when k6's own word is to count.
    pub confidence: Option<f64>,
}

impl Asked<'_> {
    /// The verdict.
    pub(super) fn outcome(&self) -> CheckOutcome {
        if self.metric.count() == Some(0) {
            return CheckOutcome::new(
                Verdict::Inconclusive,
                "there is no sample of it; k6 takes it as kept",
            );
        }
        let own = || {
            let (verdict, word) = if self.crossed {
                (Verdict::Failed, "crossed")
            } else {
                (Verdict::Passed, "kept")
            };
            CheckOutcome::new(
                verdict,
                format!("{word}, by k6's word on this sample (no confidence)"),
            )
        };
        let (Some(confidence), Some(limit)) = (self.confidence, Limit::parse(self.text)) else {
            return own();
        };
        match (limit.of, self.percentile, self.metric.rate()) {
            (Of::Percentile(q), Some(counted), _) => share(
                counted.slow,
                counted.n,
                1.0 - q,
                limit.op,
                confidence,
                "slower than the limit",
            ),
            // A rate that has to be all or nothing speaks of this sample: no sample shows it of the whole.
            (Of::Rate, _, Some(_)) if !(0.0..1.0).contains(&limit.value) || limit.value == 0.0 => own(),
            (Of::Rate, _, Some((yes, no))) => share(yes, yes + no, limit.value, limit.op, confidence, "true"),
            _ => own(),
        }
    }
}

/// `k` of `n` against a limit on the true share: is it below (or above) with the confidence?
fn share(k: u64, n: u64, limit: f64, op: Op, confidence: f64, what: &str) -> CheckOutcome {
    let risk = 1.0 - confidence;
    let answer = match (limits::answer(k, n, limit, risk, risk), op) {
        (answer, Op::Below | Op::AtMost) => answer,
        (Answer::Shown, _) => Answer::Refuted,
        (Answer::Refuted, _) => Answer::Shown,
        (Answer::Open, _) => Answer::Open,
    };
    let test = limits::share_below(k, n, limit, confidence);
    let percent = |share: f64| format!("{:.4} %", share * 100.0);
    let (verdict, word) = match answer {
        Answer::Shown => (Verdict::Passed, "kept"),
        Answer::Refuted => (Verdict::Failed, "crossed"),
        Answer::Open => (Verdict::Inconclusive, "neither kept nor crossed"),
    };
    let mut outcome = CheckOutcome::new(
        verdict,
        format!(
            "{word} with {:.4} % confidence: {k} of {n} {what}, so the true share lies between {} and {}, and the limit is \
             {}",
            confidence * 100.0,
            percent(test.lower),
            percent(test.upper),
            percent(limit)
        ),
    );
    for (key, value) in [
        ("method", serde_json::json!("exact binomial")),
        ("n", serde_json::json!(n)),
        ("k", serde_json::json!(k)),
        ("share_limit", serde_json::json!(limit)),
        ("confidence", serde_json::json!(confidence)),
        ("lower", serde_json::json!(test.lower)),
        ("upper", serde_json::json!(test.upper)),
    ] {
        outcome.statistics.insert(key.to_owned(), value);
    }
    outcome
}
