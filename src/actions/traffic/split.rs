//! `traffic.split`

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::probe::{self, Probe};
use super::tally::{Tally, Version};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::{Duration, Proportion, Rate, Ratio};

/// Sends requests and counts which version answers: the split of the traffic as it is, not as it is configured. A limit
/// on a share is an exact binomial test, which takes requests as independent: it does not hold for a proxy that keeps
/// a client on one version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is sent, and where its answer says which version it is from.
    request: Probe,
    /// How many requests.
    #[schemars(range(min = 1, max = 1_000_000))]
    requests: u64,
    /// At which rate they are sent.
    #[serde(default = "hundred")]
    rate: Rate,
    /// Versions that may answer. One of them that never does has the share 0 of all; a version that is not among them
    /// is counted too.
    #[serde(default)]
    versions: Vec<String>,
    /// How many of the requests may say no version; more make the step inconclusive.
    #[serde(default = "none")]
    max_unidentified: Ratio,
    /// The confidence of the intervals.
    #[serde(default = "usual")]
    confidence: Ratio,
}

/// Who answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many requests were sent.
    sent: u64,
    /// Each version that was expected or that answered.
    versions: Vec<Version>,
    /// The share of each of them by its name: `share.v2`.
    share: BTreeMap<String, Proportion>,
    /// Requests of which it is not known who answered, if anybody did.
    unidentified: Proportion,
    /// Requests without a 2xx answer.
    errors: Proportion,
    /// From the first request to the last answer.
    elapsed: Duration,
}

pub(super) struct Split;

impl Action for Split {
    const NAME: &'static str = "traffic.split";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        probe::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let endpoint = cx.endpoint("traffic", "the service whose traffic is split")?;
        let rate = probe::positive(params.rate)?;
        let started = Instant::now();
        let mut tally = Tally::expecting(&params.versions);
        let mut answers = pin!(params.request.run(cx, endpoint, rate, params.requests));
        while let Some(mut answered) = answers.next().await {
            if let Some(failure) = answered.failure.take_if(|f| probe::hopeless(f, cx)) {
                return Err(failure);
            }
            tally.count(answered);
        }
        let counts = tally.counts(params.confidence, params.max_unidentified, cx)?;
        Ok(Output {
            sent: counts.sent,
            versions: counts.versions,
            share: counts.share,
            unidentified: counts.unidentified,
            errors: counts.errors,
            elapsed: Duration(started.elapsed().as_secs_f64()),
        })
    }
}

pub(super) const fn hundred() -> Rate {
    Rate(100.0)
}

pub(super) const fn none() -> Ratio {
    Ratio(0.0)
}

pub(super) const fn usual() -> Ratio {
    Ratio(0.95)
}
