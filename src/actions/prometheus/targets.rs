//! `prometheus.targets`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{self, unsure};
use super::measured::Labels;
use super::wire::{TargetRow, TargetRows, ever};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::{Duration, Moment, Quantity};

/// Reads what Prometheus scrapes and whether it can: values of a target that is down are none, or old ones.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Only targets of this job.
    #[serde(default)]
    job: Option<String>,
    /// Only targets with these labels.
    #[serde(default)]
    labels: Labels,
}

/// The targets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Each target.
    targets: Vec<Target>,
    /// How many there are.
    count: usize,
    /// How many were scraped well, and lately.
    up: usize,
}

/// A target.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Target {
    /// The job it belongs to.
    job: String,
    /// `host:port`.
    instance: String,
    /// Its labels.
    labels: Labels,
    /// `up`, `down`, or `unknown` before the first scrape.
    health: String,
    /// Why the last scrape failed; empty when it did not.
    last_error: String,
    /// When it was last scraped.
    scraped: Option<Moment>,
    /// How often it is scraped, where Prometheus says so.
    interval: Option<Duration>,
    /// Whether the last scrape is more than three intervals (and 10 s) ago: what it says is old.
    stale: bool,
    /// What is scraped.
    url: String,
}

pub(super) struct Targets;

impl Action for Targets {
    const NAME: &'static str = "prometheus.targets";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let ask = [("state", "active".to_owned())];
        let rows = client::get::<TargetRows>(cx, "targets", &ask)
            .await?
            .data
            .active_targets;
        let mut targets: Vec<Target> = rows.into_iter().map(read).collect();
        targets.retain(|t| {
            params.job.as_ref().is_none_or(|job| *job == t.job)
                && params.labels.iter().all(|(k, v)| t.labels.get(k) == Some(v))
        });
        if targets.is_empty() {
            let why = "Prometheus scrapes no such target";
            unsure(cx, "targets", "there is a target", why);
        }
        Ok(Output {
            count: targets.len(),
            up: targets.iter().filter(|t| t.health == "up" && !t.stale).count(),
            targets,
        })
    }
}

fn read(row: TargetRow) -> Target {
    let label = |name: &str| row.labels.get(name).cloned().unwrap_or_default();
    let scraped = ever(row.last_scrape);
    let interval = row
        .scrape_interval
        .and_then(|text| text.parse::<Quantity>().ok())
        .map(|interval| Duration(interval.value));
    let old = scraped.map(|at| Timestamp::now().duration_since(at).as_secs_f64());
    // Prometheus' own default, where it does not say.
    let every = interval.map_or(60.0, |i| i.0);
    Target {
        job: label("job"),
        instance: label("instance"),
        health: row.health,
        last_error: row.last_error,
        scraped: scraped.map(Moment),
        interval,
        stale: old.is_some_and(|old| old > (3.0 * every).max(10.0)),
        url: row.scrape_url,
        labels: row.labels,
    }
}
