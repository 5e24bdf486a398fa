//! What `load.run` takes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::asked::Asked;
use crate::value::{Duration, Rate, Ratio};

/// Sends many requests and measures what comes back. The spec's checks judge the outputs: `traffic.latency.p95 < 200ms`
/// is a test with a confidence, in which errors and timeouts count as slow. Latency is counted from the moment at which
/// a request was meant to be sent, so that a server that stands still cannot hide it.
///
/// When not one request was answered the step is errored. When the generator itself was the bottleneck its own check is
/// inconclusive, and so is every check on the latency.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The request that is sent, an action with its parameters: `{http.request: {url: /}}`. Either this or `mix`.
    #[serde(default)]
    pub request: Option<Asked>,
    /// Several kinds of requests, mixed by their weights.
    #[serde(default)]
    #[schemars(length(min = 1, max = 100))]
    pub mix: Vec<Kind>,
    /// When requests are sent.
    pub arrival: Arrival,
    /// Ends after so many requests, the warm-up not counted. One of `requests`, `duration` and `windows` says when the
    /// load ends; `phases` and `burst` say it themselves.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub requests: Option<u64>,
    /// Ends after this time, the warm-up not counted.
    #[serde(default)]
    pub duration: Option<Duration>,
    /// Ends after several windows of time, each reported for itself.
    #[serde(default)]
    pub windows: Option<Windows>,
    /// Sends for this time before anything is counted; without it nothing is left out.
    #[serde(default)]
    pub warmup: Option<Duration>,
    /// JSON bodies that are sent in turn, in place of the request's own.
    #[serde(default)]
    pub bodies: Option<Bodies>,
    /// The most exchanges that are under way at once. A request that would be one more is dropped, and the generator's
    /// check is inconclusive.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 50_000))]
    pub max_connections: u32,
    /// How long an answer may take from the moment its request was sent; then it is an error of the class `timeout`.
    #[serde(default = "ten_seconds")]
    pub timeout: Duration,
    /// The version of HTTP: `"2"` shares few connections between many requests.
    #[serde(default)]
    pub http: Version,
    /// How many threads send. One sends some ten thousand requests a second.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 256))]
    pub threads: u32,
    /// Who sends, each with so many `threads`: a number of processes on this machine (0, without it, is specrun itself),
    /// or pods of a cluster: `{kubernetes: 4}`. Their results are merged before anything is judged.
    #[serde(default)]
    pub workers: Workers,
    /// What the generator must keep for its numbers to count.
    #[serde(default)]
    pub generator: GeneratorLimits,
    /// Sends more when what was sent does not suffice for an answer.
    #[serde(default)]
    pub on_inconclusive: Option<Extend>,
    /// Also keeps every single request, as Parquet files in the run directory.
    #[serde(default)]
    pub record: bool,
}

/// Who sends.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Workers {
    /// So many processes of specrun on this machine; 0 is specrun itself.
    Here(#[schemars(range(max = 64))] u32),
    /// Pods of the cluster that the environment names as `kube`.
    There(Pods),
}

impl Default for Workers {
    fn default() -> Self {
        Self::Here(0)
    }
}

/// Pods that send: each of a Job of its own, made for this load and deleted after it. They reach what pods of the cluster
/// reach; an address of this machine's own loopback is refused.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pods {
    /// How many.
    #[schemars(range(min = 1, max = 64))]
    pub kubernetes: u32,
    /// An image whose entry point is specrun, of the version that runs the spec; without it the `image` of the endpoint
    /// `kube`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub image: Option<String>,
    /// The namespace they run in; without it that of the endpoint `kube`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub namespace: Option<String>,
    /// The processors each asks its node for, as Kubernetes writes it: `"1"`, `500m`. Without it none, and the pods may be
    /// slowed down by others on their nodes.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub cpu: Option<String>,
    /// The memory each asks its node for: `256Mi`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub memory: Option<String>,
    /// Labels that their nodes must have: `{pool: load}`.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
}

/// One kind of request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name in the output: `tags.valid`.
    #[schemars(length(min = 1, max = 60), pattern(r"^[A-Za-z_][A-Za-z0-9_-]*$"))]
    pub tag: String,
    /// How often it comes compared with the others: 3 of one and 1 of another are 75 % and 25 %, evenly mixed.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub weight: u32,
    /// The request.
    pub request: Asked,
    /// Which answer is right.
    #[serde(default)]
    pub want: Want,
    /// JSON bodies that are sent in turn, in place of the request's own.
    #[serde(default)]
    pub bodies: Option<Bodies>,
}

/// Which answer is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// One that the action takes as a success.
    #[default]
    Answer,
    /// A refusal, status 4xx: whatever else comes is an error, an acceptance one of the class `accepted`.
    Rejection,
}

