//! `prometheus.range`

use std::time::Duration as Span;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{self, unsure};
use super::measured::{Labels, Measured, Unit, shown};
use super::query::point;
use super::wire::{MatrixRow, Ranged};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::{Duration, Moment, Ratio};

/// Prometheus refuses more points than this in one series.
const MOST_POINTS: f64 = 11_000.0;

/// Asks a query at every step of a span of time: what happened while the spec did something. The moments of the points
/// compare with those of other steps.
///
/// Points where the query gave nothing or no finite number are left out and counted; a series of which less than
/// `min_coverage` is there makes the step inconclusive, because its largest value says little of the span.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The query, in PromQL.
    #[schemars(length(min = 1))]
    query: String,
    /// When the span begins; this or `last`.
    #[serde(default)]
    start: Option<Moment>,
    /// When it ends; now without it.
    #[serde(default)]
    end: Option<Moment>,
    /// How long the span is, up to `end`; this or `start`.
    #[serde(default)]
    last: Option<Duration>,
    /// From one point to the next.
    step: Duration,
    /// What the numbers are, so that checks can compare them with `5%` or `200ms`.
    #[serde(default)]
    unit: Option<Unit>,
    /// The share of its points that every series must have; less makes the step inconclusive.
    #[serde(default = "half")]
    min_coverage: Ratio,
    /// Whether an empty answer is one the spec reckons with; `false` without it.
    #[serde(default)]
    allow_empty: bool,
}

/// What the query gave.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One for each series with at least one point.
    series: Vec<Series>,
    /// How many there are.
    count: usize,
    /// How many points a series has that is there all the time.
    expected_points: u64,
    /// When the span began.
    start: Moment,
    /// When it ended.
    end: Moment,
    /// From one point to the next: a change is seen at most this late.
    resolution: Duration,
    /// What Prometheus says about a part that is missing.
    warnings: Vec<String>,
}

/// One series.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Series {
    /// Its labels.
    labels: Labels,
    /// Its finite values, in the order of time.
    points: Vec<Point>,
    /// How many points were `NaN` or infinite.
    not_finite: u64,
    /// The share of all points of the span that have a finite value.
    coverage: Ratio,
    /// The smallest value.
    min: Measured,
    /// The largest value.
    max: Measured,
    /// The mean of the points.
    mean: Measured,
    /// The first value.
    first: Measured,
    /// The last value.
    last: Measured,
}

/// A value at a moment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Point {
    /// The moment, by Prometheus' clock.
    at: Moment,
    /// The number as Prometheus gives it.
    value: f64,
}

pub(super) struct Range;

impl Action for Range {
    const NAME: &'static str = "prometheus.range";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let problem = |pointer: &str, key: Option<&str>, message: &str| ParamProblem {
            pointer: pointer.to_owned(),
            key: key.map(str::to_owned),
            message: message.to_owned(),
            help: None,
        };
        match (params.get("start"), params.get("last")) {
            (Some(_), Some(_)) => vec![problem(
                "/last",
                Some("last"),
                "only one of `start`, `last` can be given",
            )],
            (None, None) => vec![problem("", None, "one of `start`, `last` is missing")],
            _ => Vec::new(),
        }
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let (start, end) = span(&params)?;
        let length = end.as_duration().as_secs_f64() - start.as_duration().as_secs_f64();
        let step = params.step.0;
        let wanted = (length / step).floor() + 1.0;
        if step <= 0.0 || step.is_nan() || length < 0.0 || wanted > MOST_POINTS {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "a span of {} with a point every {} cannot be asked for",
                    Duration(length),
                    params.step
                ),
            )
            .help(format!(
                "the end comes after the start, and a series has at most {MOST_POINTS} points"
            )));
        }
        let ask = [
            ("query", params.query.clone()),
            ("start", start.to_string()),
            ("end", end.to_string()),
            ("step", step.to_string()),
        ];
        let answer = client::get::<Ranged>(cx, "query_range", &ask).await?;
        let Ranged::Matrix(rows) = answer.data;
        let mut series = Vec::new();
        let mut only_odd = Vec::new();
        for row in rows {
            let labels = row.metric.clone();
            match read(row, wanted, params.unit, &params.query)? {
                Some(found) => series.push(found),
                None => only_odd.push(labels),
            }
        }
        client::whole(cx, &answer.warnings);
        judge(cx, &params, &series, &only_odd);
        Ok(Output {
            count: series.len(),
            series,
            expected_points: wanted as u64,
            start: Moment(start),
            end: Moment(end),
            resolution: params.step,
            warnings: answer.warnings,
        })
    }
}

