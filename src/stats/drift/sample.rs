//! A sample in rising order, so that every method sorts once at most.

/// From so many values on they are sorted by their digits, which takes a third of the time.
const BY_DIGITS: usize = 4096;
/// The bits of a digit.
const DIGIT: u32 = 11;
/// The digits of 64 bits.
const DIGITS: usize = 6;

/// Finite values in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts the values; those that are not finite are left out.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        if values.len() < BY_DIGITS {
            values.sort_unstable_by(f64::total_cmp);
        } else {
            values = by_digits(&values);
        }
        Self(values)
    }

    /// Takes values that are finite and in rising order already.
    pub(super) fn from_sorted(values: Vec<f64>) -> Self {
        debug_assert!(values.is_sorted(), "values must rise");
        Self(values)
    }

    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// The variance with `n - ddof` below the line.
    #[must_use]
    pub fn variance(&self, ddof: usize) -> f64 {
        let mean = self.mean();
        self.0.iter().map(|v| (v - mean).powi(2)).sum::<f64>()
            / (self.0.len() - ddof.min(self.0.len())) as f64
    }

    /// How many different values there are.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.0.chunk_by(|a, b| a == b).count()
    }

    /// The quantile by linear interpolation between the two nearest values (numpy's default).
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let at = q.clamp(0.0, 1.0) * last as f64;
        let low = at.floor() as usize;
        let high = (low + 1).min(last);
        (self.0[high] - self.0[low]).mul_add(at - low as f64, self.0[low])
    }

    /// Both samples in one.
    #[must_use]
    pub fn pooled(&self, other: &Self) -> Self {
        let mut all = Vec::with_capacity(self.len() + other.len());
        walk(self, other, |value, a, b| {
            all.extend(std::iter::repeat_n(value, a + b));
        });
        Self(all)
    }
}

/// Visits every distinct value of the two samples in rising order with how often each sample has it.
pub fn walk(a: &Sorted, b: &Sorted, mut visit: impl FnMut(f64, usize, usize)) {
    let (a, b) = (a.values(), b.values());
    let (mut i, mut j) = (0, 0);
    // How many more there are of a value.
    let more = |s: &[f64], from: usize, value: f64| {
        let rest = s.get(from..).unwrap_or_default();
        rest.iter().take_while(|v| **v == value).count()
    };
    // Which of two samples is next cannot be foreseen, so nothing here branches on it.
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let value = if x < y { *x } else { *y };
        let (mut in_a, mut in_b) = (usize::from(*x == value), usize::from(*y == value));
        in_a += more(a, i + in_a, value);
        in_b += more(b, j + in_b, value);
        visit(value, in_a, in_b);
        i += in_a;
        j += in_b;
    }
    while let Some(value) = a.get(i) {
        let count = more(a, i, *value);
        visit(*value, count, 0);
        i += count;
    }
    while let Some(value) = b.get(j) {
        let count = more(b, j, *value);
        visit(*value, 0, count);
        j += count;
    }
}

/// The values in rising order: by their last digits first, each time keeping the order of before.
fn by_digits(values: &[f64]) -> Vec<f64> {
    let mut keys: Vec<u64> = values.iter().map(|v| key(*v)).collect();
    let digit = |key: u64, at: usize| (key >> (at as u32 * DIGIT)) as usize & ((1 << DIGIT) - 1);
    let mut counts = vec![[0_usize; 1 << DIGIT]; DIGITS];
    for key in &keys {
        for (at, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, at)] += 1;
        }
    }
    let mut sorted = vec![0_u64; keys.len()];
    for (at, counts) in counts.iter_mut().enumerate() {
        // A digit that all have in common changes nothing.
        if counts.contains(&keys.len()) {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        for key in &keys {
            let place = &mut counts[digit(*key, at)];
            sorted[*place] = *key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut sorted);
    }
    keys.into_iter().map(number).collect()
}

/// The bits of a number in the order of [`f64::total_cmp`], and back.
const fn key(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

const fn number(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_sort_like_comparisons() {
        let mut state = 3_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state
        };
        for many in [BY_DIGITS, BY_DIGITS + 1, 20_000] {
            for kind in 0..5 {
                let values: Vec<f64> = (0..many)
                    .map(|_| {
                        let n = next();
                        match kind {
                            // Any bits at all, numbers of one size, few different ones, both zeros, one only.
                            0 => f64::from_bits(n),
                            1 => (n >> 40) as f64 / 1e5 - 80.0,
                            2 => (n >> 60) as f64 - 7.0,
                            3 => [0.0, -0.0, f64::MIN_POSITIVE, -f64::MIN_POSITIVE][(n >> 62) as usize],
                            _ => 1.5,
                        }
                    })
                    .filter(|v| v.is_finite())
                    .collect();
                let mut wanted = values.clone();
                wanted.sort_unstable_by(f64::total_cmp);
                let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&by_digits(&values)), bits(&wanted), "{many} of kind {kind}");
                assert_eq!(bits(Sorted::new(values).values()), bits(&wanted));
            }
        }
    }

    #[test]
    fn a_walk_visits_each_value_once_with_its_counts() {
        let walked = |a: &[f64], b: &[f64]| {
            let mut seen = Vec::new();
            let (a, b) = (a.iter().copied(), b.iter().copied());
            walk(&Sorted::new(a), &Sorted::new(b), |value, in_a, in_b| {
                seen.push((value, in_a, in_b));
            });
            seen
        };
        assert_eq!(
            walked(&[1.0, 1.0, 2.0, 4.0], &[0.0, 1.0, 2.0, 2.0, 3.0, 3.0]),
            [(0.0, 0, 1), (1.0, 2, 1), (2.0, 1, 2), (3.0, 0, 2), (4.0, 1, 0)]
        );
        assert_eq!(walked(&[-0.0], &[0.0]), [(0.0, 1, 1)]);
        assert_eq!(walked(&[], &[5.0, 5.0]), [(5.0, 0, 2)]);
        assert_eq!(walked(&[5.0, 6.0], &[]), [(5.0, 1, 0), (6.0, 1, 0)]);
        assert_eq!(walked(&[], &[]), []);
    }
}
