//! How far numbers lie from their mean, in standard deviations of the sample, which one scan finds and the next uses.

use std::sync::{Arc, OnceLock};

use polars::prelude::Expr;
use serde_json::Value as Json;

use super::looking::{asking, masked};

/// Where a number is too far.
#[derive(Clone, Debug)]
pub struct Scores {
    below: f64,
    both_sides: bool,
    /// The mean and the standard deviation, when they are known and there are some.
    known: Arc<OnceLock<(f64, f64)>>,
}

impl Scores {
    pub fn new(below: f64, both_sides: bool) -> Self {
        Self {
            below,
            both_sides,
            known: Arc::default(),
        }
    }

    /// What has to be known of the numbers first, of those that are finite: one that is not would leave no score to any.
    pub fn measures(numbers: &Expr) -> [Expr; 2] {
        let finite = masked(numbers.clone(), Some(&numbers.clone().is_finite()));
        [finite.clone().mean(), finite.std(1)]
    }

    /// Takes what [`Scores::measures`] gave.
    pub fn know(&self, mean: &Json, spread: &Json) {
        if let (Some(mean), Some(spread)) = (mean.as_f64(), spread.as_f64()) {
            let _ = self.known.set((mean, spread));
        }
    }

    /// Whether a number is too far, as NaN is. Where there is no spread there is no score, and no other fails.
    pub fn far(&self, numbers: Expr) -> Expr {
        let scores = self.clone();
        asking(numbers, move |column| {
            let far = |number: Option<f64>| Some(number.is_some_and(|number| scores.is_far(number)));
            Ok(column.f64()?.iter().map(far).collect())
        })
    }

    fn is_far(&self, number: f64) -> bool {
        number.is_nan()
            || self.known.get().is_some_and(|(mean, spread)| {
                let score = (number - mean) / spread;
                // A score that is no number is not compared with anything.
                (if self.both_sides { score.abs() } else { score }) >= self.below
            })
    }
}
