//! `drift.false_positive_rate`

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::detect::chosen;
use super::judge::{self, DetectorParams, Judge};
use super::split::{self, Scheme, Sizes, Split, Used};
use super::table::{load, reads};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::data::table::Table;
use crate::stats::binomial::{lower_bound, upper_bound};
use crate::stats::drift::detector::Pair;
use crate::stats::drift::frame::Frame;
use crate::stats::limits::{shown_up_to, smallest_sample};
use crate::tools::Capability;
use crate::value::{Proportion, Ratio};

/// How often a drift detector raises an alarm when nothing drifted: two disjoint random parts of one table are
/// compared again and again, at the sizes production uses. The number of comparisons is planned so that `allowed`
/// alarms still show the rate to be below `max_rate`. All parts come from one table, so the rate is that of tables
/// like it; use `block_split` where rows depend on each other.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table without drift.
    reference: Table,
    /// The columns that are compared; all without it.
    #[serde(default)]
    columns: Vec<String>,
    /// Columns that are left out: keys, times.
    #[serde(default)]
    exclude: Vec<String>,
    /// Columns of numbers that are codes of categories.
    #[serde(default)]
    categorical: Vec<String>,
    /// The detector, as it is used in production; its `alpha` is 1% when none is given.
    #[serde(default)]
    detector: Option<DetectorParams>,
    /// How many rows the two sides get; half of the table each without it.
    #[serde(default)]
    sizes: Option<Sizes>,
    /// The rate of false alarms that must be shown not to be reached.
    #[serde(default = "five_percent")]
    max_rate: Ratio,
    /// The confidence with which it must be shown.
    #[serde(default = "usual_confidence")]
    confidence: Ratio,
    /// How many alarms may occur and the rate still counts as below `max_rate`: more of them make more comparisons
    /// necessary, and make it less likely that a good detector fails by chance.
    #[serde(default = "ten")]
    allowed: u64,
    /// How many comparisons are made; computed from `max_rate`, `confidence` and `allowed` without it.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    resamples: Option<u64>,
    /// How the two sides are drawn.
    #[serde(default)]
    scheme: Scheme,
    /// For `block_split`: the column whose equal values stay on one side.
    #[serde(default)]
    block: Option<String>,
    /// The seed of the draws; from the run's seed without it.
    #[serde(default)]
    seed: Option<u64>,
}

/// How often it was wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The share of comparisons with a false alarm; a limit on it is tested exactly.
    rate: Proportion,
    /// How many comparisons had a false alarm.
    alarms: u64,
    /// How many comparisons were made.
    resamples: u64,
    /// The most alarms that still show the rate to be below `max_rate`.
    allowed: u64,
    /// With the asked confidence the true rate is not larger.
    upper: Ratio,
    /// With the asked confidence the true rate is not smaller.
    lower: Ratio,
    /// How often each column fired.
    by_column: BTreeMap<String, u64>,
    /// Columns that could not have fired in any comparison: without values, or with too few.
    unable_columns: Vec<String>,
    /// How many rows the sides had.
    rows: Used,
}

pub(super) struct FalsePositiveRate;

impl Action for FalsePositiveRate {
    const NAME: &'static str = "drift.false_positive_rate";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        vec![reads(params, "reference")]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let mut all = split::problems(params);
        if let Some(detector) = params.get("detector") {
            all.extend(judge::problems(detector, "/detector"));
        }
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!("counting false alarms on `{}`", params.reference.path());
        super::aside(cx, &what.clone(), move |cx| rate(&params, cx, &what)).await
    }
}

