//! What `load.run` gives.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::value::{Distribution, Duration, Moment, Proportion, Rate, Ratio, Series};

/// What came of a load. The warm-up is in none of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// All requests together.
    #[serde(flatten)]
    pub all: Figures,
    /// By tag of the `mix`.
    pub tags: BTreeMap<String, Figures>,
    /// By phase, in their order.
    pub phases: Vec<Part>,
    /// By window, in their order.
    pub windows: Vec<Part>,
    /// What happened when, in steps of a second or, when the load is long, more.
    pub timeline: Vec<Point>,
    /// When the first counted request was meant to be sent.
    pub started: Moment,
    /// From there to the last answer.
    pub elapsed: Duration,
    /// How the generator did.
    pub generator: Generator,
    /// What is kept in the run directory.
    pub files: Files,
}

/// Figures of a group of requests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Figures {
    /// Requests that were sent.
    pub sent: u64,
    /// Requests to which a whole answer came, whatever its status.
    pub answered: u64,
    /// Requests that were due and not sent, because `max_connections` were under way.
    pub dropped: u64,
    /// Answers by status: `statuses["200"]`.
    pub statuses: BTreeMap<String, u64>,
    /// Requests without the answer that was wanted.
    pub errors: Errors,
    /// Refusals, status 4xx, of all requests sent.
    pub rejected: Proportion,
    /// The time from the intended moment of sending to the end of the answer: what a user waits. Errors have no value and
    /// are larger than every limit. Each value is rounded up by less than 0.1 %.
    pub latency: Distribution,
    /// The time from the actual moment of sending to the end of the answer.
    pub service: Distribution,
    /// Right answers a second, of the time in which requests were counted: without the warm-up, without pauses between
    /// windows, and with `users` without the answers they still waited for at the end.
    pub throughput: Rate,
}

/// Requests without the answer that was wanted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Errors {
    /// How many.
    pub count: u64,
    /// Of all requests sent.
    pub rate: Series,
    /// By class: `timeout`, `server`, `accepted`.
    pub classes: BTreeMap<String, u64>,
}

/// A phase or a window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Part {
    /// Its name, or its number from 1.
    pub name: String,
    /// When it began.
    pub started: Moment,
    /// How long it was.
    pub length: Duration,
    #[serde(flatten)]
    pub figures: Figures,
}

/// A step of the timeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Point {
    /// When it began, on the clock of the whole run.
    pub at: Moment,
    /// From the first counted request to its beginning.
    pub offset: Duration,
    /// Requests that were meant to be sent in it, and were.
    pub sent: u64,
    /// Of these, those with the wanted answer.
    pub right: u64,
    /// Of these, those without.
    pub errors: u64,
    /// Not sent, because `max_connections` were under way.
    pub dropped: u64,
    /// The median of the latency in it; absent when it lies among errors, as the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<Duration>,
    /// 95 % of the latencies in it are not larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<Duration>,
    /// 99 % of the latencies in it are not larger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<Duration>,
}

/// How the generator did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Generator {
    /// The p99 of the time by which requests were sent later than intended.
    pub lag: Duration,
    /// The longest such time.
    pub longest_lag: Duration,
    /// The share of the time in which the busiest of its threads computed.
    pub cpu: Ratio,
    /// The processor time a request took.
    pub cpu_per_request: Duration,
    /// Requests that were due and not sent.
    pub dropped: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Threads that sent, in all processes.
    pub threads: u32,
    /// Looks at the results before the load ended.
    pub looks: u32,
}

/// What is kept in the run directory.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Files {
    /// Histograms by tag and step of the timeline, as JSON: to merge with those of other runs, or to draw.
    pub histograms: String,
    /// With `record`: every request, as Parquet.
    pub requests: Vec<String>,
}
