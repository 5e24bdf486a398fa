//! How many independent members a series is worth.
//!
//! Neighbouring requests share queues and caches, so a series of n says less than n independent ones. For a
//! first-order process the worth is n (1 - r) / (1 + r) with the lag-1 autocorrelation r.

/// The lag-1 autocorrelation of a series; 0 when it is constant or shorter than 3.
#[must_use]
pub fn autocorrelation(series: &[f64]) -> f64 {
    if series.len() < 3 {
        return 0.0;
    }
    let mean = series.iter().sum::<f64>() / series.len() as f64;
    let variance: f64 = series.iter().map(|x| (x - mean).powi(2)).sum();
    if variance <= 0.0 || !variance.is_finite() {
        return 0.0;
    }
    let shared: f64 = series.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum();
    (shared / variance).clamp(-1.0, 1.0)
}

/// The lag-1 autocorrelation of having a property or not, from counts: `k` of `n` have it, and `both` of `pairs` pairs of
/// neighbours have it both. 0 when it is constant.
#[must_use]
pub fn of_property(k: u64, n: u64, both: u64, pairs: u64) -> f64 {
    if n == 0 || pairs == 0 || k == 0 || k >= n {
        return 0.0;
    }
    let p = k as f64 / n as f64;
    let joint = both as f64 / pairs as f64;
    ((joint - p * p) / (p * (1.0 - p))).clamp(-1.0, 1.0)
}

/// The effective size of a sample of `n` with autocorrelation `r`: at least 1, and never more than n, so that a
/// negative correlation cannot make a sample look larger than it is.
#[must_use]
pub fn size(n: u64, r: f64) -> u64 {
    if n == 0 {
        return 0;
    }
    let r = if r.is_finite() { r.clamp(0.0, 1.0) } else { 1.0 };
    ((n as f64 * (1.0 - r) / (1.0 + r)).floor() as u64).clamp(1, n)
}
