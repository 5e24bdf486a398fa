//! The k-sample Anderson–Darling test for two samples (Scholz and Stephens, "K-sample Anderson–Darling tests", JASA
//! 82, 1987), with middle ranks for ties.

use super::sample::walk;
use super::{Sorted, TestResult, Unsuitable};

/// Compares two samples; the p-value is interpolated in the paper's table, so it lies between 0.001 and 0.25.
///
/// # Errors
/// When a sample is empty or all values are equal.
pub fn anderson_darling(a: &Sorted, b: &Sorted) -> Result<TestResult, Unsuitable> {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let total = n + m;
    if a.is_empty() || b.is_empty() {
        return Err(Unsuitable::because("a sample is empty"));
    }
    if total < 4.0 || a.pooled(b).distinct() < 2 {
        return Err(Unsuitable::because("all values are equal"));
    }
    let (mut below, mut below_a, mut below_b) = (0.0, 0.0, 0.0);
    let (mut sum_a, mut sum_b) = (0.0, 0.0);
    walk(a, b, |_, in_a, in_b| {
        let (in_a, in_b) = (in_a as f64, in_b as f64);
        let tied = in_a + in_b;
        let middle = below + tied / 2.0;
        let weight = tied / total / (middle * (total - middle) - total * tied / 4.0);
        sum_a += weight * (total * (below_a + in_a / 2.0) - middle * n).powi(2);
        sum_b += weight * (total * (below_b + in_b / 2.0) - middle * m).powi(2);
        below += tied;
        below_a += in_a;
        below_b += in_b;
    });
    let criterion = (sum_a / n + sum_b / m) * (total - 1.0) / total;
    let statistic = (criterion - 1.0) / variance(n, m).sqrt();
    Ok(TestResult {
        statistic,
        p_value: p_value(statistic),
    })
}

/// The variance of the criterion for two samples (equation 4 of the paper, k = 2).
fn variance(n: f64, m: f64) -> f64 {
    let total = n + m;
    let reciprocals = 1.0 / n + 1.0 / m;
    let (mut sum, mut g) = (0.0, 0.0);
    let last = total as usize;
    for i in (2..last).rev() {
        sum += 1.0 / i as f64;
        g += sum / (last - i + 1) as f64;
    }
    let h = sum + 1.0;
    let k = 2.0;
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * reciprocals;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * reciprocals - 8.0 * h
        + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k
        + (4.0 * h - 4.0 * g + 6.0) * k
        + (2.0 * h - 6.0) * reciprocals
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    (a * total.powi(3) + b * total * total + c * total + d) / ((total - 1.0) * (total - 2.0) * (total - 3.0))
}

/// The table of the paper for k = 2, interpolated by a parabola through the logarithms of the levels.
fn p_value(statistic: f64) -> f64 {
    const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
    const B0: [f64; 7] = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
    const B1: [f64; 7] = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
    const B2: [f64; 7] = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];
    let critical: Vec<f64> = (0..7).map(|i| B0[i] + B1[i] + B2[i]).collect();
    if statistic < critical[0] {
        return LEVELS[0];
    }
    if statistic > critical[6] {
        return LEVELS[6];
    }
    let logs: Vec<f64> = LEVELS.iter().map(|l| l.ln()).collect();
    let [c0, c1, c2] = parabola(&critical, &logs);
    (c2 * statistic * statistic + c1 * statistic + c0).exp()
}

/// Least squares for y = c0 + c1 x + c2 x², about the mean of x so that the normal equations stay well conditioned.
fn parabola(x: &[f64], y: &[f64]) -> [f64; 3] {
    let centre = x.iter().sum::<f64>() / x.len() as f64;
    let mut rows = [[0.0_f64; 4]; 3];
    for (x, y) in x.iter().zip(y) {
        let powers = [1.0, x - centre, (x - centre).powi(2)];
        for (i, row) in rows.iter_mut().enumerate() {
            for j in 0..3 {
                row[j] += powers[i] * powers[j];
            }
            row[3] += powers[i] * y;
        }
    }
    for i in 0..3 {
        for k in i + 1..3 {
            let factor = rows[k][i] / rows[i][i];
            for j in i..4 {
                rows[k][j] -= factor * rows[i][j];
            }
        }
    }
    let mut c = [0.0; 3];
    for i in (0..3).rev() {
        let known: f64 = (i + 1..3).map(|j| rows[i][j] * c[j]).sum();
        c[i] = (rows[i][3] - known) / rows[i][i];
    }
    [
        c[0] - c[1] * centre + c[2] * centre * centre,
        c[1] - 2.0 * c[2] * centre,
        c[2],
    ]
}
