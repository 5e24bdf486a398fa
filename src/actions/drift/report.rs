//! What was found, as an output.

use schemars::JsonSchema;
use serde::Serialize;

use super::finite;
use super::plot::Bars;
use crate::stats::drift::detector::{Finding, Pair, Reason};
use crate::value::Ratio;

/// How many category names an output holds at most.
const NAMES: usize = 20;

/// What was found in one column.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ColumnReport {
    /// The column.
    name: String,
    /// Whether its values are numbers; else they are categories.
    numeric: bool,
    /// Whether it drifted; nothing when that could not be told.
    drifted: Option<bool>,
    /// Why it drifted; empty when it did not.
    reasons: Vec<Reason>,
    /// Why nothing can be said, when that is so.
    unable: Option<String>,
    /// The method that was used.
    method: String,
    /// The method's statistic or score.
    statistic: Option<f64>,
    /// The p-value of the distribution, before the correction.
    p_value: Option<f64>,
    /// The p-value after the correction.
    adjusted_p: Option<f64>,
    /// The size of the difference.
    effect: Option<f64>,
    /// What the effect is.
    effect_name: String,
    /// The corrected p-value of the shares of missing values; nothing when none is missing.
    missing_p: Option<f64>,
    /// Values of the reference that are there.
    reference_values: u64,
    /// Values of the current table that are there.
    current_values: u64,
    /// The share of the reference's rows without a value.
    reference_missing: Option<Ratio>,
    /// The share of the current table's rows without a value.
    current_missing: Option<Ratio>,
    /// Categories that only the current table has, at most 20 of them.
    new_categories: Vec<String>,
    /// Categories that only the reference has, at most 20 of them.
    lost_categories: Vec<String>,
    /// The picture of both distributions, an SVG file.
    pub plot: Option<String>,
    /// The same picture as data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bars: Option<Bars>,
}

impl ColumnReport {
    pub fn new(found: &Finding, pair: &Pair) -> Self {
        let missing = |side: &crate::stats::drift::column::Side| {
            let rows = side.len() + side.missing();
            (rows > 0).then(|| Ratio(side.missing() as f64 / rows as f64))
        };
        let some = |names: &[String]| names.iter().take(NAMES).cloned().collect();
        let drifted = if found.unable.is_some() {
            None
        } else {
            Some(found.drifted())
        };
        Self {
            name: found.column.clone(),
            numeric: found.numeric,
            drifted,
            reasons: found.reasons.clone(),
            unable: found.unable.clone(),
            method: found.method.clone(),
            statistic: found.statistic.and_then(finite),
            p_value: found.p_value.and_then(finite),
            adjusted_p: found.adjusted_p.and_then(finite),
            effect: found.effect.and_then(finite),
            effect_name: found.effect_name.to_owned(),
            missing_p: found.missing_p.and_then(finite),
            reference_values: pair.reference.len(),
            current_values: pair.current.len(),
            reference_missing: missing(&pair.reference),
            current_missing: missing(&pair.current),
            new_categories: some(&found.new_categories),
            lost_categories: some(&found.lost_categories),
            plot: None,
            bars: None,
        }
    }

    /// Says how many values the reference really has, where only some of them were looked at.
    pub fn of_profile(&mut self, values: u64, missing: u64) {
        self.reference_values = values;
        let rows = values + missing;
        self.reference_missing = (rows > 0).then(|| Ratio(missing as f64 / rows as f64));
    }
}
