//! `traffic.await`

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::probe::{self, Probe};
use super::split::{hundred, none, usual};
use super::tally::{Tally, Version};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::stats::binomial::upper_bound;
use crate::tools::Capability;
use crate::value::{Duration, Moment, Proportion, Rate, Ratio};

/// Sends requests until one version has answered a whole window of them: that a rollback, a rollout or a failover has
/// reached the traffic. That it did not in time is an answer (`reached`) for checks to judge, not a failure.
///
/// A window can also come about by chance while another version still has a share; `by_chance` says how likely that
/// is. With 200 requests and a share of 10% it is less than one in a million.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What is sent, and where its answer says which version it is from.
    request: Probe,
    /// The version that has to answer.
    #[schemars(length(min = 1))]
    to: String,
    /// How many requests in a row it has to answer.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 1, max = 100_000))]
    window: u64,
    /// How long is waited for that.
    #[serde(default = "minute")]
    within: Duration,
    /// At which rate requests are sent: what is found is known to the time between two of them.
    #[serde(default = "hundred")]
    rate: Rate,
    /// How many of the requests may say no version; more make the step inconclusive.
    #[serde(default = "none")]
    max_unidentified: Ratio,
    /// The confidence of the intervals.
    #[serde(default = "usual")]
    confidence: Ratio,
}

/// Who answered, and since when only one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether the version answered a whole window.
    reached: bool,
    /// When the first request of that window was sent.
    reached_at: Option<Moment>,
    /// When the last request that another version answered was sent.
    last_other_at: Option<Moment>,
    /// At most how likely such a window comes about by chance, with the other versions' share before it.
    by_chance: Option<Ratio>,
    /// The time between two requests: the moments are known to it.
    resolution: Duration,
    /// How long was waited, the window included.
    waited: Duration,
    /// How many requests were sent.
    sent: u64,
    /// Each version that answered, and the one that had to.
    versions: Vec<Version>,
    /// The share of each of them by its name: `share.v2`.
    share: BTreeMap<String, Proportion>,
    /// Requests of which it is not known who answered, if anybody did.
    unidentified: Proportion,
    /// Requests without a 2xx answer.
    errors: Proportion,
}

/// The requests in a row that the version has answered.
#[derive(Default)]
struct Row {
    length: u64,
    since: Option<Timestamp>,
}

pub(super) struct Await;

impl Action for Await {
    const NAME: &'static str = "traffic.await";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        probe::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let endpoint = cx.endpoint("traffic", "the service whose traffic moves")?;
        let rate = probe::positive(params.rate)?;
        let within = params
            .within
            .to_std()
            .ok()
            .filter(|d| !d.is_zero())
            .ok_or_else(|| {
                Failure::new(Class::BadParameter, "`within` must be a positive time".to_owned())
            })?;
        let started = Instant::now();
        let mut tally = Tally::expecting(std::slice::from_ref(&params.to));
        let mut row = Row::default();
        {
            let mut answers = pin!(params.request.run(cx, endpoint, rate, u64::MAX));
            let end = (started + within).into();
            while row.length < params.window {
                // A server that answers nothing must not hold the step longer than it wants to wait.
                let Ok(Some(mut answered)) = tokio::time::timeout_at(end, answers.next()).await else {
                    break;
                };
                if let Some(failure) = answered.failure.take_if(|f| probe::hopeless(f, cx)) {
                    return Err(failure);
                }
                row = row.after(
                    answered.at,
                    answered.version.as_deref() == Some(params.to.as_str()),
                );
                tally.count(answered);
                // A whole window of which nothing is known is no service to wait for.
                if tally.nothing_known() && tally.sent >= params.window {
                    break;
                }
            }
        }
        let reached = row.length >= params.window;
        let chance = chance(tally.of(&params.to), tally.sent, params.window, params.confidence);
        let last_other = tally.last_other(&params.to);
        let counts = tally.counts(params.confidence, params.max_unidentified, cx)?;
        Ok(Output {
            reached,
            reached_at: row.since.filter(|_| reached).map(Moment),
            last_other_at: last_other.map(Moment),
            by_chance: reached.then_some(Ratio(chance)),
            resolution: Duration(1.0 / rate.0),
            waited: Duration(started.elapsed().as_secs_f64()),
            sent: counts.sent,
            versions: counts.versions,
            share: counts.share,
            unidentified: counts.unidentified,
            errors: counts.errors,
        })
    }
}

impl Row {
    fn after(self, at: Timestamp, fits: bool) -> Self {
        if fits {
            Self {
                length: self.length + 1,
                since: self.since.or(Some(at)),
            }
        } else {
            Self::default()
        }
    }
}

/// An upper bound of the chance of at least one window of `w` among `n` requests, when each is answered by the version
/// with the chance that the `k - w` of `n - w` before the window allow at most.
fn chance(k: u64, n: u64, w: u64, confidence: Ratio) -> f64 {
    let (before, of) = (k.saturating_sub(w), n.saturating_sub(w));
    if of == 0 {
        return 1.0;
    }
    let most = upper_bound(before, of, confidence.0);
    (most.powf(w as f64) * (of + 1) as f64).min(1.0)
}

const fn two_hundred() -> u64 {
    200
}

const fn minute() -> Duration {
    Duration(60.0)
}

#[cfg(test)]
mod windows {
    use super::*;

    #[test]
    fn a_window_right_away_may_be_chance_and_a_long_one_after_a_split_is_not() {
        let usual = Ratio(0.95);
        assert_eq!(chance(200, 200, 200, usual), 1.0);
        // 450 of 500 before it: at most 92.1% with 95% confidence (scipy.stats.beta.ppf(0.95, 451, 50)).
        let found = chance(650, 700, 200, usual);
        let wanted = 0.921_261_429_954_797_1_f64.powf(200.0) * 501.0;
        assert!((found / wanted - 1.0).abs() < 1e-9, "{found} {wanted}");
        assert!(found < 1e-4);
        assert!(chance(19, 20, 10, usual) > 0.5);
    }
}
