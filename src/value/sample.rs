//! Values that are estimates from a sample, so that a limit on them can be tested with a confidence.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Dimension, Quantity, Series, Taken};

/// `k` of `n` had the property. The value in arithmetic is `k/n`, a ratio; with n = 0 it is nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proportion {
    pub k: u64,
    pub n: u64,
}

impl JsonSchema for Proportion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Proportion".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-type": "proportion", "required": ["k", "n"], "additionalProperties": false,
            "properties": { "k": {"type": "integer", "minimum": 0}, "n": {"type": "integer", "minimum": 0} } })
    }
}

/// A sample of one quantity, as counts of equal values in rising order.
///
/// Fields in expressions: `n`, `missing`, `min`, `max`, `mean`, `p50`, `p90`, `p95`, `p99`, `p999`; functions:
/// `quantile(d, 95%)`, `share_above(d, limit)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// `duration`, `bytes`, `ratio`, `rate`.
    pub quantity: String,
    /// (value in base units, how many), values rising.
    pub buckets: Vec<(f64, u64)>,
    /// Members that have no value (errors, timeouts): they count as larger than every limit.
    pub missing: u64,
    /// How it was taken, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Box<Taken>>,
}

impl JsonSchema for Distribution {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Distribution".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "x-type": "distribution", "x-quantity": "duration" })
    }
}

/// A number that stands for a larger truth.
#[derive(Clone, Debug, PartialEq)]
pub enum Estimate {
    Proportion(Proportion),
    /// A share of members with neighbours.
    Series(Series),
    /// The `q` quantile of a sample (`q` between 0 and 1).
    Quantile {
        q: f64,
        of: Arc<Distribution>,
        dimension: Dimension,
    },
    /// The ratio b/a of pairs (a, b) that were each measured under the same conditions; all are positive.
    Paired(Arc<[(f64, f64)]>),
}

impl Proportion {
    /// `k/n`; none of an empty sample.
    #[must_use]
    pub fn point(&self) -> Option<f64> {
        (self.n > 0).then(|| self.k as f64 / self.n as f64)
    }
}

impl Distribution {
    /// Makes a sample of values (base units of `dimension`) in any order.
    #[must_use]
    pub fn of(dimension: &Dimension, mut values: Vec<f64>, missing: u64) -> Self {
        values.sort_by(f64::total_cmp);
        let mut buckets: Vec<(f64, u64)> = Vec::new();
        for value in values {
            match buckets.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ => buckets.push((value, 1)),
            }
        }
        Self {
            quantity: dimension.word().to_owned(),
            buckets,
            missing,
            taken: None,
        }
    }

    /// With what is known of how it was taken.
    #[must_use]
    pub fn taken(mut self, taken: Taken) -> Self {
        self.taken = Some(Box::new(taken));
        self
    }

    /// How many members it has, those without a value included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.valued().saturating_add(self.missing)
    }

    /// How many members have a value.
    #[must_use]
    pub fn valued(&self) -> u64 {
        self.buckets
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    #[must_use]
    pub fn dimension(&self) -> Dimension {
        Dimension::from_word(&self.quantity).unwrap_or(Dimension::Duration)
    }

    /// Finite values, strictly rising, each at least once.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let rising = |buckets: &[(f64, u64)]| {
            buckets
                .iter()
                .all(|(value, count)| value.is_finite() && *count > 0)
                && buckets.windows(2).all(|pair| pair[0].0 < pair[1].0)
        };
        rising(&self.buckets) && self.taken.as_ref().is_none_or(|taken| rising(&taken.minima))
    }

    /// The smallest value that at least the share `q` of all members does not exceed; members without a value count
    /// as larger than every value. None of an empty sample, or when the quantile is one of those without a value.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let n = self.count();
        if n == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let rank = order_statistic(q, n);
        let mut seen = 0u64;
        self.buckets.iter().find_map(|(value, count)| {
            seen = seen.saturating_add(*count);
            (seen >= rank).then_some(*value)
        })
    }

    /// How many members are larger than `limit` (base units), or have no value.
    #[must_use]
    pub fn above(&self, limit: f64) -> u64 {
        let larger = self.buckets.iter().filter(|(value, _)| *value > limit);
        larger.fold(self.missing, |sum, (_, count)| sum.saturating_add(*count))
    }
}

