//! A sample in rising order, so that every method sorts once at most.

/// Finite values in rising order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts the values; those that are not finite are left out.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
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
    while i < a.len() || j < b.len() {
        let value = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => break,
        };
        let count = |s: &[f64], from: usize| s[from..].iter().take_while(|v| **v == value).count();
        let (in_a, in_b) = (count(a, i), count(b, j));
        visit(value, in_a, in_b);
        i += in_a;
        j += in_b;
    }
}
