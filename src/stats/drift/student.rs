//! Student's and Welch's t tests, two-sided.

use statrs::function::beta::beta_reg;

use super::{Sorted, TestResult, Unsuitable};

/// Student's t test for equal variances.
///
/// # Errors
/// When there are too few values or nothing varies.
pub fn student_t(a: &Sorted, b: &Sorted) -> Result<TestResult, Unsuitable> {
    let (n, m) = sizes(a, b)?;
    let freedom = n + m - 2.0;
    let pooled = ((n - 1.0) * a.variance(1) + (m - 1.0) * b.variance(1)) / freedom;
    finish(a, b, (pooled * (1.0 / n + 1.0 / m)).sqrt(), freedom)
}

/// Welch's t test: variances may differ.
///
/// # Errors
/// As [`student_t`].
pub fn welch_t(a: &Sorted, b: &Sorted) -> Result<TestResult, Unsuitable> {
    let (n, m) = sizes(a, b)?;
    let (va, vb) = (a.variance(1) / n, b.variance(1) / m);
    let freedom = (va + vb).powi(2) / (va * va / (n - 1.0) + vb * vb / (m - 1.0));
    finish(a, b, (va + vb).sqrt(), freedom)
}

fn sizes(a: &Sorted, b: &Sorted) -> Result<(f64, f64), Unsuitable> {
    if a.len() < 2 || b.len() < 2 {
        return Err(Unsuitable::because("a sample has fewer than two values"));
    }
    Ok((a.len() as f64, b.len() as f64))
}

fn finish(a: &Sorted, b: &Sorted, error: f64, freedom: f64) -> Result<TestResult, Unsuitable> {
    if error == 0.0 {
        return Err(Unsuitable::because("nothing varies"));
    }
    let t = (a.mean() - b.mean()) / error;
    let p_value = beta_reg(freedom / 2.0, 0.5, freedom / t.mul_add(t, freedom));
    Ok(TestResult {
        statistic: t,
        p_value,
    })
}