impl Estimate {
    /// The best guess; none of an empty sample, or of a quantile among members without a value.
    #[must_use]
    pub fn point(&self) -> Option<Quantity> {
        match self {
            Self::Proportion(_) | Self::Series(_) => self
                .share()
                .and_then(|p| p.point())
                .map(|value| Quantity::new(value, Dimension::Ratio)),
            Self::Quantile { q, of, dimension } => of
                .quantile(*q)
                .map(|value| Quantity::new(value, dimension.clone())),
            // The geometric mean: the logarithms of ratios are what can be averaged.
            Self::Paired(pairs) => (!pairs.is_empty()).then(|| {
                let logs = pairs.iter().map(|(a, b)| (b / a).ln()).sum::<f64>();
                Quantity::new((logs / pairs.len() as f64).exp(), Dimension::Ratio)
            }),
        }
    }

    /// How many of how many, when it is a share.
    #[must_use]
    pub const fn share(&self) -> Option<Proportion> {
        match self {
            Self::Proportion(p) => Some(*p),
            Self::Series(Series { k, n, .. }) => Some(Proportion { k: *k, n: *n }),
            Self::Quantile { .. } | Self::Paired(_) => None,
        }
    }

    /// How many members the sample has.
    #[must_use]
    pub fn sample_size(&self) -> u64 {
        match self {
            Self::Proportion(Proportion { n, .. }) | Self::Series(Series { n, .. }) => *n,
            Self::Quantile { of, .. } => of.count(),
            Self::Paired(pairs) => pairs.len() as u64,
        }
    }
}

impl fmt::Display for Estimate {
    /// `3 of 100 (3%)`, `187.5ms (p95 of 100)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = self.point();
        match self {
            Self::Proportion(Proportion { k, n }) | Self::Series(Series { k, n, .. }) => {
                write!(f, "{k} of {n}")?;
                point.map_or(Ok(()), |point| write!(f, " ({})", point.short()))
            }
            Self::Quantile { q, of, .. } => {
                match point {
                    Some(point) => point.fmt(f)?,
                    None => f.write_str("no value")?,
                }
                let percent = Quantity::new(*q, Dimension::Ratio).to_string();
                write!(f, " (p{} of {})", percent.trim_end_matches('%'), of.count())
            }
            Self::Paired(pairs) => match point {
                Some(point) => write!(f, "{} (of {} pairs)", point.short(), pairs.len()),
                None => f.write_str("no value (of 0 pairs)"),
            },
        }
    }
}

/// Which member in rising order, from 1, is the `q` quantile of `n`: the smallest `r` with `r/n >= q`.
fn order_statistic(q: f64, n: u64) -> u64 {
    // The product may round up past a whole number (0.95 * 100 does not, 0.55 * 100 does): step back where it did.
    let rank = ((q * n as f64).ceil() as u64).clamp(1, n);
    if rank > 1 && (rank - 1) as f64 / n as f64 >= q {
        rank - 1
    } else {
        rank
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundred(missing: u64) -> Distribution {
        Distribution::of(
            &Dimension::Duration,
            (1..=100).rev().map(f64::from).collect(),
            missing,
        )
    }

    #[test]
    fn quantiles_are_order_statistics() {
        let sample = hundred(0);
        for (q, value) in [
            (0.0, 1.0),
            (0.01, 1.0),
            (0.5, 50.0),
            (0.55, 55.0),
            (0.95, 95.0),
            (0.999, 100.0),
            (1.0, 100.0),
        ] {
            assert_eq!(sample.quantile(q), Some(value), "{q}");
        }
        assert_eq!(
            Distribution::of(&Dimension::Duration, vec![], 0).quantile(0.5),
            None
        );
    }

    #[test]
    fn members_without_a_value_are_larger_than_every_limit() {
        let sample = hundred(100);
        assert_eq!(sample.count(), 200);
        assert_eq!(sample.quantile(0.5), Some(100.0));
        assert_eq!(sample.quantile(0.95), None);
        assert_eq!(sample.above(90.0), 110);
        assert_eq!(sample.above(1e9), 100);
    }

    #[test]
    fn equal_values_share_a_bucket() {
        let sample = Distribution::of(&Dimension::Bytes, vec![2.0, 1.0, 2.0], 0);
        assert_eq!(sample.buckets, [(1.0, 1), (2.0, 2)]);
        assert!(sample.is_well_formed());
    }

    #[test]
    fn estimates_are_shown_with_their_sample() {
        let quantile = Estimate::Quantile {
            q: 0.95,
            of: Arc::new(hundred(0)),
            dimension: Dimension::Duration,
        };
        assert_eq!(quantile.to_string(), "1m35s (p95 of 100)");
        assert_eq!(
            Estimate::Proportion(Proportion { k: 3, n: 100 }).to_string(),
            "3 of 100 (3%)"
        );
        assert_eq!(
            Estimate::Proportion(Proportion { k: 0, n: 0 }).to_string(),
            "0 of 0"
        );
    }
}
