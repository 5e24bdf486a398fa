//! The detector that parameters ask for.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Failure, ParamProblem};
use crate::stats::drift::Correction;
use crate::stats::drift::compat::Evidently;
use crate::stats::drift::detector::{Detector, Finding, Found, Pair};
use crate::stats::drift::evidently;
use crate::stats::drift::measure::Method;
use crate::value::Ratio;

/// How columns are compared, and what counts as drift.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectorParams {
    /// The method of all columns. `auto` takes Kolmogorov–Smirnov for numbers and chi-square for categories.
    #[serde(default)]
    pub method: Option<Method>,
    /// Methods of single columns.
    #[serde(default)]
    pub methods: BTreeMap<String, Method>,
    /// The chance of a false alarm that is accepted, over all columns together. Without it 5% (1% where false alarms
    /// are counted).
    #[serde(default)]
    pub alpha: Option<Ratio>,
    /// The smallest effect that matters, 0.1 without it: a significant but smaller difference is no drift. Its scale
    /// is the method's: standard deviations for tests of numbers, Cramér's V for tests of categories, else the
    /// distance itself.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub min_effect: Option<f64>,
    /// The smallest difference between the shares of missing values that matters; 1% without it.
    #[serde(default)]
    pub min_missing: Option<Ratio>,
    /// How the p-values of all columns are corrected; `holm` without it.
    #[serde(default)]
    pub correction: Option<Correction>,
    /// Whether a category that the reference never had is drift even when it is seen once.
    #[serde(default)]
    pub any_new_category: Option<bool>,
    /// Judges as another program does, number for number and with its quirks.
    #[serde(default)]
    pub compat: Option<Compat>,
    /// Settings for `compat: evidently`.
    #[serde(default)]
    pub evidently: Option<EvidentlyParams>,
}

/// A program whose judgement is reproduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// Evidently 0.7: fixed thresholds whatever the sample size, no correction, missing values left out, and a
    /// chi-square test that takes the reference's shares as exact.
    Evidently,
}

/// Evidently's own settings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidentlyParams {
    /// The method of all columns; Evidently's choice for each column without it.
    #[serde(default)]
    method: Option<evidently::Method>,
    /// Methods of single columns.
    #[serde(default)]
    methods: BTreeMap<String, evidently::Method>,
    /// The threshold of all columns; each method's own without it.
    #[serde(default)]
    threshold: Option<f64>,
    /// The share of drifted columns from which the table counts as drifted; 50% without it.
    #[serde(default)]
    drift_share: Option<Ratio>,
}

/// A detector that is set up.
#[derive(Clone, Debug)]
pub enum Judge {
    Own(Detector),
    Evidently(Evidently),
}

impl DetectorParams {
    /// The detector, with this `alpha` where none is given.
    pub fn judge(&self, alpha: f64) -> Judge {
        if self.compat.is_some() {
            let given = self.evidently.clone().unwrap_or_default();
            return Judge::Evidently(Evidently {
                method: given.method,
                methods: given.methods,
                threshold: given.threshold,
                drift_share: given.drift_share.map_or(0.5, |r| r.0),
            });
        }
        Judge::Own(Detector {
            method: self.method.unwrap_or_default(),
            methods: self.methods.clone(),
            alpha: self.alpha.map_or(alpha, |r| r.0),
            min_effect: self.min_effect.unwrap_or(0.1),
            min_missing: self.min_missing.map_or(0.01, |r| r.0),
            correction: self.correction.unwrap_or_default(),
            any_new_category: self.any_new_category.unwrap_or(false),
        })
    }

    /// Refuses values that no schema can: shares outside of 0 to 1, methods of columns that are not compared, methods
    /// that do not suit their column.
    ///
    /// `columns` are those that are compared, and whether they hold numbers.
    pub fn fits(&self, columns: &[(&str, bool)]) -> Result<(), Failure> {
        let bad = |text: String| Err(Failure::new(Class::BadParameter, text));
        for (name, share) in [
            ("alpha", self.alpha),
            ("min_missing", self.min_missing),
            (
                "evidently.drift_share",
                self.evidently.as_ref().and_then(|e| e.drift_share),
            ),
        ] {
            if let Some(share) = share
                && !(0.0..=1.0).contains(&share.0)
            {
                return bad(format!("`{name}` is {share}, it must be between 0% and 100%"));
            }
        }
        if self.alpha.is_some_and(|a| a.0 <= 0.0 || a.0 >= 1.0) {
            return bad("`alpha` must be more than 0% and less than 100%".to_owned());
        }
        let theirs = self.evidently.iter().flat_map(|e| e.methods.keys());
        for column in self.methods.keys().chain(theirs) {
            if !columns.iter().any(|(name, _)| name == column) {
                return bad(format!("`methods` names `{column}`, which is not compared"));
            }
        }
        if self.compat.is_some() {
            return Ok(());
        }
        for (name, numeric) in columns {
            let method = self
                .methods
                .get(*name)
                .copied()
                .or(self.method)
                .unwrap_or_default();
            let (numbers, categories) = method.suits();
            let (fits, is, wants) = if *numeric {
                (numbers, "numbers", "categories")
            } else {
                (categories, "categories", "numbers")
            };
            if !fits {
                let word = method.word();
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("the method `{word}` is for {wants}, but the column `{name}` has {is}"),
                )
                .help(format!(
                    "give it another: `methods: {{{name}: auto}}`, or leave it out: `exclude: [{name}]`"
                )));
            }
        }
        Ok(())
    }
}

/// The mistakes in a detector's parameters at a pointer.
pub fn problems(params: &Json, pointer: &str) -> Vec<ParamProblem> {
    let has = |key: &str| params.get(key).is_some();
    let problem = |key: &str, message: &str| ParamProblem {
        pointer: format!("{pointer}/{key}"),
        key: None,
        message: message.to_owned(),
        help: None,
    };
    let mut all = Vec::new();
    if has("compat") {
        for key in [
            "method",
            "methods",
            "alpha",
            "min_effect",
            "min_missing",
            "correction",
            "any_new_category",
            "together",
        ] {
            if has(key) {
                let text = format!("`{key}` has no meaning with `compat: evidently`");
                all.push(problem(key, &text));
            }
        }
    } else if has("evidently") {
        all.push(problem("evidently", "`evidently` needs `compat: evidently`"));
    }
    all
}

impl Judge {
    /// Compares all columns: whether the table drifted, and what was found in each.
    pub fn run(&self, pairs: &[Pair], rng: &mut StdRng) -> (bool, Vec<Finding>) {
        let (drifted, found) = self.run_with(pairs, &[], rng);
        (drifted, found.columns)
    }

    /// The same with p-values of other tests in the family. Whether the table drifted is said of its columns alone.
    pub fn run_with(&self, pairs: &[Pair], others: &[f64], rng: &mut StdRng) -> (bool, Found) {
        match self {
            Self::Own(detector) => {
                let found = detector.detect_with(pairs, others, rng);
                (found.columns.iter().any(Finding::drifted), found)
            }
            Self::Evidently(evidently) => {
                let columns = evidently.detect(pairs, rng);
                let drifted = evidently.dataset_drifted(&columns);
                let found = Found {
                    columns,
                    others: others.to_vec(),
                    factor: 1.0,
                };
                (drifted, found)
            }
        }
    }
}
