//! Injected changes as parameters say them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::finite;
use crate::action::{Class, Failure, ParamProblem};
use crate::stats::drift::Unsuitable;
use crate::stats::drift::inject::{Effect, Injection, Kind};
use crate::value::Ratio;

/// A change of a table, but for its magnitude.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The column that is changed, or by which rows are drawn.
    pub column: String,
    /// How it is changed.
    pub kind: Kind,
    /// For kinds that change numbers: the share of rows that are changed.
    #[serde(default)]
    pub fraction: Option<Ratio>,
    /// For `unit_change`: what is added after the multiplication.
    #[serde(default)]
    pub offset: Option<f64>,
    /// For `missing` and `concept_flip`: the column that says in which rows.
    #[serde(default)]
    pub by: Option<String>,
}

/// How far the column is from what it was, measured on the result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Measured {
    /// The mean's move in standard deviations of before.
    mean_shift: Option<f64>,
    /// The standard deviation over the one before.
    sd_ratio: Option<f64>,
    /// The Wasserstein distance in standard deviations of before.
    wasserstein: Option<f64>,
    /// The total variation distance of the categories.
    total_variation: Option<f64>,
    /// The share of missing values minus the one before.
    missing: f64,
}

impl Change {
    /// The change with a magnitude.
    pub fn of(&self, magnitude: f64) -> Injection {
        Injection {
            column: self.column.clone(),
            kind: self.kind,
            magnitude,
            fraction: self.fraction.map_or(1.0, |f| f.0.clamp(0.0, 1.0)),
            offset: self.offset.unwrap_or(0.0),
            by: self.by.clone(),
        }
    }

    /// The columns that are looked at.
    pub fn columns(&self) -> Vec<String> {
        std::iter::once(self.column.clone())
            .chain(self.by.clone())
            .collect()
    }
}

impl From<Effect> for Measured {
    fn from(effect: Effect) -> Self {
        Self {
            mean_shift: effect.mean_shift.and_then(finite),
            sd_ratio: effect.sd_ratio.and_then(finite),
            wasserstein: effect.wasserstein.and_then(finite),
            total_variation: effect.total_variation.and_then(finite),
            missing: effect.missing,
        }
    }
}

/// Why a change cannot be made.
pub fn refused(column: &str, why: &Unsuitable) -> Failure {
    Failure::new(Class::BadParameter, format!("changing `{column}`: {why}"))
}

/// What is wrong with a change at a pointer, as far as it is known before the run.
pub fn problems(params: &Json, pointer: &str, magnitudes: &[(&str, &Json)]) -> Vec<ParamProblem> {
    let Some(kind) = params
        .get("kind")
        .and_then(|k| serde_json::from_value::<Kind>(k.clone()).ok())
    else {
        return Vec::new();
    };
    let word = params.get("kind").and_then(Json::as_str).unwrap_or_default();
    let problem = |pointer: String, message: String| ParamProblem {
        pointer,
        key: None,
        message,
        help: None,
    };
    let mut all = Vec::new();
    let (needs, takes) = kind.looks_at();
    for (key, fits) in [
        ("fraction", kind.has_fraction()),
        ("offset", kind == Kind::UnitChange),
        ("by", takes),
    ] {
        if params.get(key).is_some() && !fits {
            let text = format!("`{key}` has no meaning with the kind `{word}`");
            all.push(problem(format!("{pointer}/{key}"), text));
        }
    }
    if needs && params.get("by").is_none() {
        let text = format!("the kind `{word}` needs `by`, the column that says in which rows");
        all.push(problem(format!("{pointer}/kind"), text));
    }
    for (place, magnitude) in magnitudes {
        if kind.is_share() && magnitude.as_f64().is_some_and(|m| !(0.0..=1.0).contains(&m)) {
            let text = format!("a magnitude of `{word}` is a share, between 0 and 1");
            all.push(problem((*place).to_owned(), text));
        }
    }
    all
}
