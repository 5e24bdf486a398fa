//! `prometheus.rules`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client;
use super::measured::Labels;
use super::wire::{AlertRow, RuleGroups, RuleRow, ever};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::{Duration, Moment};

/// Reads recording and alerting rules with their health. An inactive alerting rule shows nowhere else: where a spec
/// asks "no alert", ask here whether the rule exists and works.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Only rules with this name. That there is none is `not_found`; without it all rules are given.
    #[serde(default)]
    name: Option<String>,
    /// Only rules of this group.
    #[serde(default)]
    group: Option<String>,
    /// Only rules of this kind.
    #[serde(default)]
    kind: Option<Kind>,
}

/// What a rule makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Alerts.
    Alerting,
    /// A series.
    Recording,
}

/// The rules.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Each rule, in Prometheus' order.
    rules: Vec<Rule>,
    /// How many there are.
    count: usize,
}

/// A rule.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Rule {
    /// Its name: the alert's, or that of the recorded series.
    pub name: String,
    /// The group it belongs to.
    pub group: String,
    /// What it makes.
    pub kind: Kind,
    /// `inactive`, `pending` or `firing`; nothing of a recording rule.
    pub state: Option<String>,
    /// `ok`; `err` when its query fails; `unknown` before the first evaluation.
    pub health: String,
    /// Why its query fails; empty when it does not.
    pub last_error: String,
    /// Its query.
    pub query: String,
    /// How long its condition must hold before it fires.
    #[serde(rename = "for")]
    pub hold: Duration,
    /// The labels it gives to its alerts or series.
    pub labels: Labels,
    /// When it was last evaluated.
    pub evaluated: Option<Moment>,
    /// How often it is evaluated: it notices a change at most this late.
    pub interval: Duration,
    /// Whether the last evaluation is more than three intervals (and 10 s) ago: what it says is old.
    pub stale: bool,
    /// Its pending and firing alerts.
    pub alerts: Vec<Alert>,
}

/// An alert of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Alert {
    /// The rule's name.
    pub name: String,
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// Its annotations, their templates filled in.
    pub annotations: Labels,
    /// `pending` or `firing`.
    pub state: String,
    /// Since when the condition has held, the time it was pending included.
    pub active_at: Option<Moment>,
    /// The value of the rule's expression; nothing when it is no finite number.
    pub value: Option<f64>,
}

pub(super) struct Rules;

impl Action for Rules {
    const NAME: &'static str = "prometheus.rules";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let all = all(cx).await?;
        let fits = |r: &&Rule| {
            params.group.as_ref().is_none_or(|g| *g == r.group) && params.kind.is_none_or(|k| k == r.kind)
        };
        let mut rules: Vec<Rule> = all.iter().filter(fits).cloned().collect();
        if let Some(name) = &params.name {
            let known: Vec<String> = rules.iter().map(|r| r.name.clone()).collect();
            rules.retain(|r| r.name == *name);
            if rules.is_empty() {
                return Err(unknown(name, &known));
            }
        }
        Ok(Output {
            count: rules.len(),
            rules,
        })
    }
}

/// Every rule of the server.
pub(super) async fn all(cx: &Context) -> Result<Vec<Rule>, Failure> {
    let groups = client::get::<RuleGroups>(cx, "rules", &[]).await?.data.groups;
    let mut all = Vec::new();
    for group in groups {
        let (name, interval) = (group.name.clone(), group.interval);
        for row in group.rules {
            all.push(read(row, &name, interval)?);
        }
    }
    Ok(all)
}

/// There is no rule of this name; the nearest is named.
pub(super) fn unknown(name: &str, known: &[String]) -> Failure {
    let failure = Failure::new(Class::NotFound, format!("Prometheus has no such rule: `{name}`"));
    match crate::diag::did_you_mean(name, known.iter().map(String::as_str)) {
        Some(help) => failure.help(help),
        None => failure.help("it has no rules at all: does its configuration name `rule_files`?"),
    }
}

fn read(row: RuleRow, group: &str, interval: f64) -> Result<Rule, Failure> {
    let kind = match row.kind.as_str() {
        "alerting" => Kind::Alerting,
        "recording" => Kind::Recording,
        other => {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!("Prometheus' rule `{}` is of the unknown kind `{other}`", row.name),
            ));
        }
    };
    let evaluated = ever(row.last_evaluation);
    let old = evaluated.map(|at| Timestamp::now().duration_since(at).as_secs_f64());
    let alerts = row.alerts.into_iter().map(|a| alert(&row.name, a)).collect();
    Ok(Rule {
        alerts,
        group: group.to_owned(),
        kind,
        state: row.state,
        health: row.health,
        last_error: row.last_error,
        query: row.query,
        hold: Duration(row.duration),
        labels: row.labels,
        evaluated: evaluated.map(Moment),
        interval: Duration(interval),
        stale: old.is_some_and(|old| old > (3.0 * interval).max(10.0)),
        name: row.name,
    })
}

fn alert(rule: &str, row: AlertRow) -> Alert {
    Alert {
        name: rule.to_owned(),
        labels: row.labels,
        annotations: row.annotations,
        state: row.state,
        active_at: ever(row.active_at).map(Moment),
        value: row.value.parse().ok().filter(|v: &f64| v.is_finite()),
    }
}
