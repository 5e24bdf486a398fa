//! `cost.allocation`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Action, Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::Capability;
use crate::tools::http::Request;
use crate::value::{Duration, Money};

/// Asks OpenCost or Kubecost what workloads cost in a window. Both price by list price unless they are configured
/// otherwise, and name no currency: the step does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The window, as OpenCost reads it: `1h`, `today`, `2026-11-23T00:00:00Z,2026-11-24T00:00:00Z`.
    #[schemars(length(min = 1))]
    window: String,
    /// By what costs are put together: `controller`, `namespace`, `label:job`.
    #[schemars(length(min = 1))]
    aggregate: String,
    /// The currency OpenCost is configured with: `USD`.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: String,
    /// Only this one; that there is none is `not_found`.
    #[serde(default)]
    name: Option<String>,
    /// Whether what nobody used (`__idle__`) and what cannot be allotted (`__unallocated__`, ...) is among the items;
    /// `false` without it.
    #[serde(default)]
    include_idle: bool,
}

/// What they cost.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One for each workload, over the whole window.
    items: Vec<Item>,
    /// How many there are.
    count: usize,
    /// What they cost together; nothing when there is none.
    total: Option<Money>,
}

/// A workload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Item {
    /// The value of what costs are put together by.
    name: String,
    /// What it cost in all.
    cost: Money,
    /// What its processors cost.
    cpu: Money,
    /// What its GPUs cost.
    gpu: Money,
    /// What its memory cost.
    ram: Money,
    /// How long it ran.
    ran: Duration,
    /// The nodes it ran on, where OpenCost names one.
    nodes: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    code: Option<u16>,
    #[serde(default)]
    message: Option<String>,
    data: Option<Vec<Option<BTreeMap<String, Row>>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    /// Not a number is null in OpenCost's JSON.
    total_cost: Option<f64>,
    #[serde(default)]
    cpu_cost: Option<f64>,
    #[serde(default)]
    gpu_cost: Option<f64>,
    #[serde(default)]
    ram_cost: Option<f64>,
    #[serde(default)]
    minutes: Option<f64>,
    #[serde(default)]
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Properties {
    node: Option<String>,
}

pub(super) struct Allocation;

impl Action for Allocation {
    const NAME: &'static str = "cost.allocation";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        vec![Capability::Endpoint {
            family: "cost".to_owned(),
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let currency = super::currency(&params.currency)?;
        let steps = ask(&params, cx).await?;
        let mut items: BTreeMap<String, Item> = BTreeMap::new();
        for (name, row) in steps.into_iter().flatten().flatten() {
            if name.starts_with("__") && !params.include_idle {
                continue;
            }
            let Some(total) = row.total_cost else {
                unsure(cx, &format!("OpenCost gives no number for the cost of `{name}`"));
                continue;
            };
            let money = |amount: f64| Money {
                amount,
                currency: currency.to_owned(),
            };
            let item = items.entry(name.clone()).or_insert_with(|| Item {
                name,
                cost: money(0.0),
                cpu: money(0.0),
                gpu: money(0.0),
                ram: money(0.0),
                ran: Duration(0.0),
                nodes: Vec::new(),
            });
            item.cost.amount += total;
            item.cpu.amount += row.cpu_cost.unwrap_or(0.0);
            item.gpu.amount += row.gpu_cost.unwrap_or(0.0);
            item.ram.amount += row.ram_cost.unwrap_or(0.0);
            item.ran.0 += row.minutes.unwrap_or(0.0) * 60.0;
            if let Some(node) = row.properties.and_then(|p| p.node).filter(|n| !n.is_empty())
                && !item.nodes.contains(&node)
            {
                item.nodes.push(node);
            }
        }
        let mut items: Vec<Item> = items.into_values().collect();
        if let Some(name) = &params.name {
            let known: Vec<String> = items.iter().map(|i| i.name.clone()).collect();
            items.retain(|i| i.name == *name);
            if items.is_empty() {
                let failure = Failure::new(
                    Class::NotFound,
                    format!("OpenCost has no cost of `{name}` in this window"),
                );
                let help = crate::diag::did_you_mean(name, known.iter().map(String::as_str));
                return Err(match help {
                    Some(help) => failure.help(help),
                    None => failure,
                });
            }
        }
        if items.is_empty() {
            unsure(
                cx,
                "OpenCost has no cost in this window, which is not the same as none",
            );
        }
        Ok(Output {
            count: items.len(),
            total: super::sum(items.iter().map(|i| &i.cost))?,
            items,
        })
    }
}

async fn ask(params: &Params, cx: &Context) -> Result<Vec<Option<BTreeMap<String, Row>>>, Failure> {
    let endpoint = cx.endpoint("cost", "OpenCost")?;
    let request = Request::new("GET", "allocation")
        .query("window", params.window.clone())
        .query("aggregate", params.aggregate.clone());
    let response = cx.send(endpoint, request).await?;
    if let Some(mut failure) = response.failure() {
        if matches!(response.status, 404 | 405) {
            failure.class = Class::UnreadableAnswer;
            failure = failure
                .help("the endpoint's url ends before `/allocation`: for Kubecost it ends with `/model`");
        }
        return Err(failure);
    }
    let json = response.json()?;
    if !json.is_object() {
        return Err(response.unreadable("it is not what OpenCost promises: an object"));
    }
    let answer: Answer = serde_json::from_value(json)
        .map_err(|e| response.unreadable(&format!("it is not what OpenCost promises: {e}")))?;
    if let Some(code) = answer.code.filter(|code| *code != 200) {
        let said = answer.message.unwrap_or_default();
        return Err(Failure::new(
            Class::Invalid,
            format!("OpenCost refuses ({code}): {said}"),
        ));
    }
    answer
        .data
        .ok_or_else(|| response.unreadable("it is not what OpenCost promises: there is no `data`"))
}

fn unsure(cx: &Context, why: &str) {
    cx.checks.add(OwnCheck {
        id: "known".to_owned(),
        text: "the costs are known".to_owned(),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(Verdict::Inconclusive, why),
    });
}
