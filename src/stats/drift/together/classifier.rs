//! A classifier that tries to tell the tables apart.
//!
//! A logistic model, one Newton step from the model that knows nothing: in that step it is ridge regression on the
//! labels, and the matrix that is inverted does not depend on them. So a regrouping costs no new factorisation, and a
//! thousand of them are affordable. Rows are judged by models that were fitted without them.

use rand::Rng;

use super::super::{TestResult, permutation_p};

/// How many models are fitted, each without one part of the rows.
pub const FOLDS: usize = 5;
/// What is added to the diagonal, for features that depend on each other.
const RIDGE: f64 = 1.0;

/// The area under the ROC curve of rows that are judged by models fitted without them, and its permutation p-value.
/// The first `first` rows are of the first table; row `i` is in fold `i % 5`.
pub fn domain_classifier<R: Rng>(rows: &[Vec<f64>], first: usize, rounds: u32, rng: &mut R) -> TestResult {
    let models = Models::new(rows);
    let labels: Vec<bool> = (0..rows.len()).map(|i| i < first).collect();
    permutation_p(&labels, rounds, rng, |labels| {
        let second: Vec<bool> = labels.iter().map(|l| !l).collect();
        auc(&models.scores(&second), &second)
    })
}

/// The chance that a row of the second kind has a higher score than one of the first; equal scores count half.
#[must_use]
pub fn auc(scores: &[f64], second: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut ranks, mut from) = (0.0, 0);
    while from < order.len() {
        let mut to = from + 1;
        while to < order.len() && scores[order[to]] <= scores[order[from]] {
            to += 1;
        }
        // The mean of the ranks from + 1 ..= to.
        let rank = (from + 1 + to) as f64 / 2.0;
        ranks += rank * order[from..to].iter().filter(|i| second[**i]).count() as f64;
        from = to;
    }
    let m = second.iter().filter(|s| **s).count() as f64;
    let n = scores.len() as f64 - m;
    (ranks - m * (m + 1.0) / 2.0) / (n * m)
}

/// What of the models does not depend on the labels.
struct Models<'a> {
    rows: &'a [Vec<f64>],
    /// For each fold the Cholesky factor of its training rows' matrix.
    factors: Vec<Vec<f64>>,
    width: usize,
}

impl<'a> Models<'a> {
    fn new(rows: &'a [Vec<f64>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let mut parts = vec![vec![0.0; width * width]; FOLDS];
        for (i, row) in rows.iter().enumerate() {
            let part = &mut parts[i % FOLDS];
            for (j, x) in row.iter().enumerate() {
                for (k, y) in row.iter().enumerate().take(j + 1) {
                    part[j * width + k] += x * y;
                }
            }
        }
        let factors = (0..FOLDS)
            .map(|without| {
                let mut sum = vec![0.0; width * width];
                for (fold, part) in parts.iter().enumerate() {
                    if fold != without {
                        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                    }
                }
                for j in 0..width {
                    sum[j * width + j] += RIDGE;
                }
                cholesky(sum, width)
            })
            .collect();
        Self { rows, factors, width }
    }

    /// The score of each row by the model that was fitted without its fold.
    fn scores(&self, second: &[bool]) -> Vec<f64> {
        let share = second.iter().filter(|s| **s).count() as f64 / second.len() as f64;
        let mut parts = vec![vec![0.0; self.width]; FOLDS];
        for (i, row) in self.rows.iter().enumerate() {
            let label = f64::from(second[i]) - share;
            for (sum, x) in parts[i % FOLDS].iter_mut().zip(row) {
                *sum += label * x;
            }
        }
        let weights: Vec<Vec<f64>> = (0..FOLDS)
            .map(|without| {
                let mut sum = vec![0.0; self.width];
                for (fold, part) in parts.iter().enumerate() {
                    if fold != without {
                        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
                    }
                }
                solve(&self.factors[without], sum)
            })
            .collect();
        let score =
            |(i, row): (usize, &Vec<f64>)| row.iter().zip(&weights[i % FOLDS]).map(|(x, w)| x * w).sum();
        self.rows.iter().enumerate().map(score).collect()
    }
}

/// The lower factor of a positive definite matrix, of which the lower triangle is given.
fn cholesky(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    for j in 0..n {
        for k in 0..j {
            let factor = matrix[j * n + k];
            for i in j..n {
                matrix[i * n + j] -= matrix[i * n + k] * factor;
            }
        }
        // The ridge keeps the pivots above 0.
        let pivot = matrix[j * n + j].max(f64::MIN_POSITIVE).sqrt();
        for i in j..n {
            matrix[i * n + j] /= pivot;
        }
    }
    matrix
}

fn solve(factor: &[f64], mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| factor[i * n + k] * right[k]).sum();
        right[i] = (right[i] - known) / factor[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| factor[k * n + i] * right[k]).sum();
        right[i] = (right[i] - known) / factor[i * n + i];
    }
    right
}
