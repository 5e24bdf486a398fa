//! The two-sample Cramér–von Mises test (Anderson, "On the distribution of the two-sample Cramér–von Mises
//! criterion", Annals of Mathematical Statistics 33, 1962).

use std::collections::BTreeMap;
use std::f64::consts::PI;

use statrs::function::gamma::ln_gamma;

use super::kolmogorov_smirnov::gcd;
use super::sample::walk;
use super::{Sorted, TestResult, Unsuitable};

/// Compares two samples; exact up to 20 values each, asymptotic above.
///
/// # Errors
/// When a sample has fewer than two values.
pub fn cramer_von_mises(a: &Sorted, b: &Sorted) -> Result<TestResult, Unsuitable> {
    let (n, m) = (a.len(), b.len());
    if n < 2 || m < 2 {
        return Err(Unsuitable::because("a sample has fewer than two values"));
    }
    // Ties share their middle rank.
    let (mut seen, mut i, mut j) = (0_usize, 0_usize, 0_usize);
    let (mut sum_a, mut sum_b) = (0.0, 0.0);
    walk(a, b, |_, in_a, in_b| {
        let rank = seen as f64 + (in_a + in_b + 1) as f64 / 2.0;
        for k in 0..in_a {
            sum_a += (rank - (i + k + 1) as f64).powi(2);
        }
        for k in 0..in_b {
            sum_b += (rank - (j + k + 1) as f64).powi(2);
        }
        seen += in_a + in_b;
        i += in_a;
        j += in_b;
    });
    let (nf, mf) = (n as f64, m as f64);
    let u = nf * sum_a + mf * sum_b;
    let (k, total) = (nf * mf, nf + mf);
    let statistic = u / (k * total) - (4.0 * k - 1.0) / (6.0 * total);
    let p_value = if n.max(m) <= 20 {
        exact(u, n, m)
    } else {
        asymptotic(statistic, nf, mf)
    };
    Ok(TestResult { statistic, p_value })
}

fn asymptotic(t: f64, n: f64, m: f64) -> f64 {
    let (k, total) = (n * m, n + m);
    let mean = (1.0 + 1.0 / total) / 6.0;
    let variance = (total + 1.0) * (4.0 * k * total - 3.0 * (n * n + m * m) - 2.0 * k)
        / (45.0 * total * total * 4.0 * k);
    let scaled = 1.0 / 6.0 + (t - mean) / (45.0 * variance).sqrt();
    if scaled < 0.003 {
        1.0
    } else {
        (1.0 - limit(scaled)).max(0.0)
    }
}

/// The limiting distribution function (Csörgő and Faraway, JRSS B 58, 1996, equation 1.3).
fn limit(x: f64) -> f64 {
    let mut total = 0.0;
    for k in 0..200 {
        let kf = f64::from(k);
        let u = (ln_gamma(kf + 0.5) - ln_gamma(kf + 1.0)).exp() / (PI.powf(1.5) * x.sqrt());
        let y = 4.0f64.mul_add(kf, 1.0);
        let term = u * y.sqrt() * scaled_bessel_quarter(y * y / (16.0 * x));
        total += term;
        // SciPy stops here too; a smaller limit would give other digits than its.
        if term.abs() < 1e-7 {
            break;
        }
    }
    total
}

/// exp(−q) K¼(q) = ∫₀^∞ exp(−q (1 + cosh t)) cosh(t/4) dt; the trapezoid rule converges doubly exponentially here.
fn scaled_bessel_quarter(q: f64) -> f64 {
    let step = 0.02;
    let mut sum = 0.5 * (-2.0 * q).exp();
    for i in 1..2_000 {
        let t = f64::from(i) * step;
        let term = (-q * (1.0 + t.cosh())).exp() * (t / 4.0).cosh();
        sum += term;
        if term < 1e-300 || term < sum * 1e-18 {
            break;
        }
    }
    sum * step
}

/// The share of all orders of the two samples whose criterion is at least as large, counted with exact whole numbers
/// (Xiao, Gordon and Yakovlev, Journal of Statistical Software 17(8), 2007).
fn exact(u: f64, n: usize, m: usize) -> f64 {
    let lcm = n / gcd(n, m) * m;
    let (a, b) = ((lcm / n) as i64, (lcm / m) as i64);
    let (nf, mf) = (n as i128, m as i128);
    let mn = nf * mf;
    // Half ranks make u a multiple of one half at most.
    let twice_u = (2.0 * u).round() as i128;
    let zeta = ((lcm * lcm) as i128 * (nf + mf) * (3 * twice_u - mn * (4 * mn - 1))).div_euclid(6 * mn * mn);
    let mut row: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); n + 1];
    row[0].insert(0, 1.0);
    for i in 0..=m {
        let mut carried: BTreeMap<i64, f64> = BTreeMap::new();
        for (j, cell) in row.iter_mut().enumerate() {
            for (value, count) in std::mem::take(cell) {
                *carried.entry(value).or_insert(0.0) += count;
            }
            let add = (a * j as i64 - b * i as i64).pow(2);
            carried = carried
                .into_iter()
                .map(|(value, count)| (value + add, count))
                .collect();
            cell.clone_from(&carried);
        }
    }
    let all: f64 = row[n].values().sum();
    row[n]
        .iter()
        .filter(|(value, _)| i128::from(**value) >= zeta)
        .map(|(_, count)| count)
        .sum::<f64>()
        / all
}
