//! Distances between empirical distribution functions.

use super::Sorted;
use super::sample::walk;

/// The Wasserstein-1 (earth mover's) distance: the area between the two distribution functions, in the unit of the
/// values. Not a number when a sample is empty.
#[must_use]
pub fn wasserstein(a: &Sorted, b: &Sorted) -> f64 {
    area(a, b, f64::abs)
}

/// The energy distance: √2 times the root of the area under the squared difference of the distribution functions
/// (Székely, "E-statistics", 2002).
#[must_use]
pub fn energy_distance(a: &Sorted, b: &Sorted) -> f64 {
    (2.0 * area(a, b, |d| d * d)).sqrt()
}

fn area(a: &Sorted, b: &Sorted, of: impl Fn(f64) -> f64) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j) = (0_usize, 0_usize);
    let mut last: Option<f64> = None;
    let mut sum = 0.0;
    walk(a, b, |value, in_a, in_b| {
        if let Some(last) = last {
            sum += of(i as f64 / n - j as f64 / m) * (value - last);
        }
        i += in_a;
        j += in_b;
        last = Some(value);
    });
    if a.is_empty() || b.is_empty() {
        f64::NAN
    } else {
        sum
    }
}
