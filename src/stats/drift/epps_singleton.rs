//! The Epps–Singleton test: compares empirical characteristic functions at two points (Epps and Singleton, "An
//! omnibus test for the two-sample problem using the empirical characteristic function", 1986), for samples with
//! ties and discrete values too.

use statrs::function::gamma::gamma_ur;

use super::{Sorted, TestResult, Unsuitable};

const POINTS: [f64; 2] = [0.4, 0.8];
/// cos and sin at each point.
const DIM: usize = 4;

/// Compares two samples.
///
/// # Errors
/// When a sample has fewer than five values, or the middle half of all values is one value.
pub fn epps_singleton(a: &Sorted, b: &Sorted) -> Result<TestResult, Unsuitable> {
    let (n, m) = (a.len(), b.len());
    if n < 5 || m < 5 {
        return Err(Unsuitable::because("a sample has fewer than five values"));
    }
    let pooled = a.pooled(b);
    let sigma = (pooled.quantile(0.75) - pooled.quantile(0.25)) / 2.0;
    if sigma == 0.0 {
        return Err(Unsuitable::because("the middle half of all values is one value"));
    }
    let (mean_a, cov_a) = moments(a, sigma);
    let (mean_b, cov_b) = moments(b, sigma);
    let total = (n + m) as f64;
    let mut covariance = [[0.0; DIM]; DIM];
    for i in 0..DIM {
        for j in 0..DIM {
            covariance[i][j] = total / n as f64 * cov_a[i][j] + total / m as f64 * cov_b[i][j];
        }
    }
    let difference: Vec<f64> = (0..DIM).map(|i| mean_a[i] - mean_b[i]).collect();
    let (values, vectors) = eigen(covariance);
    let largest = values.iter().copied().fold(0.0, f64::max);
    let mut statistic = 0.0;
    let mut rank = 0;
    for k in 0..DIM {
        // The pseudo-inverse leaves out what is zero but for rounding, as numpy's default does.
        if values[k] > largest * 1e-15 {
            let along: f64 = (0..DIM).map(|i| vectors[i][k] * difference[i]).sum();
            statistic += total * along * along / values[k];
            rank += 1;
        }
    }
    if n.max(m) < 25 {
        let small = (n as f64).powf(-1.7) + (m as f64).powf(-1.7);
        statistic /= 1.0 + total.powf(-0.45) + 10.1 * small;
    }
    Ok(TestResult {
        statistic,
        p_value: gamma_ur(f64::from(rank) / 2.0, statistic / 2.0),
    })
}

/// The means and the covariances (divided by n) of cos and sin.
fn moments(sample: &Sorted, sigma: f64) -> ([f64; DIM], [[f64; DIM]; DIM]) {
    let n = sample.len() as f64;
    let features = |v: f64| {
        let (x, y) = (POINTS[0] / sigma * v, POINTS[1] / sigma * v);
        [x.cos(), y.cos(), x.sin(), y.sin()]
    };
    let mut mean = [0.0; DIM];
    for v in sample.values() {
        for (m, f) in mean.iter_mut().zip(features(*v)) {
            *m += f / n;
        }
    }
    let mut covariance = [[0.0; DIM]; DIM];
    for v in sample.values() {
        let f = features(*v);
        for i in 0..DIM {
            for j in 0..DIM {
                covariance[i][j] += (f[i] - mean[i]) * (f[j] - mean[j]) / n;
            }
        }
    }
    (mean, covariance)
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix, by Jacobi's rotations.
fn eigen(mut a: [[f64; DIM]; DIM]) -> ([f64; DIM], [[f64; DIM]; DIM]) {
    let mut v = [[0.0; DIM]; DIM];
    for (i, row) in v.iter_mut().enumerate() {
        row[i] = 1.0;
    }
    for _ in 0..100 {
        let off: f64 = (0..DIM)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i][j].powi(2))
            .sum();
        if off < 1e-300 {
            break;
        }
        for p in 0..DIM {
            for q in p + 1..DIM {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for k in 0..DIM {
                    let (x, y) = (a[k][p], a[k][q]);
                    a[k][p] = c * x - s * y;
                    a[k][q] = s * x + c * y;
                }
                for k in 0..DIM {
                    let (x, y) = (a[p][k], a[q][k]);
                    a[p][k] = c * x - s * y;
                    a[q][k] = s * x + c * y;
                }
                for row in &mut v {
                    let (x, y) = (row[p], row[q]);
                    row[p] = c * x - s * y;
                    row[q] = s * x + c * y;
                }
            }
        }
    }
    ([a[0][0], a[1][1], a[2][2], a[3][3]], v)
}
