//! The two-sample Kolmogorov–Smirnov test, two-sided.
//!
//! Exact by the number of lattice paths (Hodges, "The significance probability of the Smirnov two-sample test",
//! Arkiv för Matematik 3, 1958), asymptotic by the distribution of the one-sample statistic with
//! n1·n2/(n1+n2) values, rounded, as SciPy does.

use super::sample::walk;
use super::{Sorted, TestResult, Unsuitable, kolmogorov};

/// How the p-value is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KsMethod {
    /// Exact while no sample has more than 10,000 values.
    Auto,
    Exact,
    Asymptotic,
}

/// Compares two samples; the statistic is the largest difference of the empirical distribution functions.
///
/// # Errors
/// When a sample is empty.
pub fn kolmogorov_smirnov(a: &Sorted, b: &Sorted, method: KsMethod) -> Result<TestResult, Unsuitable> {
    if a.is_empty() || b.is_empty() {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let (n, m) = (a.len(), b.len());
    let divisor = gcd(n, m);
    let (step_a, step_b) = (m / divisor, n / divisor);
    // The difference in units of 1/lcm(n, m): whole numbers, so that ties and equality are exact.
    let (mut at, mut largest) = (0_i64, 0_i64);
    walk(a, b, |_, in_a, in_b| {
        at += (in_a * step_a) as i64 - (in_b * step_b) as i64;
        largest = largest.max(at.abs());
    });
    let lcm = n as f64 * step_a as f64;
    let statistic = largest as f64 / lcm;
    let exact = match method {
        KsMethod::Auto => n.max(m) <= 10_000,
        KsMethod::Exact => true,
        KsMethod::Asymptotic => false,
    };
    let p_value = if largest == 0 {
        1.0
    } else if exact {
        if n == m {
            outside_square(n, largest as usize)
        } else {
            outside_rectangle(n, m, divisor, largest)
        }
    } else {
        let (n, m) = (n as f64, m as f64);
        kolmogorov::survival((n * m / (n + m)).round() as u64, statistic)
    };
    Ok(TestResult {
        statistic,
        p_value: p_value.clamp(0.0, 1.0),
    })
}

/// Both samples have n values: the reflection principle gives an alternating sum, taken from its far end.
fn outside_square(n: usize, h: usize) -> f64 {
    let mut p = 0.0;
    for k in (0..=n / h).rev() {
        let mut term = 1.0;
        for j in 0..h {
            let over = n as f64 - (k * h + j) as f64;
            term *= over.max(0.0) / (n + k * h + j + 1) as f64;
        }
        p = term * (1.0 - p);
    }
    2.0 * p
}

/// The probability that a random path from (0, 0) to (n, m) touches |i·m − j·n| ≥ h·gcd. All terms are positive, so
/// small probabilities keep their digits.
fn outside_rectangle(n: usize, m: usize, divisor: usize, h: i64) -> f64 {
    let (a, b) = ((m / divisor) as i64, (n / divisor) as i64);
    // Column i holds the rows j with |i·a − j·b| < h; every other point has probability 1.
    let band = |i: usize| {
        let centre = i as i64 * a;
        let low = (centre - h).div_euclid(b) + 1;
        let high = (centre + h - 1).div_euclid(b);
        (low.max(0) as usize, high.min(m as i64) as usize)
    };
    let mut column = vec![1.0_f64; m + 1];
    for i in 0..=n {
        let (low, high) = band(i);
        if low > high {
            return 1.0;
        }
        if i > 0 {
            // What the band has left behind is outside for this column.
            let (old_low, _) = band(i - 1);
            column[old_low.min(low)..low].fill(1.0);
        }
        for j in low..=high {
            let here = if i == 0 && j == 0 {
                0.0
            } else {
                let left = if i == 0 { 0.0 } else { column[j] * i as f64 };
                let below = match j {
                    0 => 0.0,
                    _ => column[j - 1] * j as f64,
                };
                (left + below) / (i + j) as f64
            };
            column[j] = here;
        }
        if high < m {
            column[high + 1] = 1.0;
        }
    }
    column[m]
}

pub(super) const fn gcd(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
