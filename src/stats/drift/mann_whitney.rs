//! The Mann–Whitney U test (Mann and Whitney, Annals of Mathematical Statistics 18, 1947).

use statrs::function::erf::erfc;

use super::sample::walk;
use super::{Sorted, TestResult, Unsuitable};

/// Which differences count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    TwoSided,
    /// The first sample tends to be smaller.
    Less,
}

/// Compares two samples; the statistic is U of the first. Exact when a sample has at most 8 values and there are no
/// ties, else normal with correction for ties and continuity.
///
/// # Errors
/// When a sample is empty or all values are equal.
pub fn mann_whitney(a: &Sorted, b: &Sorted, alternative: Alternative) -> Result<TestResult, Unsuitable> {
    let (n, m) = (a.len() as f64, b.len() as f64);
    if a.is_empty() || b.is_empty() {
        return Err(Unsuitable::because("a sample is empty"));
    }
    let (mut seen, mut ranks, mut ties) = (0.0, 0.0, 0.0);
    walk(a, b, |_, in_a, in_b| {
        let tied = (in_a + in_b) as f64;
        ranks += in_a as f64 * (seen + f64::midpoint(tied, 1.0));
        ties += tied.powi(3) - tied;
        seen += tied;
    });
    let u = ranks - n * (n + 1.0) / 2.0;
    let total = n + m;
    // What is asked is always P(U' ≥ u'): for `less` of the other sample's U, two-sided of the larger of both.
    let (tested, sides) = match alternative {
        Alternative::Less => (n * m - u, 1.0),
        Alternative::TwoSided => (u.max(n * m - u), 2.0),
    };
    let p_value = if ties == 0.0 && a.len().min(b.len()) <= 8 {
        sides * exact(tested, a.len(), b.len())
    } else {
        let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
        if variance <= 0.0 {
            return Err(Unsuitable::because("all values are equal"));
        }
        let z = (tested - n * m / 2.0 - 0.5) / variance.sqrt();
        sides * 0.5 * erfc(z / std::f64::consts::SQRT_2)
    };
    Ok(TestResult {
        statistic: u,
        p_value: p_value.clamp(0.0, 1.0),
    })
}

/// P(U ≥ u) when all orders are equally likely: the number of partitions by the usual recursion.
fn exact(u: f64, n: usize, m: usize) -> f64 {
    let (n, m) = (n.min(m), n.max(m));
    let largest = n * m;
    // counts[k][s]: ways to reach U = s with k of the smaller sample placed among the values so far.
    let mut counts = vec![vec![0.0_f64; largest + 1]; n + 1];
    counts[0][0] = 1.0;
    for i in 1..=n + m {
        for k in (1..=n.min(i)).rev() {
            // The i-th value belongs to the smaller sample: i − k values of the other lie below it.
            let below = i - k;
            if below > m {
                continue;
            }
            for s in below..=largest {
                let add = counts[k - 1][s - below];
                counts[k][s] += add;
            }
        }
    }
    let all: f64 = counts[n].iter().sum();
    let from = u.ceil().max(0.0) as usize;
    counts[n].get(from..).map_or(0.0, |c| c.iter().sum::<f64>()) / all
}
