//! Divergences between two discrete distributions, given as shares of the same cells.

/// The Jensen–Shannon distance: the root of the divergence, natural logarithm; between 0 and √ln 2. Shares are
/// normalised first.
#[must_use]
pub fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let (sum_p, sum_q) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
    let mut divergence = 0.0;
    for (p, q) in p.iter().zip(q) {
        let (p, q) = (p / sum_p, q / sum_q);
        let middle = f64::midpoint(p, q);
        divergence += relative_entropy(p, middle) + relative_entropy(q, middle);
    }
    (divergence / 2.0).max(0.0).sqrt()
}

/// KL(p ‖ q) in nats; both are normalised first. Infinite where q has nothing and p has something.
#[must_use]
pub fn kullback_leibler(p: &[f64], q: &[f64]) -> f64 {
    let (sum_p, sum_q) = (p.iter().sum::<f64>(), q.iter().sum::<f64>());
    p.iter()
        .zip(q)
        .map(|(p, q)| relative_entropy(p / sum_p, q / sum_q))
        .sum()
}

/// The population stability index Σ (p − q) ln(p/q); infinite where one side has an empty cell (fill it first,
/// [`super::bins::fill_zeros`]).
#[must_use]
pub fn population_stability(p: &[f64], q: &[f64]) -> f64 {
    p.iter()
        .zip(q)
        .map(|(p, q)| if p == q { 0.0 } else { (p - q) * (p / q).ln() })
        .sum()
}

/// The Hellinger distance √(1 − Σ √(p q)), between 0 and 1.
#[must_use]
pub fn hellinger(p: &[f64], q: &[f64]) -> f64 {
    let overlap: f64 = p.iter().zip(q).map(|(p, q)| (p * q).sqrt()).sum();
    (1.0 - overlap).max(0.0).sqrt()
}

fn relative_entropy(p: f64, q: f64) -> f64 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}