/// Bodies that are sent in turn.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Bodies {
    /// The bodies themselves.
    List(#[schemars(length(min = 1))] Vec<Json>),
    /// A file of JSON lines, relative to the spec's folder.
    File(#[schemars(length(min = 1))] String),
}

/// When requests are sent.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Open: so many a second, evenly, whether or not answers come: `20/s`.
    Rate(Rate),
    /// Open: so many a second on average, at random moments as independent users come (a Poisson process).
    Poisson(Rate),
    /// Open: one phase after the other.
    Phases(#[schemars(length(min = 1, max = 100))] Vec<Phase>),
    /// Closed: so many users, each of whom waits for the answer before the next request. A slow server is asked less, so
    /// this measures throughput; latency is measured with `rate` or `poisson`.
    Users(#[schemars(range(min = 1, max = 50_000))] u32),
    /// So many requests at once, and no more.
    Burst(#[schemars(range(min = 1, max = 50_000))] u32),
}

/// A part of a load with a rate of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Its name in the output; without it `1`, `2`, and so on.
    #[serde(default)]
    #[schemars(length(min = 1, max = 60))]
    pub name: Option<String>,
    /// So many a second, from its beginning.
    pub rate: Rate,
    /// So many a second at its end: the rate rises or falls evenly. Without it the rate stays.
    #[serde(default)]
    pub to: Option<Rate>,
    /// How long it lasts.
    pub duration: Duration,
    /// At random moments, as independent users come.
    #[serde(default)]
    pub poisson: bool,
}

/// Windows of time.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// How many.
    #[schemars(range(min = 1, max = 1000))]
    pub count: u32,
    /// How long each is.
    pub length: Duration,
    /// A pause between two, in which nothing is sent, so that they depend less on each other.
    #[serde(default)]
    pub pause: Option<Duration>,
}

/// What the generator must keep; beyond it, it was not the service that was measured.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneratorLimits {
    /// The p99 of the time by which requests were sent later than intended.
    #[schemars(default = "fifty_milliseconds")]
    pub lag: Duration,
    /// The share of the time in which the busiest of its threads computed.
    #[schemars(default = "ninety_percent")]
    pub cpu: Ratio,
    /// How many requests may be dropped because `max_connections` were under way.
    pub drops: u64,
}

impl Default for GeneratorLimits {
    fn default() -> Self {
        Self {
            lag: fifty_milliseconds(),
            cpu: ninety_percent(),
            drops: 0,
        }
    }
}

/// A fixed schedule of looks at what came so far: after each the load ends when all limits are decided either way, or
/// goes on. Every look could be wrong, so each gets its part of the risk: with 3 looks a check at 95 % confidence is
/// decided at 98.33 %.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// The most requests in all; `requests` is the number at the first look.
    #[schemars(range(min = 2, max = 1_000_000_000))]
    pub extend_to: u64,
    /// How many looks, the first and the last included; the others lie evenly between.
    #[serde(default = "three")]
    #[schemars(range(min = 2, max = 20))]
    pub looks: u32,
    /// Limits of the latency, by percentile: `{p95: 200ms}`.
    #[serde(default)]
    pub latency: Option<Percentiles>,
    /// The limit of the share of errors: `1%`.
    #[serde(default)]
    pub errors: Option<Ratio>,
    /// The confidence of the spec's checks.
    #[serde(default = "usual_confidence")]
    pub confidence: Ratio,
}

/// Limits of percentiles; at least one.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("minProperties" = 1))]
pub struct Percentiles {
    /// Half of the requests are faster.
    p50: Option<Duration>,
    /// 90 % of the requests are faster.
    p90: Option<Duration>,
    /// 95 % of the requests are faster.
    p95: Option<Duration>,
    /// 99 % of the requests are faster.
    p99: Option<Duration>,
    /// 99.9 % of the requests are faster.
    p999: Option<Duration>,
}

impl Percentiles {
    /// Those that are given, by their names.
    pub fn given(self) -> impl Iterator<Item = (&'static str, Duration)> {
        [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p95", self.p95),
            ("p99", self.p99),
            ("p999", self.p999),
        ]
        .into_iter()
        .filter_map(|(name, limit)| Some((name, limit?)))
    }
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Version {
    #[default]
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

const fn one() -> u32 {
    1
}

const fn three() -> u32 {
    3
}

const fn thousand() -> u32 {
    1000
}

const fn ten_seconds() -> Duration {
    Duration(10.0)
}

const fn fifty_milliseconds() -> Duration {
    Duration(0.05)
}

const fn ninety_percent() -> Ratio {
    Ratio(0.9)
}

const fn usual_confidence() -> Ratio {
    Ratio(0.95)
}
