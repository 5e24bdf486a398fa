//! `alertmanager.await`

use std::time::Instant;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client;
use super::outputs::{Alert, Labels};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::{Duration, Moment};

/// Waits until an alert is there, or until it was there and is gone. That it did not come in time is an answer
/// (`appeared`, `cleared`) for checks to judge, not a failure; that Alertmanager does not answer is one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The alert's name.
    #[schemars(length(min = 1))]
    alert: String,
    /// Labels it must have.
    #[serde(default)]
    labels: Labels,
    /// The receiver it must be routed to.
    #[serde(default)]
    receiver: Option<String>,
    /// What is waited for.
    #[serde(default)]
    until: Until,
    /// How long.
    #[serde(default = "minute")]
    within: Duration,
    /// How often Alertmanager is asked.
    #[serde(default = "quarter")]
    every: Duration,
    /// An alert that began to fire before this moment belongs to an earlier incident and does not count.
    #[serde(default)]
    since: Option<Moment>,
    /// Whether an alert that is silenced or inhibited counts as there; `false` without it.
    #[serde(default)]
    suppressed: bool,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Until {
    /// The alert is there.
    #[default]
    Firing,
    /// The alert was there and is gone.
    Cleared,
}

/// What was seen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether the alert was there.
    appeared: bool,
    /// When it was first seen, by our clock; it arrived at most `resolution` before.
    appeared_at: Option<Moment>,
    /// Whether it was there and is gone.
    cleared: bool,
    /// When it was first seen to be gone; it went at most `resolution` before.
    cleared_at: Option<Moment>,
    /// The alert as it was first seen: active, or suppressed when no active one came.
    alert: Option<Alert>,
    /// Whether one was seen that is silenced, inhibited or muted.
    was_suppressed: bool,
    /// How long was waited.
    waited: Duration,
    /// The longest time from one look to the next.
    resolution: Duration,
    /// How often was looked.
    looks: u64,
}

pub(super) struct Await;

impl Action for Await {
    const NAME: &'static str = "alertmanager.await";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!("waiting for the alert `{}`", params.alert);
        let positive = |d: Duration, name: &str| {
            d.to_std().ok().filter(|d| !d.is_zero()).ok_or_else(|| {
                Failure::new(
                    Class::BadParameter,
                    format!("{what}: `{name}` must be a positive time"),
                )
            })
        };
        let (within, every) = (
            positive(params.within, "within")?,
            positive(params.every, "every")?,
        );
        let started = Instant::now();
        let mut seen = Output::nothing();
        let mut server = String::new();
        let mut looked = started;
        loop {
            let alerts = client::alerts(cx).await?;
            let now = Instant::now();
            seen.looks += 1;
            seen.resolution.0 = seen.resolution.0.max((now - looked).as_secs_f64());
            looked = now;
            let appeared = seen.appeared;
            let there = look(&alerts, &params, &mut seen);
            if seen.appeared && !appeared {
                server = client::started(cx).await?;
                (cx.progress)(format!("the alert `{}` is there", params.alert));
            }
            if seen.appeared && !there {
                // A server that was started anew has forgotten its alerts, which is not the same.
                if client::started(cx).await? != server {
                    return Err(Failure::new(
                        Class::Unavailable,
                        format!("{what}: Alertmanager was started anew after the alert was seen"),
                    )
                    .help("a restart forgets alerts, so whether this one was resolved cannot be told"));
                }
                seen.cleared = true;
                seen.cleared_at = Some(Moment(Timestamp::now()));
            }
            let done = match params.until {
                Until::Firing => seen.appeared,
                Until::Cleared => seen.cleared,
            };
            if done || started.elapsed() >= within {
                seen.waited = Duration(started.elapsed().as_secs_f64());
                return Ok(seen);
            }
            cx.pause(every.min(within.saturating_sub(started.elapsed())), &what)
                .await?;
        }
    }
}

impl Output {
    const fn nothing() -> Self {
        Self {
            appeared: false,
            appeared_at: None,
            cleared: false,
            cleared_at: None,
            alert: None,
            was_suppressed: false,
            waited: Duration(0.0),
            resolution: Duration(0.0),
            looks: 0,
        }
    }
}

/// Takes down what one look shows; whether the alert is there now.
fn look(alerts: &[Alert], params: &Params, seen: &mut Output) -> bool {
    let meant = |a: &&Alert| {
        a.fits(Some(&params.alert), &params.labels, params.receiver.as_deref())
            && params.since.is_none_or(|since| a.starts_at.0 >= since.0)
    };
    let mut there = false;
    for alert in alerts.iter().filter(meant) {
        let suppressed = alert.state == "suppressed";
        seen.was_suppressed |= suppressed;
        let counts = alert.state == "active" || (suppressed && params.suppressed);
        // Once it has appeared, one that is silenced meanwhile is still there.
        there |= counts || (seen.appeared && suppressed);
        if counts && !seen.appeared {
            seen.appeared = true;
            seen.appeared_at = Some(Moment(Timestamp::now()));
            seen.alert = Some(alert.clone());
        } else if seen.alert.is_none() {
            seen.alert = Some(alert.clone());
        }
    }
    there
}

const fn minute() -> Duration {
    Duration(60.0)
}

const fn quarter() -> Duration {
    Duration(0.25)
}
