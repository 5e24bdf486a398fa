//! Tests of all columns at once, as parameters ask for them and as outputs tell them.

use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finite;
use crate::action::{Class, Failure};
use crate::stats::drift::Unsuitable;
use crate::stats::drift::frame::Frame;
use crate::stats::drift::together::{Compared, Joint, compare};

/// Tests of all columns at once: they see what no single column shows, such as a correlation that broke. Their p-values
/// are corrected together with those of the columns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// Which.
    #[schemars(length(min = 1))]
    methods: Vec<Joint>,
    /// At most so many rows of each table are drawn; 1000 without it. The work grows with the square of it.
    #[serde(default = "thousand")]
    #[schemars(range(min = 20, max = 10_000))]
    rows: usize,
    /// How many regroupings the p-value is counted from; 999 without it, so that the smallest is 0.001.
    #[serde(default = "rounds")]
    #[schemars(range(min = 99, max = 100_000))]
    permutations: u32,
}

/// What a test of all columns found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TogetherReport {
    /// The test.
    method: Joint,
    /// Whether it shows drift; nothing when that could not be told.
    pub drifted: Option<bool>,
    /// Why nothing can be said, when that is so.
    pub unable: Option<String>,
    /// `mmd`: the squared discrepancy, unbiased, so that it can be a little below 0. `domain_classifier`: the area under
    /// the ROC curve of rows the model was not fitted on; 0.5 when the tables are alike.
    statistic: Option<f64>,
    /// The p-value before the correction.
    p_value: Option<f64>,
    /// The p-value after the correction.
    adjusted_p: Option<f64>,
    /// The size of the difference. For `domain_classifier` it must reach `min_effect` too.
    effect: Option<f64>,
    /// What the effect is.
    effect_name: String,
    /// Rows of the reference that were looked at.
    reference_rows: usize,
    /// Rows of the current table that were looked at.
    current_rows: usize,
    /// How many numbers describe a row.
    features: usize,
}

/// A test before its p-value is corrected.
pub struct Tested {
    method: Joint,
    found: Result<Compared, Unsuitable>,
}

impl Together {
    /// Runs the tests.
    pub fn run(
        &self,
        reference: Option<&Frame>,
        current: &Frame,
        rng: &mut StdRng,
    ) -> Result<Vec<Tested>, Failure> {
        let Some(reference) = reference else {
            return Err(Failure::new(
                Class::BadParameter,
                "`together` looks at rows, of which a profile has none",
            )
            .help("give the table itself as `reference`"));
        };
        Ok(self
            .methods
            .iter()
            .map(|method| Tested {
                method: *method,
                found: compare(*method, reference, current, self.rows, self.permutations, rng),
            })
            .collect())
    }

    /// The smallest p-value the tests can give.
    fn least(&self) -> f64 {
        1.0 / f64::from(self.permutations + 1)
    }

    /// What was found, with the corrected p-values of the tests that gave one, in their order.
    pub fn report(
        &self,
        tested: Vec<Tested>,
        corrected: &[f64],
        factor: f64,
        limits: Limits,
    ) -> Vec<TogetherReport> {
        let mut corrected = corrected.iter();
        tested
            .into_iter()
            .map(|test| {
                let adjusted = test.found.is_ok().then(|| corrected.next().copied()).flatten();
                self.one(test, adjusted, factor, limits)
            })
            .collect()
    }

    fn one(&self, test: Tested, adjusted: Option<f64>, factor: f64, limits: Limits) -> TogetherReport {
        let found = test.found;
        let significant = adjusted.is_some_and(|p| p <= limits.alpha);
        let matters = found
            .as_ref()
            .is_ok_and(|f| test.method == Joint::Mmd || f.effect >= limits.min_effect);
        let drifted = significant && matters;
        let least = self.least() * factor;
        let unable = match &found {
            Err(why) => Some(why.0.clone()),
            Ok(_) if !drifted && least > limits.alpha => Some(format!(
                "the smallest p-value of {} regroupings is {:.2e}, which {factor} tests make {:.2e}; it would have \
                 to be at most {}",
                self.permutations,
                self.least(),
                least.min(1.0),
                limits.alpha
            )),
            Ok(_) => None,
        };
        let found = found.ok();
        let number = |of: fn(&Compared) -> f64| found.as_ref().map(of).and_then(finite);
        TogetherReport {
            method: test.method,
            drifted: unable.is_none().then_some(drifted),
            unable,
            statistic: number(|f| f.statistic),
            p_value: number(|f| f.p_value),
            adjusted_p: adjusted,
            effect: number(|f| f.effect),
            effect_name: found.as_ref().map_or("", |f| f.effect_name).to_owned(),
            reference_rows: found.as_ref().map_or(0, |f| f.rows.0),
            current_rows: found.as_ref().map_or(0, |f| f.rows.1),
            features: found.as_ref().map_or(0, |f| f.features),
        }
    }
}

impl TogetherReport {
    /// The test's YAML name.
    pub const fn word(&self) -> &'static str {
        match self.method {
            Joint::Mmd => "mmd",
            Joint::DomainClassifier => "domain_classifier",
        }
    }
}

/// From when a difference is drift.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub alpha: f64,
    pub min_effect: f64,
}

/// The p-values of tests that gave one, in their order.
pub fn p_values(tested: &[Tested]) -> Vec<f64> {
    tested
        .iter()
        .filter_map(|t| t.found.as_ref().ok().map(|f| f.p_value))
        .collect()
}

const fn thousand() -> usize {
    1000
}

const fn rounds() -> u32 {
    999
}
