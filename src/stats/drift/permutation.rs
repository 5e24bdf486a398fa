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

/// The share of regroupings whose statistic is at least as large, the observed one not counted: can be 0.
pub(super) fn permutation_share<R: Rng>(
    labels: &[bool],
    rounds: u32,
    rng: &mut R,
    statistic: impl FnMut(&[bool]) -> f64,
) -> f64 {
    let counted = permutation_p(labels, rounds, rng, statistic).p_value;
    (counted * f64::from(rounds + 1) - 1.0) / f64::from(rounds)
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
    let rows: Vec<&[f64]> = a.iter().chain(b).map(Vec::as_slice).collect();
    let distances = squared_distances(&rows);
    let n = rows.len();
    let upper = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    let width = median(upper.map(|(i, j)| distances[i * n + j]).collect());
    Some(discrepancy(&distances, width, a.len(), n, |labels, statistic| {
        permutation_p(labels, rounds, rng, statistic)
    }))
}

/// The same for single numbers as Evidently does it: the width comes from the first sample alone, with the distances
/// of each member to itself, and the observed grouping is not counted. Gives the p-value.
pub(super) fn mmd_first_width<R: Rng>(a: &[f64], b: &[f64], rounds: u32, rng: &mut R) -> Option<f64> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let rows: Vec<&[f64]> = a.iter().chain(b).map(std::slice::from_ref).collect();
    let distances = squared_distances(&rows);
    let n = rows.len();
    let first = (0..a.len()).flat_map(|i| (0..a.len()).map(move |j| (i, j)));
    let width = median(first.map(|(i, j)| distances[i * n + j]).collect());
    let result = discrepancy(&distances, width, a.len(), n, |labels, statistic| TestResult {
        statistic: 0.0,
        p_value: permutation_share(labels, rounds, rng, statistic),
    });
    Some(result.p_value)
}

fn squared_distances(rows: &[&[f64]]) -> Vec<f64> {
    let n = rows.len();
    let mut out = vec![0.0; n * n];
    for i in 0..n {
        for j in i + 1..n {
            let d: f64 = rows[i].iter().zip(rows[j]).map(|(x, y)| (x - y).powi(2)).sum();
            out[i * n + j] = d;
            out[j * n + i] = d;
        }
    }
    out
}

/// The middle value, 1 where it is 0 so that it can be a width.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    let value = *values.select_nth_unstable_by(middle, f64::total_cmp).1;
    if value > 0.0 { value } else { 1.0 }
}

fn discrepancy(
    distances: &[f64],
    width: f64,
    first: usize,
    n: usize,
    test: impl FnOnce(&[bool], &mut dyn FnMut(&[bool]) -> f64) -> TestResult,
) -> TestResult {
    let mut kernel: Vec<f64> = distances.iter().map(|d| (-d / width).exp()).collect();
    for i in 0..n {
        kernel[i * n + i] = 0.0;
    }
    // All sums between the samples follow from those within the first and from whole rows, which stay.
    let rows: Vec<f64> = kernel.chunks(n).map(|row| row.iter().sum()).collect();
    let total: f64 = rows.iter().sum();
    let labels: Vec<bool> = (0..n).map(|i| i < first).collect();
    let (na, nb) = (first as f64, (n - first) as f64);
    let mut members = Vec::with_capacity(first);
    test(&labels, &mut |labels| {
        members.clear();
        members.extend((0..n).filter(|i| labels[*i]));
        let (mut aa, mut of_a) = (0.0, 0.0);
        for i in &members {
            let row = &kernel[i * n..(i + 1) * n];
            aa += members.iter().map(|j| row[*j]).sum::<f64>();
            of_a += rows[*i];
        }
        let ab = of_a - aa;
        let bb = total - aa - 2.0 * ab;
        aa / (na * (na - 1.0)) + bb / (nb * (nb - 1.0)) - 2.0 * ab / (na * nb)
    })
}
