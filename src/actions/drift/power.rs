//! `drift.power`

use rand::SeedableRng;
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::change::{self, Change, refused};
use super::detect::chosen;
use super::false_positive_rate::detector;
use super::judge::{self, DetectorParams};
use super::plot;
use super::split::{Sizes, Split, Used};
use super::table::{load, reads};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::data::table::Table;
use crate::stats::binomial::{lower_bound, upper_bound};
use crate::stats::drift::detector::Pair;
use crate::stats::drift::frame::Frame;
use crate::stats::drift::inject::inject;
use crate::tools::Capability;
use crate::value::{Proportion, Ratio};

/// How often a drift detector notices drift that was put in: two disjoint parts of one table are drawn, one is changed
/// by each magnitude in turn, and the detector is asked. Magnitude 0 among them shows the false alarms beside it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The table without drift.
    reference: Table,
    /// What is put in.
    inject: Change,
    /// How much of it, in the unit of the kind.
    #[schemars(length(min = 1, max = 100))]
    magnitudes: Vec<f64>,
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
    /// How often each magnitude is tried.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    resamples: u64,
    /// The power from which a magnitude counts as detected, for `smallest_detected`.
    #[serde(default = "ninety_percent")]
    power: Ratio,
    /// The confidence of the bounds.
    #[serde(default = "usual_confidence")]
    confidence: Ratio,
    /// The seed of draws and changes; from the run's seed without it.
    #[serde(default)]
    seed: Option<u64>,
}

/// How often it noticed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One point for each magnitude, in rising order.
    points: Vec<Point>,
    /// The smallest magnitude from which on all are shown to be detected with the power; nothing when none is.
    smallest_detected: Option<f64>,
    /// How many rows the sides had.
    rows: Used,
    /// The picture of the curve, an SVG file.
    plot: String,
}

/// One magnitude.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Point {
    /// How much was asked for.
    magnitude: f64,
    /// The mean of what was measured after the change; nothing where the kind has no such measure.
    achieved: Option<f64>,
    /// How often the changed column was called drifted.
    detected: Proportion,
    /// How often any column was.
    alarms: Proportion,
    /// With the confidence the true power is not smaller.
    lower: Ratio,
    /// With the confidence the true power is not larger.
    upper: Ratio,
}

pub(super) struct Power;

impl Action for Power {
    const NAME: &'static str = "drift.power";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        vec![reads(params, "reference")]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let magnitudes: Vec<(String, &Json)> = params
            .get("magnitudes")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(i, m)| (format!("/magnitudes/{i}"), m))
            .collect();
        let places: Vec<(&str, &Json)> = magnitudes.iter().map(|(p, m)| (p.as_str(), *m)).collect();
        let mut all = Vec::new();
        if let Some(inject) = params.get("inject") {
            all.extend(change::problems(inject, "/inject", &places));
        }
        if let Some(detector) = params.get("detector") {
            all.extend(judge::problems(detector, "/detector"));
        }
        all
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!("measuring detection on `{}`", params.reference.path());
        super::aside(cx, &what.clone(), move |cx| power(params, cx, &what)).await
    }
}

fn power(mut params: Params, cx: &Context, what: &str) -> Result<Output, Failure> {
    let table = load(&params.reference, cx)?;
    let names = chosen(&table.columns(), &table.name, &params.columns, &params.exclude)?;
    let injected_column = &params.inject.column;
    if !names.contains(injected_column) {
        return Err(Failure::new(
            Class::BadParameter,
            format!("the changed column `{injected_column}` is not among the compared ones"),
        ));
    }
    let mut read = names.clone();
    read.extend(params.inject.columns().into_iter().filter(|c| !names.contains(c)));
    let frame = table.frame(&read, &params.categorical)?;
    let compared = Frame(frame.0[..names.len()].to_vec());
    let judge = detector(params.detector.as_ref(), &compared)?;
    let split = Split::new(frame.rows(), params.sizes, None)?;
    params.magnitudes.sort_by(f64::total_cmp);
    params.magnitudes.dedup();
    let mut rng = StdRng::seed_from_u64(params.seed.unwrap_or(cx.seed));
    let n = params.resamples;
    let mut points = Vec::with_capacity(params.magnitudes.len());
    for magnitude in &params.magnitudes {
        let injection = params.inject.of(*magnitude);
        let (mut detected, mut alarms, mut achieved) = (0, 0, Vec::new());
        for _ in 0..n {
            if cx.cancel.is_cancelled() {
                return Err(super::stopped(what));
            }
            let (a, b) = split.draw(&mut rng);
            let current = frame.take(&b);
            let done = inject(&current, &injection, &mut rng).map_err(|e| refused(injected_column, &e))?;
            achieved.extend(done.achieved);
            let current = current.after(injected_column, &done);
            let pairs: Vec<Pair> = compared
                .0
                .iter()
                .zip(&current.0)
                .map(|((name, reference), (_, current))| Pair {
                    column: name.clone(),
                    reference: reference.side_of(&a),
                    current: current.side(),
                })
                .collect();
            let (alarm, found) = judge.run(&pairs, &mut rng);
            alarms += u64::from(alarm);
            let fired = found.iter().any(|f| f.column == *injected_column && f.drifted());
            detected += u64::from(fired);
        }
        (cx.progress)(format!("magnitude {magnitude}: {detected} of {n} detected"));
        points.push(Point {
            magnitude: *magnitude,
            achieved: (!achieved.is_empty()).then(|| achieved.iter().sum::<f64>() / achieved.len() as f64),
            detected: Proportion { k: detected, n },
            alarms: Proportion { k: alarms, n },
            lower: Ratio(lower_bound(detected, n, params.confidence.0)),
            upper: Ratio(upper_bound(detected, n, params.confidence.0)),
        });
    }
    let shown: Vec<(f64, f64, f64, f64)> = points
        .iter()
        .map(|p| (p.magnitude, p.detected.k as f64 / n as f64, p.lower.0, p.upper.0))
        .collect();
    let title = format!("detection of a change of {injected_column}, by magnitude");
    let smallest_detected = points
        .iter()
        .rev()
        .take_while(|p| p.lower.0 >= params.power.0)
        .last()
        .map(|p| p.magnitude);
    Ok(Output {
        smallest_detected,
        rows: split.used(),
        plot: plot::keep(cx, "power", &plot::curve(&title, &shown))?,
        points,
    })
}

const fn hundred() -> u64 {
    100
}

const fn ninety_percent() -> Ratio {
    Ratio(0.9)
}

const fn usual_confidence() -> Ratio {
    Ratio(0.95)
}
