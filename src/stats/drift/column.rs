//! The two sides of one column, and their cells.

use std::collections::BTreeMap;

use super::{Sorted, sample::walk};

/// One column of one side, without its order of rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// Numbers; values that are null or not finite are only counted.
    Numeric { values: Sorted, missing: u64 },
    /// Categories with their counts, in the order of their names.
    Categorical {
        counts: BTreeMap<String, u64>,
        missing: u64,
    },
}

impl Side {
    /// Values that are there.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Numeric { values, .. } => values.len() as u64,
            Self::Categorical { counts, .. } => counts.values().sum(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub const fn missing(&self) -> u64 {
        match self {
            Self::Numeric { missing, .. } | Self::Categorical { missing, .. } => *missing,
        }
    }
}

/// How many distinct values both sides have together; none when one side is numeric and the other is not.
#[must_use]
pub fn distinct(reference: &Side, current: &Side) -> Option<usize> {
    let mut count = 0;
    match (reference, current) {
        (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) => {
            walk(a, b, |_, _, _| count += 1);
        }
        (Side::Categorical { counts: a, .. }, Side::Categorical { counts: b, .. }) => {
            count = a.len() + b.keys().filter(|k| !a.contains_key(*k)).count();
        }
        _ => return None,
    }
    Some(count)
}

/// The counts of every distinct value of both sides, in rising order of the values; none when one side is numeric
/// and the other is not.
#[must_use]
pub fn table(reference: &Side, current: &Side) -> Option<Table> {
    let mut out = Table::default();
    match (reference, current) {
        (Side::Numeric { values: a, .. }, Side::Numeric { values: b, .. }) => {
            walk(a, b, |value, in_a, in_b| {
                out.push(value.to_string(), in_a as u64, in_b as u64);
            });
        }
        (Side::Categorical { counts: a, .. }, Side::Categorical { counts: b, .. }) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let of = |m: &BTreeMap<String, u64>| m.get(key).copied().unwrap_or(0);
                out.push(key.clone(), of(a), of(b));
            }
        }
        _ => return None,
    }
    Some(out)
}

/// Counts of both sides by category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub keys: Vec<String>,
    pub reference: Vec<u64>,
    pub current: Vec<u64>,
}

impl Table {
    fn push(&mut self, key: String, reference: u64, current: u64) {
        self.keys.push(key);
        self.reference.push(reference);
        self.current.push(current);
    }

    /// Puts the categories whose expected count is below `least` on either side into one.
    #[must_use]
    pub fn pool_rare(&self, least: f64) -> Self {
        let (n, m) = (
            self.reference.iter().sum::<u64>() as f64,
            self.current.iter().sum::<u64>() as f64,
        );
        let smaller_share = n.min(m) / (n + m);
        let mut out = Self::default();
        let (mut rare_a, mut rare_b) = (0, 0);
        for ((key, a), b) in self.keys.iter().zip(&self.reference).zip(&self.current) {
            if (a + b) as f64 * smaller_share < least {
                rare_a += a;
                rare_b += b;
            } else {
                out.push(key.clone(), *a, *b);
            }
        }
        if rare_a + rare_b > 0 {
            out.push("(rare)".to_owned(), rare_a, rare_b);
        }
        out
    }

    /// Categories that only one side has.
    pub fn only_on_one_side(&self) -> (Vec<&str>, Vec<&str>) {
        let pick = |new: bool| {
            let rows = self.keys.iter().zip(&self.reference).zip(&self.current);
            let wanted = rows.filter(move |((_, a), b)| {
                if new {
                    **a == 0 && **b > 0
                } else {
                    **a > 0 && **b == 0
                }
            });
            wanted.map(|((k, _), _)| k.as_str()).collect()
        };
        (pick(true), pick(false))
    }
}
