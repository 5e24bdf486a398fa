//! The distribution of the one-sample Kolmogorov statistic D(n), two-sided.
//!
//! Which formula is exact enough where is taken from Simard and L'Ecuyer, "Computing the two-sided
//! Kolmogorov–Smirnov distribution", Journal of Statistical Software 39(11), 2011.

use std::f64::consts::PI;

/// P(D(n) ≥ x).
pub fn survival(n: u64, x: f64) -> f64 {
    let nf = n as f64;
    let t = nf * x;
    if n == 0 || x <= 0.0 || t <= 0.5 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    if t <= 1.0 {
        // Ruben and Gambino: all values in their own cells.
        let log: f64 = (1..=n).map(|i| (i as f64 / nf).ln()).sum::<f64>() + nf * (2.0 * t - 1.0).ln();
        return 1.0 - log.exp();
    }
    if t >= nf - 1.0 {
        return 2.0 * (1.0 - x).powf(nf);
    }
    let scaled = t * x;
    if x >= 0.5 || (n <= 140 && scaled > 4.0) || (n > 140 && scaled >= 2.2) {
        // Both sides are then practically exclusive: twice the one-sided probability (Miller).
        return if scaled >= 370.0 {
            0.0
        } else {
            (2.0 * one_sided(n, x)).min(1.0)
        };
    }
    if n <= 140 || (n <= 100_000 && nf * x.powf(1.5) <= 1.4) {
        1.0 - durbin(n, x)
    } else {
        1.0 - pelz_good(nf, x)
    }
}

/// P(D⁺(n) ≥ x), the exact sum of Smirnov (1944), each term by its logarithm.
fn one_sided(n: u64, x: f64) -> f64 {
    let nf = n as f64;
    let last = (nf * (1.0 - x)).floor() as u64;
    let mut log_choose = 0.0;
    let mut sum = 0.0;
    for j in 0..=last {
        let share = x + j as f64 / nf;
        let rest = 1.0 - share;
        let log_rest = if j == n {
            0.0
        } else if rest <= 0.0 {
            f64::NEG_INFINITY
        } else {
            (nf - j as f64) * rest.ln()
        };
        let log = log_choose + log_rest + (j as f64 - 1.0) * share.ln();
        sum += log.exp();
        log_choose += ((nf - j as f64) / (j as f64 + 1.0)).ln();
    }
    x * sum
}

/// P(D(n) < d) by the power of a matrix (Durbin 1973; Marsaglia, Tsang and Wang 2003).
fn durbin(n: u64, d: f64) -> f64 {
    const BIG: f64 = 1e40;
    let nd = n as f64 * d;
    let k = nd.ceil() as usize;
    let h = k as f64 - nd;
    let m = 2 * k - 1;
    let mut base = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..m {
            base[i * m + j] = if i + 1 >= j { 1.0 } else { 0.0 };
        }
    }
    for i in 0..m {
        let power = h.powi(i32::try_from(i + 1).unwrap_or(i32::MAX));
        base[i * m] -= power;
        base[(m - 1) * m + (m - 1 - i)] -= power;
    }
    base[(m - 1) * m] += (2.0 * h - 1.0)
        .max(0.0)
        .powi(i32::try_from(m).unwrap_or(i32::MAX));
    for i in 0..m {
        for j in 0..m {
            for g in 1..=(i + 1).saturating_sub(j) {
                base[i * m + j] /= g as f64;
            }
        }
    }
    let mut result = vec![0.0; m * m];
    for i in 0..m {
        result[i * m + i] = 1.0;
    }
    let (mut scale, mut base_scale) = (0_i32, 0_i32);
    let mut left = n;
    while left > 0 {
        if left % 2 == 1 {
            result = multiply(&result, &base, m);
            scale += base_scale;
        }
        base = multiply(&base, &base, m);
        base_scale *= 2;
        if base[(k - 1) * m + k - 1] > BIG {
            for v in &mut base {
                *v /= BIG;
            }
            base_scale += 40;
        }
        left /= 2;
    }
    let mut p = result[(k - 1) * m + k - 1];
    for i in 1..=n {
        p *= i as f64 / n as f64;
        if p < 1.0 / BIG {
            p *= BIG;
            scale -= 40;
        }
    }
    p * 10_f64.powi(scale)
}

fn multiply(a: &[f64], b: &[f64], m: usize) -> Vec<f64> {
    let mut out = vec![0.0; m * m];
    for i in 0..m {
        for k in 0..m {
            let left = a[i * m + k];
            if left != 0.0 {
                for j in 0..m {
                    out[i * m + j] += left * b[k * m + j];
                }
            }
        }
    }
    out
}

/// P(D(n) < x) by the first four terms of the expansion in 1/√n (Pelz and Good, JRSS B 38, 1976).
fn pelz_good(n: f64, x: f64) -> f64 {
    let z = n.sqrt() * x;
    let z2 = z * z;
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let pi2 = PI * PI;
    let (pi4, pi6) = (pi2 * pi2, pi2 * pi2 * pi2);
    let last = (16.0 * z / PI).ceil().max(1.0) as u32;
    let mut k0 = 0.0;
    let mut k1 = 0.0;
    let mut k2 = 0.0;
    let mut k3 = 0.0;
    for k in (1..=last).rev() {
        let odd = f64::from(2 * k - 1);
        let m2 = odd * odd;
        let (m4, m6) = (m2 * m2, m2 * m2 * m2);
        let q = (-pi2 * m2 / (8.0 * z2)).exp();
        k0 += q;
        k1 += q * (-z2 + pi2 / 4.0 * m2);
        k2 += q
            * (6.0 * z6
                + 2.0 * z4
                + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2
                + pi4 * (1.0 - 2.0 * z2) / 16.0 * m4);
        k3 += q
            * (-30.0 * z6 - 90.0 * z6 * z2
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * m2
                + pi4 * (-60.0 * z2 + 212.0 * z4) / 16.0 * m4
                + pi6 * (5.0 - 30.0 * z2) / 64.0 * m6);
    }
    let root = (2.0 * PI).sqrt();
    k0 *= root / z;
    k1 *= root / (6.0 * z4);
    k2 *= root / (72.0 * z6 * z);
    k3 *= root / (6480.0 * z4 * z6);
    let (mut extra2, mut extra3) = (0.0, 0.0);
    for k in (1..=last).rev() {
        let even = f64::from(k);
        let e2 = even * even;
        let q = (-pi2 * e2 / (2.0 * z2)).exp();
        extra2 += e2 * q;
        extra3 += (3.0 * z2 - pi2 * e2) * e2 * q;
    }
    k2 -= extra2 * pi2 * root / (36.0 * z2 * z);
    k3 += extra3 * pi2 * root / (216.0 * z6);
    k0 + k1 / n.sqrt() + k2 / n + k3 / (n * n.sqrt())
}
