//! `mlflow.metric_history`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::lookup;
use super::wire::{MetricRow, moment};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::Moment;

/// Reads every value a run logged for one metric. A metric the run never logged is `not_found`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
    /// The metric's name.
    metric: String,
}

/// The values of a metric.
#[derive(Debug, Serialize, JsonSchema)]
pub struct History {
    /// The values by step, then by time.
    points: Vec<Point>,
    /// How many there are.
    count: usize,
    /// How many of them are no finite numbers.
    not_finite: usize,
    /// The value at the last step; nothing when it is no finite number.
    last: Option<f64>,
    /// The smallest finite value.
    min: Option<f64>,
    /// The largest finite value.
    max: Option<f64>,
}

/// One value of a metric.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Point {
    /// The step it belongs to.
    step: i64,
    /// The value; nothing when it is NaN or infinite.
    value: Option<f64>,
    /// When it was logged.
    at: Moment,
}

pub(super) struct MetricHistory;

impl Action for MetricHistory {
    const NAME: &'static str = "mlflow.metric_history";
    type Params = Params;
    type Output = History;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<History, Failure> {
        let client = Client::new(cx)?;
        // Asked first, because MLflow has an empty history for a run that does not exist.
        let run = lookup::run(&client, &params.run_id).await?;
        let mut rows: Vec<MetricRow> = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = vec![
                ("run_id", params.run_id.as_str()),
                ("metric_key", params.metric.as_str()),
            ];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let page: Answer = client.get("metrics/get-history", &query).await?;
            rows.extend(page.metrics);
            match page.next_page_token.filter(|t| !t.is_empty()) {
                Some(next) => token = next,
                None => break,
            }
        }
        if rows.is_empty() {
            let mut known: Vec<&String> = run.metrics.keys().chain(run.not_finite.keys()).collect();
            known.sort();
            let known = known
                .iter()
                .map(|k| format!("`{k}`"))
                .collect::<Vec<_>>()
                .join(", ");
            let help = if known.is_empty() {
                "the run has no metrics".to_owned()
            } else {
                format!("its metrics are {known}")
            };
            return Err(Failure::new(
                Class::NotFound,
                format!(
                    "run {} never logged the metric `{}`",
                    params.run_id, params.metric
                ),
            )
            .help(help));
        }
        rows.sort_by_key(|r| (r.step, r.timestamp));
        let points = rows
            .iter()
            .map(|r| {
                Ok(Point {
                    step: r.step,
                    value: r.value.read().ok(),
                    at: moment(r.timestamp)?,
                })
            })
            .collect::<Result<Vec<_>, Failure>>()?;
        let finite = || points.iter().filter_map(|p| p.value);
        Ok(History {
            count: points.len(),
            not_finite: points.len() - finite().count(),
            last: points.last().and_then(|p| p.value),
            min: finite().reduce(f64::min),
            max: finite().reduce(f64::max),
            points,
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    metrics: Vec<MetricRow>,
    #[serde(default)]
    next_page_token: Option<String>,
}
