//! Tests by permutation: the statistic of the samples as they are against the same statistic of random regroupings.

use rand::Rng;
use rand::seq::SliceRandom;

use super::TestResult;

/// The share of regroupings whose statistic is at least as large, the observed grouping counted as one of them
/// (Phipson and Smyth, 2010), so that it is never 0.
///
/// `labels` says for each member whether it is of the first sample; `statistic` gets labels in a new order.
pub fn permutation_p<R: Rng>(
    labels: &[bool],
    rounds: u32,
    rng: &mut R,
    mut statistic: impl FnMut(&[bool]) -> f64,
) -> TestResult {
    let observed = statistic(labels);
    let mut shuffled = labels.to_vec();
    let mut at_least = 1_u32;
    for _ in 0..rounds {
        shuffled.shuffle(rng);
        if statistic(&shuffled) >= observed - observed.abs() * 1e-12 {
            at_least += 1;
        }
    }
    TestResult {
        statistic: observed,
        p_value: f64::from(at_least) / f64::from(rounds + 1),
    }
}

/// The squared maximum mean discrepancy with a Gaussian kernel, unbiased (Gretton et al., "A kernel two-sample test",
/// JMLR 13, 2012), and its permutation p-value. Rows are members, all of one length; the kernel's width is the root
/// of half the median squared distance. Memory and work grow with the square of the number of rows.
///
/// `None` when a sample has fewer than two rows.
pub fn mmd<R: Rng>(a: &[Vec<f64>], b: &[Vec<f64>], rounds: u32, rng: &mut R) -> Option<TestResult> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let rows: Vec<&Vec<f64>> = a.iter().chain(b).collect();
    let n = rows.len();
    let mut distances = vec![0.0_f64; n * n];
    let mut upper = Vec::with_capacity(n * (n - 1) / 2);
    for i in 0..n {
        for j in i + 1..n {
            let d: f64 = rows[i].iter().zip(rows[j]).map(|(x, y)| (x - y).powi(2)).sum();
            distances[i * n + j] = d;
            distances[j * n + i] = d;
            upper.push(d);
        }
    }
    let middle = upper.len() / 2;
    let median = *upper.select_nth_unstable_by(middle, f64::total_cmp).1;
    let width = if median > 0.0 { median } else { 1.0 };
    let kernel: Vec<f64> = distances.iter().map(|d| (-d / width).exp()).collect();
    let labels: Vec<bool> = (0..n).map(|i| i < a.len()).collect();
    let (na, nb) = (a.len() as f64, b.len() as f64);
    Some(permutation_p(&labels, rounds, rng, |labels| {
        let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
        for i in 0..n {
            for j in i + 1..n {
                let k = kernel[i * n + j];
                match (labels[i], labels[j]) {
                    (true, true) => aa += k,
                    (false, false) => bb += k,
                    _ => ab += k,
                }
            }
        }
        2.0 * aa / (na * (na - 1.0)) + 2.0 * bb / (nb * (nb - 1.0)) - 2.0 * ab / (na * nb)
    }))
}