fn span(params: &Params) -> Result<(Timestamp, Timestamp), Failure> {
    let end = params.end.map_or_else(Timestamp::now, |m| m.0);
    let start = match (params.start, params.last) {
        (Some(start), None) => Some(start.0),
        (None, Some(last)) => Span::try_from_secs_f64(last.0)
            .ok()
            .and_then(|span| end.checked_sub(span).ok()),
        _ => None,
    };
    let start = start.ok_or_else(|| {
        Failure::new(
            Class::BadParameter,
            "the span needs either `start` or a positive `last`",
        )
    })?;
    Ok((start, end))
}

/// What cannot be judged makes the step inconclusive.
fn judge(cx: &Context, params: &Params, series: &[Series], only_odd: &[Labels]) {
    if series.is_empty() && only_odd.is_empty() && !params.allow_empty {
        unsure(
            cx,
            "series",
            "the query gives a series",
            "no series matches the query, which is not the same as zero",
        );
    }
    if params.min_coverage.0 <= 0.0 {
        return;
    }
    let text = format!("every series has {} of its points", params.min_coverage);
    if let Some(labels) = only_odd.first() {
        let why = format!("{} has no finite value in the span", shown(labels));
        unsure(cx, "coverage", text, why);
    } else if let Some(thin) = series.iter().find(|s| s.coverage.0 < params.min_coverage.0) {
        let why = format!("{} has {} of its points", shown(&thin.labels), thin.coverage);
        unsure(cx, "coverage", text, why);
    }
}

/// A row with its summary; none when it has no finite value.
fn read(row: MatrixRow, wanted: f64, unit: Option<Unit>, query: &str) -> Result<Option<Series>, Failure> {
    if row.values.is_empty() && !row.histograms.is_empty() {
        return Err(Failure::new(
            Class::BadParameter,
            format!("the query `{query}` gives native histograms"),
        )
        .help("ask for a number of them: `histogram_quantile(0.99, ...)`"));
    }
    let mut points = Vec::with_capacity(row.values.len());
    let mut not_finite = 0;
    for raw in &row.values {
        let (at, value) = point(raw).map_err(|e| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("Prometheus' answer to `{query}` cannot be read: {e}"),
            )
        })?;
        match value {
            Ok(value) => points.push(Point {
                at: Moment(at),
                value,
            }),
            Err(_) => not_finite += 1,
        }
    }
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Ok(None);
    };
    let measured = |value: f64| Measured::new(value, unit);
    let least = |a: f64, p: &Point| a.min(p.value);
    let most = |a: f64, p: &Point| a.max(p.value);
    let n = points.len() as f64;
    Ok(Some(Series {
        min: measured(points.iter().fold(f64::INFINITY, least)),
        max: measured(points.iter().fold(f64::NEG_INFINITY, most)),
        // Each divided first: the sum of large values may overflow.
        mean: measured(points.iter().map(|p| p.value / n).sum()),
        first: measured(first.value),
        last: measured(last.value),
        coverage: Ratio((n / wanted).min(1.0)),
        labels: row.metric,
        not_finite,
        points,
    }))
}

const fn half() -> Ratio {
    Ratio(0.5)
}
