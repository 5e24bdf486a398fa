//! Quantiles of a sample and their distribution-free bounds by order statistics.
//!
//! Members without a value (errors, timeouts) count as larger than everything; they are never dropped.

use super::limits::{refuted_from, shown_up_to};
use crate::value::Distribution;

/// How many members there are, those without a value included.
#[must_use]
pub fn count(sample: &Distribution) -> u64 {
    sample
        .buckets
        .iter()
        .fold(sample.missing, |sum, (_, c)| sum.saturating_add(*c))
}

/// How many members are at least `limit`, those without a value included.
#[must_use]
pub fn at_or_above(sample: &Distribution, limit: f64) -> u64 {
    members(sample, |v| v >= limit)
}

/// How many members are above `limit`, those without a value included.
#[must_use]
pub fn above(sample: &Distribution, limit: f64) -> u64 {
    members(sample, |v| v > limit)
}

/// The member of a rank from 1 in rising order; none when it has no value or the rank is not in the sample.
#[must_use]
pub fn order_statistic(sample: &Distribution, rank: u64) -> Option<f64> {
    if rank == 0 {
        return None;
    }
    let mut seen = 0_u64;
    sample.buckets.iter().find_map(|(value, c)| {
        seen = seen.saturating_add(*c);
        (seen >= rank).then_some(*value)
    })
}

/// The rank of the `q` quantile among `n`: the smallest that has at least the share `q` at or below it.
#[must_use]
pub fn rank(n: u64, q: f64) -> u64 {
    // 0.95 * 100 may come out a hair above 95.
    let exact = q * n as f64;
    ((exact - exact.abs() * 1e-12).ceil().max(1.0) as u64).min(n.max(1))
}

/// The point estimate of the `q` quantile; none when it has no value.
#[must_use]
pub fn point(sample: &Distribution, q: f64) -> Option<f64> {
    order_statistic(sample, rank(count(sample), q))
}

/// The bounds of a quantile: order statistics, found from `n` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The quantile is not smaller than this member, with the confidence; none when the sample is too small.
    pub lower: Option<u64>,
    /// The quantile is not larger than this member, with the confidence; none when the sample is too small.
    pub upper: Option<u64>,
}

/// The ranks, from 1, of the members that bound the `q` quantile, each one-sided with the confidence.
#[must_use]
pub fn bounds(n: u64, q: f64, confidence: f64) -> Bounds {
    let share = 1.0 - q;
    Bounds {
        lower: refuted_from(n, share, confidence).map(|k| n - k + 1),
        upper: shown_up_to(n, share, confidence).map(|k| n - k),
    }
}

fn members(sample: &Distribution, counts: impl Fn(f64) -> bool) -> u64 {
    sample
        .buckets
        .iter()
        .filter(|(value, _)| counts(*value))
        .fold(sample.missing, |sum, (_, c)| sum.saturating_add(*c))
}