/// How many comparisons, and how many alarms of them are allowed.
fn plan(params: &Params) -> Result<(u64, u64), Failure> {
    let (limit, confidence) = (params.max_rate.0, params.confidence.0);
    for (name, share) in [("max_rate", limit), ("confidence", confidence)] {
        if !(share > 0.0 && share < 1.0) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{name}` must be more than 0% and less than 100%"),
            ));
        }
    }
    let resamples = match params.resamples {
        Some(given) => given,
        None => smallest_sample(params.allowed, limit, confidence)
            .filter(|n| *n <= 1_000_000)
            .ok_or_else(|| {
                Failure::new(
                    Class::BadParameter,
                    format!(
                        "showing a rate below {} would take more than a million comparisons",
                        params.max_rate
                    ),
                )
            })?,
    };
    let allowed = shown_up_to(resamples, limit, confidence).ok_or_else(|| {
        let needed = smallest_sample(0, limit, confidence).unwrap_or(u64::MAX);
        Failure::new(
            Class::BadParameter,
            format!(
                "{resamples} comparisons cannot show a rate below {} with {} confidence, even without any alarm",
                params.max_rate, params.confidence
            ),
        )
        .help(format!("use at least {needed}, or leave `resamples` out"))
    })?;
    Ok((resamples, allowed))
}

fn rate(params: &Params, cx: &Context, what: &str) -> Result<Output, Failure> {
    if params.scheme == Scheme::Bootstrap {
        return Err(Failure::new(
            Class::BadParameter,
            "`bootstrap` draws the current side from the rows it is compared with, which hides false alarms",
        ));
    }
    let (resamples, allowed) = plan(params)?;
    let table = load(&params.reference, cx)?;
    let names = chosen(&table.columns(), &table.name, &params.columns, &params.exclude)?;
    let frame = table.frame(&names, &params.categorical)?;
    let block = match &params.block {
        Some(name) => table
            .frame(std::slice::from_ref(name), &[])?
            .0
            .pop()
            .map(|(_, c)| c),
        None => None,
    };
    let judge = detector(params.detector.as_ref(), &frame)?;
    let split = Split::new(frame.rows(), params.sizes, block)?;
    let mut by_column: BTreeMap<String, u64> = names.iter().map(|n| (n.clone(), 0)).collect();
    let mut able = vec![false; names.len()];
    let mut alarms = 0;
    let mut rng = StdRng::seed_from_u64(params.seed.unwrap_or(cx.seed));
    for round in 0..resamples {
        if cx.cancel.is_cancelled() {
            return Err(super::stopped(what));
        }
        if round > 0 && round % 50 == 0 {
            (cx.progress)(format!(
                "{round} of {resamples} comparisons, {alarms} false alarms"
            ));
        }
        let (a, b) = split.draw(&mut rng);
        if a.len() < 2 || b.len() < 2 {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the blocks are too large: a side got fewer than 2 rows",
            ));
        }
        let (alarm, found) = judge.run(&pairs(&frame, &a, &b), &mut rng);
        alarms += u64::from(alarm);
        for (place, found) in found.iter().enumerate() {
            able[place] |= found.unable.is_none();
            if found.drifted()
                && let Some(count) = by_column.get_mut(&found.column)
            {
                *count += 1;
            }
        }
    }
    if !able.contains(&true) {
        return Err(Failure::new(
            Class::BadParameter,
            "no column could have fired at these sizes, so that there are no false alarms says nothing",
        )
        .help("use more rows, a larger `alpha`, or fewer columns"));
    }
    Ok(Output {
        rate: Proportion {
            k: alarms,
            n: resamples,
        },
        alarms,
        resamples,
        allowed,
        upper: Ratio(upper_bound(alarms, resamples, params.confidence.0)),
        lower: Ratio(lower_bound(alarms, resamples, params.confidence.0)),
        by_column,
        unable_columns: names
            .into_iter()
            .zip(able)
            .filter(|(_, able)| !able)
            .map(|(n, _)| n)
            .collect(),
        rows: split.used(),
    })
}

/// The detector for a table that is split; its `alpha` is 1% when none is given.
pub(super) fn detector(params: Option<&DetectorParams>, frame: &Frame) -> Result<Judge, Failure> {
    let params = params.cloned().unwrap_or_default();
    params.fits(&frame.kinds())?;
    Ok(params.judge(0.01))
}

/// Two sides of every column, from rows of one table.
fn pairs(frame: &Frame, a: &[usize], b: &[usize]) -> Vec<Pair> {
    let pair = |(name, column): &(String, crate::stats::drift::frame::Column)| Pair {
        column: name.clone(),
        reference: column.side_of(a),
        current: column.side_of(b),
    };
    frame.0.iter().map(pair).collect()
}

const fn five_percent() -> Ratio {
    Ratio(0.05)
}

const fn usual_confidence() -> Ratio {
    Ratio(0.95)
}

const fn ten() -> u64 {
    10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &Json) -> Params {
        let mut all = serde_json::json!({"reference": {"path": "a.csv"}});
        if let (Some(all), Some(more)) = (all.as_object_mut(), json.as_object()) {
            all.extend(more.clone());
        }
        serde_json::from_value(all).expect("parameters")
    }

    #[test]
    fn the_plan_is_computed_from_what_must_be_shown() {
        // The plans of a binomial test at 95 %.
        for (json, plan_is) in [
            (serde_json::json!({}), (336, 10)),
            (serde_json::json!({"allowed": 0}), (59, 0)),
            (serde_json::json!({"allowed": 5}), (208, 5)),
            (serde_json::json!({"allowed": 1, "max_rate": "1%"}), (473, 1)),
            (serde_json::json!({"resamples": 100}), (100, 1)),
        ] {
            assert_eq!(plan(&params(&json)).expect("a plan"), plan_is, "{json}");
        }
        let none = plan(&params(&serde_json::json!({"resamples": 58}))).expect_err("too few");
        assert_eq!(
            none.help.as_deref(),
            Some("use at least 59, or leave `resamples` out")
        );
    }
}
