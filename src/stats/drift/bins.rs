//! Cells for numbers: from values to shares of cells.

use super::Sorted;

/// Sturges' number of cells of equal width over both samples: ⌈log2 N⌉ + 1, as numpy's `"sturges"`.
#[must_use]
pub fn sturges(pooled: &Sorted) -> Vec<f64> {
    let n = pooled.len();
    let (Some(low), Some(high)) = (pooled.values().first(), pooled.values().last()) else {
        return Vec::new();
    };
    let (low, high) = if low == high {
        (low - 0.5, high + 0.5)
    } else {
        (*low, *high)
    };
    let width = (high - low) / ((n as f64).log2() + 1.0);
    let cells = ((high - low) / width).ceil().max(1.0) as usize;
    edges(low, high, cells)
}

/// `cells` cells of equal width between two ends.
#[must_use]
pub fn edges(low: f64, high: f64, cells: usize) -> Vec<f64> {
    let step = (high - low) / cells as f64;
    (0..=cells)
        .map(|i| {
            if i == cells {
                high
            } else {
                (i as f64).mul_add(step, low)
            }
        })
        .collect()
}

/// Edges at the quantiles of a sample, each once.
#[must_use]
pub fn quantile_edges(sample: &Sorted, cells: usize) -> Vec<f64> {
    let mut out: Vec<f64> = (0..=cells)
        .map(|i| sample.quantile(i as f64 / cells as f64))
        .collect();
    out.dedup();
    out
}

/// How many values fall into each cell: cells are closed below and open above, the last is closed on both sides.
/// Values outside all cells are not counted.
#[must_use]
pub fn counts(sample: &Sorted, edges: &[f64]) -> Vec<u64> {
    let values = sample.values();
    let cells = edges.len().saturating_sub(1);
    let mut out = Vec::with_capacity(cells);
    let mut from = values.partition_point(|v| *v < edges.first().copied().unwrap_or(f64::NAN));
    for cell in 0..cells {
        let to = if cell + 1 == cells {
            values.partition_point(|v| *v <= edges[cell + 1])
        } else {
            values.partition_point(|v| *v < edges[cell + 1])
        };
        out.push((to.max(from) - from) as u64);
        from = to.max(from);
    }
    out
}

/// Counts as shares of a total.
#[must_use]
pub fn shares(counts: &[u64], total: u64) -> Vec<f64> {
    counts.iter().map(|c| *c as f64 / total as f64).collect()
}

/// Puts a small share where a cell is empty, so that logarithms exist: a millionth of the smallest share that is
/// there when that is at most 0.0001, else 0.0001. The shares are not normalised again.
#[must_use]
pub fn fill_zeros(shares: &[f64]) -> Vec<f64> {
    let smallest = shares
        .iter()
        .copied()
        .filter(|s| *s > 0.0)
        .fold(f64::INFINITY, f64::min);
    let fill = if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 };
    shares.iter().map(|s| if *s == 0.0 { fill } else { *s }).collect()
}
