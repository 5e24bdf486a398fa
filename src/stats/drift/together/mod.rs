//! All columns at once: changes that no single column shows, such as a correlation that broke.
//!
//! Both tests regroup rows ([`permutation_p`](super::permutation_p)), so that they hold their error rate whatever the
//! columns look like. Rows are drawn here, since the work grows faster than their number.

mod classifier;
mod features;

pub use classifier::{FOLDS, auc, domain_classifier};
pub use features::{encode, with_products};

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::frame::{Frame, disjoint};
use super::{TestResult, Unsuitable, mmd};

/// Fewer rows than this on a side are not judged.
const LEAST: usize = 20;

/// How all columns are compared at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Joint {
    /// The maximum mean discrepancy with a Gaussian kernel, unbiased; its permutation p-value.
    Mmd,
    /// How well a logistic model tells rows of the two tables apart that it was not fitted on: the area under the ROC
    /// curve over five folds; its permutation p-value.
    DomainClassifier,
}

/// What a test of all columns found.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    pub statistic: f64,
    pub p_value: f64,
    pub effect: f64,
    /// What the effect is, for people.
    pub effect_name: &'static str,
    /// Rows of each side that were looked at.
    pub rows: (usize, usize),
    /// How many numbers describe a row.
    pub features: usize,
}

/// Compares all columns of two tables, which have the same ones, by at most `most` rows of each.
///
/// # Errors
/// When a side has too few rows, or no column has two different values.
pub fn compare<R: Rng>(
    method: Joint,
    reference: &Frame,
    current: &Frame,
    most: usize,
    rounds: u32,
    rng: &mut R,
) -> Result<Compared, Unsuitable> {
    let mut drawn = |frame: &Frame| {
        let (mut rows, _) = disjoint(frame.rows(), most, 0, rng);
        rows.sort_unstable();
        frame.take(&rows)
    };
    let (a, b) = (drawn(reference), drawn(current));
    let rows = (a.rows(), b.rows());
    if rows.0 < LEAST || rows.1 < LEAST {
        return Err(Unsuitable::because(format!(
            "{} against {} rows, at least {LEAST} of each are needed",
            rows.0, rows.1
        )));
    }
    let described = encode(&a, &b)?;
    let (first, second) = described.split_at(rows.0);
    Ok(match method {
        Joint::Mmd => {
            let TestResult { statistic, p_value } = mmd(first, second, rounds, rng)
                .ok_or_else(|| Unsuitable::because("a side has fewer than two rows"))?;
            Compared {
                statistic,
                p_value,
                effect: statistic.max(0.0).sqrt(),
                effect_name: "maximum mean discrepancy",
                rows,
                features: first[0].len(),
            }
        }
        Joint::DomainClassifier => {
            let wide = with_products(&described);
            let TestResult { statistic, p_value } = domain_classifier(&wide, rows.0, rounds, rng);
            Compared {
                statistic,
                p_value,
                effect: 2.0f64.mul_add(statistic, -1.0).max(0.0),
                effect_name: "twice the area under the ROC curve, minus one",
                rows,
                features: wide[0].len(),
            }
        }
    })
}

#[cfg(test)]
mod tests;
