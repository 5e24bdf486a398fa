//! A share of a sample against a limit: shown, refuted or open.

use super::Answer;
use super::binomial::{at_least, at_most, lower_bound, upper_bound};

/// What `k` of `n` say about the claim that the true share is below a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShareTest {
    pub k: u64,
    pub n: u64,
    /// The limit, as a share: 0.05 is 5 %.
    pub limit: f64,
    /// One-sided, between 0 and 1.
    pub confidence: f64,
    pub answer: Answer,
    /// The true share is not larger than this, with the confidence.
    pub upper: f64,
    /// The true share is not smaller than this, with the confidence.
    pub lower: f64,
}

/// Tests the claim "the true share is below `limit`", both ways with the confidence each. The limit itself belongs to
/// neither side: a share cannot be shown to be exactly something.
#[must_use]
pub fn share_below(k: u64, n: u64, limit: f64, confidence: f64) -> ShareTest {
    ShareTest {
        k,
        n,
        limit,
        confidence,
        answer: answer(k, n, limit, 1.0 - confidence, 1.0 - confidence),
        upper: upper_bound(k, n, confidence),
        lower: lower_bound(k, n, confidence),
    }
}

/// The same with a risk of its own for each side: `show` to call the claim shown though it is false, `refute` to
/// call it refuted though it is true.
#[must_use]
pub fn answer(k: u64, n: u64, limit: f64, show: f64, refute: f64) -> Answer {
    if n == 0 || k > n || !limit.is_finite() {
        return Answer::Open;
    }
    if limit > 1.0 {
        return Answer::Shown;
    }
    if limit < 0.0 {
        return Answer::Refuted;
    }
    if at_most(k, n, limit) <= show {
        Answer::Shown
    } else if at_least(k, n, limit) <= refute {
        Answer::Refuted
    } else {
        Answer::Open
    }
}

/// The largest `k` of `n` that shows the share to be below the limit; none when even 0 does not.
#[must_use]
pub fn shown_up_to(n: u64, limit: f64, confidence: f64) -> Option<u64> {
    let alpha = 1.0 - confidence;
    if n == 0 || at_most(0, n, limit) > alpha {
        return None;
    }
    // at_most grows with k: the last one that is small enough.
    let (mut low, mut high) = (0, n);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if at_most(middle, n, limit) <= alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

/// The smallest `k` of `n` that refutes it; none when even all do not.
#[must_use]
pub fn refuted_from(n: u64, limit: f64, confidence: f64) -> Option<u64> {
    let alpha = 1.0 - confidence;
    if n == 0 || at_least(n, n, limit) > alpha {
        return None;
    }
    let (mut low, mut high) = (0, n);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if at_least(middle, n, limit) <= alpha {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// The smallest sample in which `k` members still show the share to be below the limit (for k = 0: Wilks). None when
/// no sample does, or only one of more than 1e9.
#[must_use]
pub fn smallest_sample(k: u64, limit: f64, confidence: f64) -> Option<u64> {
    const LARGEST: u64 = 1_000_000_000;
    let alpha = 1.0 - confidence;
    let enough = |n: u64| at_most(k, n, limit) <= alpha;
    let mut high = k.max(1);
    while !enough(high) {
        if high >= LARGEST {
            return None;
        }
        high = (high * 2).min(LARGEST);
    }
    let mut low = k;
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
