//! Distribution-free bounds of quantiles: order statistics. The point estimate is the sample's own (`value`).
//!
//! Members without a value (errors, timeouts) count as larger than everything; they are never dropped.

use super::limits::{refuted_from, shown_up_to};
use crate::value::Distribution;

/// How many members are at least `limit`, those without a value included.
#[must_use]
pub fn at_or_above(sample: &Distribution, limit: f64) -> u64 {
    let reached = sample.buckets.iter().filter(|(value, _)| *value >= limit);
    reached.fold(sample.missing, |sum, (_, count)| sum.saturating_add(*count))
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
