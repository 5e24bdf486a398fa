//! Tests for counts of categories; both samples' counts stand in the same order of categories.

use statrs::function::erf::erfc;
use statrs::function::factorial::ln_factorial;
use statrs::function::gamma::gamma_ur;

use super::{TestResult, Unsuitable};

/// The chi-square test of homogeneity (two samples, no continuity correction). Categories that neither has are left
/// out.
///
/// # Errors
/// When a sample is empty or there is only one category.
pub fn chi_square(a: &[u64], b: &[u64]) -> Result<TestResult, Unsuitable> {
    contingency(a, b, |observed, expected| {
        (observed - expected).powi(2) / expected
    })
}

/// The likelihood-ratio (G) test of homogeneity.
///
/// # Errors
/// As [`chi_square`].
pub fn g_test(a: &[u64], b: &[u64]) -> Result<TestResult, Unsuitable> {
    contingency(a, b, likelihood)
}

fn contingency(a: &[u64], b: &[u64], term: impl Fn(f64, f64) -> f64) -> Result<TestResult, Unsuitable> {
    let (n, m): (u64, u64) = (a.iter().sum(), b.iter().sum());
    if n == 0 || m == 0 {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let (n, m) = (n as f64, m as f64);
    let (mut statistic, mut categories) = (0.0, 0_u32);
    for (a, b) in a.iter().zip(b).filter(|(a, b)| **a + **b > 0) {
        let both = (a + b) as f64;
        statistic += term(*a as f64, both * n / (n + m)) + term(*b as f64, both * m / (n + m));
        categories += 1;
    }
    if categories < 2 {
        return Err(Unsuitable::because("there is only one category"));
    }
    Ok(TestResult {
        statistic,
        p_value: upper(statistic, categories - 1),
    })
}

/// The chi-square goodness-of-fit test that takes the reference's shares as exact. With a reference of limited size
/// it fires far too often; it exists to reproduce other tools.
///
/// # Errors
/// When a sample is empty.
pub fn chi_square_fit(reference: &[u64], current: &[u64]) -> Result<TestResult, Unsuitable> {
    let (n, m): (u64, u64) = (reference.iter().sum(), current.iter().sum());
    if n == 0 || m == 0 {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let scale = m as f64 / n as f64;
    let mut statistic = 0.0;
    for (r, c) in reference.iter().zip(current) {
        let expected = *r as f64 * scale;
        statistic += match (expected == 0.0, *c == 0) {
            (true, true) => 0.0,
            (true, false) => f64::INFINITY,
            _ => (*c as f64 - expected).powi(2) / expected,
        };
    }
    let freedom = u32::try_from(reference.len().saturating_sub(1)).unwrap_or(u32::MAX);
    Ok(TestResult {
        statistic,
        p_value: upper(statistic, freedom),
    })
}

/// The likelihood-ratio goodness-of-fit test with the reference's counts as expected counts, not rescaled: both
/// samples must have the same size.
///
/// # Errors
/// When the sizes differ or a sample is empty.
pub fn g_test_fit(reference: &[u64], current: &[u64]) -> Result<TestResult, Unsuitable> {
    let (n, m): (u64, u64) = (reference.iter().sum(), current.iter().sum());
    if n != m || n == 0 {
        return Err(Unsuitable::because("the samples must have the same size"));
    }
    let statistic = reference
        .iter()
        .zip(current)
        .map(|(r, c)| likelihood(*c as f64, *r as f64))
        .sum();
    let freedom = u32::try_from(reference.len().saturating_sub(1)).unwrap_or(u32::MAX);
    Ok(TestResult {
        statistic,
        p_value: upper(statistic, freedom),
    })
}

/// Cramér's V of the two-sample table: 0 no difference, 1 the samples share no category.
#[must_use]
pub fn cramers_v(a: &[u64], b: &[u64]) -> f64 {
    let total: u64 = a.iter().chain(b).sum();
    chi_square(a, b).map_or(0.0, |t| (t.statistic / total as f64).sqrt())
}

/// The total variation distance: half the sum of the differences of shares.
#[must_use]
pub fn total_variation(a: &[u64], b: &[u64]) -> f64 {
    let (n, m): (u64, u64) = (a.iter().sum(), b.iter().sum());
    a.iter()
        .zip(b)
        .map(|(a, b)| (*a as f64 / n as f64 - *b as f64 / m as f64).abs())
        .sum::<f64>()
        / 2.0
}

/// The pooled two-proportion z test, two-sided: `k` of `n` against `l` of `m`. Both constant and equal gives p = 1.
///
/// # Errors
/// When a sample is empty.
pub fn two_proportions(k: u64, n: u64, l: u64, m: u64) -> Result<TestResult, Unsuitable> {
    if n == 0 || m == 0 {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let (kf, nf, lf, mf) = (k as f64, n as f64, l as f64, m as f64);
    let pooled = (kf + lf) / (nf + mf);
    let variance = pooled * (1.0 - pooled) * (1.0 / nf + 1.0 / mf);
    if variance == 0.0 {
        return Ok(TestResult {
            statistic: 0.0,
            p_value: 1.0,
        });
    }
    let z = (kf / nf - lf / mf) / variance.sqrt();
    Ok(TestResult {
        statistic: z,
        p_value: erfc(z.abs() / std::f64::consts::SQRT_2),
    })
}

/// Fisher's exact test of a two-by-two table, two-sided: the probability of all tables at most as likely. The
/// statistic is the odds ratio.
///
/// # Errors
/// When a sample is empty or there are not exactly two categories.
pub fn fisher_exact(a: &[u64], b: &[u64]) -> Result<TestResult, Unsuitable> {
    let (&[a0, a1], &[b0, b1]) = (a, b) else {
        return Err(Unsuitable::because("there must be exactly two categories"));
    };
    let (n, m, first) = (a0 + a1, b0 + b1, a0 + b0);
    if n == 0 || m == 0 {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let log_p = |k: u64| {
        let choose = |n: u64, k: u64| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        choose(n, k) + choose(m, first - k) - choose(n + m, first)
    };
    let (low, high) = (first.saturating_sub(m), first.min(n));
    let here = log_p(a0);
    // Tables as likely as the observed one but for rounding belong to it.
    let p_value = (low..=high)
        .map(log_p)
        .filter(|p| *p <= here + 1e-7)
        .map(f64::exp)
        .sum::<f64>();
    let statistic = (a0 * b1) as f64 / (a1 * b0) as f64;
    Ok(TestResult {
        statistic,
        p_value: p_value.min(1.0),
    })
}

fn likelihood(observed: f64, expected: f64) -> f64 {
    if observed == 0.0 {
        0.0
    } else {
        2.0 * observed * (observed / expected).ln()
    }
}

/// The upper tail of the chi-square distribution.
fn upper(statistic: f64, freedom: u32) -> f64 {
    if statistic == f64::INFINITY {
        0.0
    } else if statistic <= 0.0 || freedom == 0 {
        1.0
    } else {
        gamma_ur(f64::from(freedom) / 2.0, statistic / 2.0)
    }
}
