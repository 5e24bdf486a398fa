//! A profile as a file: what a later comparison needs of a table, so that it need not be read again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Column;
use crate::stats::drift::Sorted;
use crate::stats::drift::column::Side;

/// The version of the file.
pub const FORMAT: u32 = 1;
/// At most so many numbers of a column are kept.
pub const POINTS: usize = 10_000;
/// A column with more categories than this is not kept.
const CATEGORIES: usize = 10_000;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    pub specrun_profile: u32,
    /// What was described.
    pub table: String,
    pub rows: u64,
    pub columns: Vec<StoredColumn>,
}

/// A column with its distribution.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredColumn {
    #[serde(flatten)]
    pub about: Column,
    pub distribution: Distribution,
}

/// How the values of a column are distributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Distribution {
    Numbers {
        /// How many numbers there are.
        of: u64,
        /// How many values are null or not finite.
        missing: u64,
        /// All of them in rising order, or evenly spaced ones of their order. A text, because numbers of JSON are not
        /// always read back to their last digit.
        values: String,
    },
    Categories {
        missing: u64,
        counts: BTreeMap<String, u64>,
    },
    /// Not kept.
    None { why: String },
}

impl Distribution {
    pub fn none(why: impl Into<String>) -> Self {
        Self::None { why: why.into() }
    }

    /// What is kept of a column.
    pub fn of(side: &Side) -> Self {
        match side {
            Side::Numeric { values, missing } => {
                let all = values.values();
                let text = |v: &f64| v.to_string();
                let kept: Vec<String> = if all.len() <= POINTS {
                    all.iter().map(text).collect()
                } else {
                    // The values at the middles of equal shares.
                    (0..POINTS)
                        .map(|i| text(&all[(2 * i + 1) * all.len() / (2 * POINTS)]))
                        .collect()
                };
                Self::Numbers {
                    of: all.len() as u64,
                    missing: *missing,
                    values: kept.join(" "),
                }
            }
            Side::Categorical { counts, .. } if counts.len() > CATEGORIES => Self::none(format!(
                "it has {} categories, at most {CATEGORIES} are kept",
                counts.len()
            )),
            Side::Categorical { counts, missing } => Self::Categories {
                missing: *missing,
                counts: counts.clone(),
            },
        }
    }

    /// One side of a comparison. Where only some of the numbers are kept, what is missing is counted in proportion.
    ///
    /// # Errors
    /// Why there is none.
    pub fn side(&self) -> Result<Side, String> {
        match self {
            Self::None { why } => Err(why.clone()),
            Self::Categories { missing, counts } => Ok(Side::Categorical {
                counts: counts.clone(),
                missing: *missing,
            }),
            Self::Numbers { of, missing, values } => {
                let parsed: Result<Vec<f64>, _> = values.split_whitespace().map(str::parse).collect();
                let numbers = Sorted::new(parsed.map_err(|_| "its values are not numbers".to_owned())?);
                let kept = numbers.len() as u64;
                if kept != (*of).min(POINTS as u64) {
                    return Err(format!("it has {kept} numbers of {of}"));
                }
                let missing = if kept == *of || *missing == 0 {
                    *missing
                } else {
                    ((*missing as f64 * kept as f64 / *of as f64).round() as u64).max(1)
                };
                Ok(Side::Numeric {
                    values: numbers,
                    missing,
                })
            }
        }
    }

    /// How many values there are and how many are missing.
    pub fn counts(&self) -> Option<(u64, u64)> {
        match self {
            Self::Numbers { of, missing, .. } => Some((*of, *missing)),
            Self::Categories { missing, counts } => Some((counts.values().sum(), *missing)),
            Self::None { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_column_is_kept_to_its_last_digit() {
        let side = Side::Numeric {
            values: Sorted::new([0.1 + 0.2, 1.0 / 3.0, -1e300, f64::MIN_POSITIVE]),
            missing: 3,
        };
        let kept = Distribution::of(&side);
        let text = serde_json::to_string(&kept).expect("JSON");
        let read: Distribution = serde_json::from_str(&text).expect("the same");
        assert_eq!(read.side().expect("a side"), side);
    }

    #[test]
    fn of_a_large_column_the_order_is_kept() {
        let side = Side::Numeric {
            values: Sorted::new((0..1_000_000).map(f64::from)),
            missing: 250_000,
        };
        let Side::Numeric { values, missing } = Distribution::of(&side).side().expect("a side") else {
            panic!("numbers");
        };
        assert_eq!((values.len(), missing), (POINTS, 2500));
        assert!((values.quantile(0.5) - 500_000.0).abs() <= 100.0);
        assert_eq!(values.values()[0], 50.0);
    }

    #[test]
    fn what_was_changed_by_hand_is_refused() {
        for values in ["1 2", "1 2 x", ""] {
            let odd = Distribution::Numbers {
                of: 3,
                missing: 0,
                values: values.to_owned(),
            };
            assert!(odd.side().is_err(), "{values}");
        }
    }
}
