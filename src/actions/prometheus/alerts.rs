//! `prometheus.alerts`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::unsure;
use super::measured::Labels;
use super::rules::{self, Alert, Kind, Rule};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// Reads the pending and firing alerts, and whether the rules behind them work. "No alert" of a rule that does not
/// exist is `not_found`; of one that fails, was never evaluated or not lately it is inconclusive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The alerting rule; the alerts of all rules without it.
    #[serde(default)]
    name: Option<String>,
    /// Only alerts with these labels.
    #[serde(default)]
    labels: Labels,
}

/// The alerts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Pending and firing alerts.
    alerts: Vec<Alert>,
    /// How many fire.
    firing: usize,
    /// How many are pending: their condition holds, but not for long enough yet.
    pending: usize,
    /// How many alerting rules were looked at.
    rules: usize,
    /// How often the slowest of them is evaluated: an alert is seen at most this late.
    resolution: Option<Duration>,
}

pub(super) struct Alerts;

impl Action for Alerts {
    const NAME: &'static str = "prometheus.alerts";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let mut rules = rules::all(cx).await?;
        rules.retain(|r| r.kind == Kind::Alerting);
        if let Some(name) = &params.name {
            let known: Vec<String> = rules.iter().map(|r| r.name.clone()).collect();
            rules.retain(|r| r.name == *name);
            if rules.is_empty() {
                return Err(rules::unknown(name, &known));
            }
        }
        judge(cx, &rules);
        let wanted = |a: &Alert| params.labels.iter().all(|(k, v)| a.labels.get(k) == Some(v));
        let slowest = rules.iter().map(|r| r.interval.0).fold(0.0, f64::max);
        let looked_at = rules.len();
        let alerts: Vec<Alert> = rules.into_iter().flat_map(|r| r.alerts).filter(wanted).collect();
        let count = |state: &str| alerts.iter().filter(|a| a.state == state).count();
        Ok(Output {
            firing: count("firing"),
            pending: count("pending"),
            alerts,
            rules: looked_at,
            resolution: (looked_at > 0).then_some(Duration(slowest)),
        })
    }
}

/// Rules that do not work raise no alerts, which shows nothing.
fn judge(cx: &Context, rules: &[Rule]) {
    if rules.is_empty() {
        unsure(
            cx,
            "rules",
            "there are alerting rules",
            "Prometheus has no alerting rule, so that nothing can raise an alert",
        );
    }
    for rule in rules {
        let why = match rule.health.as_str() {
            "ok" if rule.stale => "was not evaluated lately".to_owned(),
            "ok" => continue,
            "err" => format!("fails: {}", rule.last_error),
            _ => "was not evaluated yet".to_owned(),
        };
        unsure(
            cx,
            &format!("rule[{}]", rule.name),
            format!("the rule `{}` works", rule.name),
            format!("the rule `{}` {why}", rule.name),
        );
    }
}
