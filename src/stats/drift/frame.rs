//! Columns in the order of their rows, for what regroups or changes rows.

use std::collections::{BTreeMap, HashMap};

use rand::Rng;
use rand::seq::SliceRandom;

use super::Sorted;
use super::column::Side;

/// The code of a category that is missing.
pub const MISSING: u32 = u32::MAX;
/// So many names of categories are looked at one by one.
const FEW: usize = 8;

/// One column of a table, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; what is missing is NaN.
    Numeric(Vec<f64>),
    /// Places in the list of names; what is missing is [`MISSING`].
    Categorical { codes: Vec<u32>, names: Vec<String> },
}

/// Columns of one length, in the order of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame(pub Vec<(String, Column)>);

impl Column {
    /// A column of categories; none is a missing value.
    #[must_use]
    pub fn of_names<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut names: Vec<&str> = Vec::new();
        let mut code = |name: &'a str| {
            // Among few names one is found sooner by looking at them than by its hash.
            if let Some(place) = names.iter().take(FEW).position(|known| *known == name) {
                return place as u32;
            }
            *places.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() as u32 - 1
            })
        };
        let codes = values
            .into_iter()
            .map(|value| value.map_or(MISSING, &mut code))
            .collect();
        Self::Categorical {
            codes,
            names: names.into_iter().map(str::to_owned).collect(),
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(values) => values.len(),
            Self::Categorical { codes, .. } => codes.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub const fn is_numeric(&self) -> bool {
        matches!(self, Self::Numeric(_))
    }

    /// All rows as one side of a comparison.
    #[must_use]
    pub fn side(&self) -> Side {
        match self {
            Self::Numeric(values) => numeric(values.iter().copied(), values.len()),
            Self::Categorical { codes, names } => categorical(codes.iter().copied(), names),
        }
    }

    /// These rows as one side of a comparison.
    #[must_use]
    pub fn side_of(&self, rows: &[usize]) -> Side {
        match self {
            Self::Numeric(values) => numeric(rows.iter().map(|r| values[*r]), rows.len()),
            Self::Categorical { codes, names } => categorical(rows.iter().map(|r| codes[*r]), names),
        }
    }

    /// These rows, in this order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numeric(values) => Self::Numeric(rows.iter().map(|r| values[*r]).collect()),
            Self::Categorical { codes, names } => Self::Categorical {
                codes: rows.iter().map(|r| codes[*r]).collect(),
                names: names.clone(),
            },
        }
    }
}

impl Frame {
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.first().map_or(0, |(_, column)| column.len())
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, column)| column)
    }

    /// The columns, and whether they hold numbers.
    #[must_use]
    pub fn kinds(&self) -> Vec<(&str, bool)> {
        self.0.iter().map(|(n, c)| (n.as_str(), c.is_numeric())).collect()
    }

    /// These rows of every column.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        Self(self.0.iter().map(|(n, c)| (n.clone(), c.take(rows))).collect())
    }
}

/// Two sets of rows without a common one: `first` and `second` of `rows`, drawn without replacement.
#[must_use]
pub fn disjoint<R: Rng>(rows: usize, first: usize, second: usize, rng: &mut R) -> (Vec<usize>, Vec<usize>) {
    let mut all: Vec<usize> = (0..rows).collect();
    let wanted = (first + second).min(rows);
    let (drawn, _) = all.partial_shuffle(rng, wanted);
    let (a, b) = drawn.split_at(first.min(wanted));
    (a.to_vec(), b.to_vec())
}

/// The same with whole blocks: rows with the same value of `block` go to the same side. A side gets blocks until it
/// has the rows that are asked for, so it can have a few more; the second can have fewer when the rows run out.
#[must_use]
pub fn disjoint_blocks<R: Rng>(
    block: &Column,
    first: usize,
    second: usize,
    rng: &mut R,
) -> (Vec<usize>, Vec<usize>) {
    let mut blocks: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for row in 0..block.len() {
        let key = match block {
            Column::Numeric(values) => values[row].to_bits(),
            Column::Categorical { codes, .. } => u64::from(codes[row]),
        };
        blocks.entry(key).or_default().push(row);
    }
    let mut order: Vec<Vec<usize>> = blocks.into_values().collect();
    order.shuffle(rng);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for rows in order {
        if a.len() < first {
            a.extend(rows);
        } else if b.len() < second {
            b.extend(rows);
        } else {
            break;
        }
    }
    (a, b)
}

fn numeric(values: impl Iterator<Item = f64>, rows: usize) -> Side {
    let values = Sorted::new(values);
    let missing = (rows - values.len()) as u64;
    Side::Numeric { values, missing }
}

fn categorical(codes: impl Iterator<Item = u32>, names: &[String]) -> Side {
    let mut by_code = vec![0_u64; names.len()];
    let mut missing = 0;
    for code in codes {
        match by_code.get_mut(code as usize) {
            Some(count) => *count += 1,
            None => missing += 1,
        }
    }
    let counts = names.iter().cloned().zip(by_code).filter(|(_, c)| *c > 0);
    Side::Categorical {
        counts: counts.collect(),
        missing,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn splits_share_no_row_and_blocks_stay_whole() {
        let mut rng = StdRng::seed_from_u64(1);
        let (a, b) = disjoint(100, 60, 40, &mut rng);
        let mut all: Vec<usize> = a.iter().chain(&b).copied().collect();
        all.sort_unstable();
        assert_eq!((a.len(), b.len(), all), (60, 40, (0..100).collect()));

        let block = Column::Numeric((0..100).map(|i| f64::from(i / 10)).collect());
        let (a, b) = disjoint_blocks(&block, 45, 30, &mut rng);
        assert_eq!((a.len(), b.len()), (50, 30));
        let of = |rows: &[usize]| {
            rows.iter()
                .map(|r| r / 10)
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert!(of(&a).is_disjoint(&of(&b)), "{a:?} {b:?}");
    }

    #[test]
    fn sides_count_what_is_missing() {
        let numbers = Column::Numeric(vec![2.0, f64::NAN, 1.0, f64::INFINITY]);
        let Side::Numeric { values, missing } = numbers.side() else {
            panic!("not numeric");
        };
        assert_eq!((values.values(), missing), ([1.0, 2.0].as_slice(), 2));
        let many: Vec<String> = (0..60).map(|i| format!("c{}", i % 20)).collect();
        let column = Column::of_names(many.iter().map(|name| Some(name.as_str())));
        let codes: Vec<u32> = (0..60).map(|i| i % 20).collect();
        let names: Vec<String> = (0..20).map(|i| format!("c{i}")).collect();
        assert_eq!(column, Column::Categorical { codes, names });
        let names = Column::of_names([Some("a"), None, Some("b"), Some("a")]);
        let side = names.side_of(&[0, 1, 3]);
        assert_eq!(
            side,
            Side::Categorical {
                counts: BTreeMap::from([("a".to_owned(), 2)]),
                missing: 1
            }
        );
    }
}
