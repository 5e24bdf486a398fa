//! Paired ratios: is B/A below a limit when each pair was measured under the same conditions?
//!
//! The logarithms of the ratios are taken to be normal; the bound is Student's t on their mean, so on the geometric
//! mean of the ratios.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Answer;

/// What pairs say about their ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    pub pairs: usize,
    /// The geometric mean of the ratios.
    pub mean: f64,
    /// The true mean is not larger, with the confidence.
    pub upper: f64,
    /// The true mean is not smaller, with the confidence.
    pub lower: f64,
}

impl Ratio {
    /// What they say about the claim that the ratio is below `limit`.
    #[must_use]
    pub fn below(&self, limit: f64) -> Answer {
        if self.upper < limit {
            Answer::Shown
        } else if self.lower >= limit {
            Answer::Refuted
        } else {
            Answer::Open
        }
    }
}

/// The ratio b/a of pairs (a, b) with its one-sided bounds. None with fewer than two pairs (there is no spread to
/// judge by) or with a member that is not a positive number.
#[must_use]
pub fn ratio(pairs: &[(f64, f64)], confidence: f64) -> Option<Ratio> {
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if pairs.len() < 2 || pairs.iter().any(|(a, b)| !positive(*a) || !positive(*b)) {
        return None;
    }
    let n = pairs.len() as f64;
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| (b / a).ln()).collect();
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|l| (l - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let t = StudentsT::new(0.0, 1.0, n - 1.0).ok()?.inverse_cdf(confidence);
    let half = t * (variance / n).sqrt();
    Some(Ratio {
        pairs: pairs.len(),
        mean: mean.exp(),
        upper: (mean + half).exp(),
        lower: (mean - half).exp(),
    })
}
