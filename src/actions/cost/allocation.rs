//! `cost.allocation`
//!
//! OpenCost's HTTP interface (`GET /allocation`), also Kubecost's (`/model/allocation`): one mapping per step of the window,
//! from the aggregate's value to its allocation. Written from its documentation and source; tested with made-up answers
//! of that shape, against no real OpenCost.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::http::{Request, Until};
use crate::value::{Duration, Money};

/// Asks OpenCost or Kubecost what was spent. OpenCost prices by the list of on-demand prices unless it was given others:
/// a job on spot nodes may "cost the same". `node` says where it ran; ask the cluster what kind of node that is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The time that is asked about: `24h`, `lastweek`, or two RFC 3339 times with a comma.
    #[schemars(length(min = 1))]
    window: String,
    /// By what costs are added up: `controller`, `namespace`, `label:job`.
    #[schemars(length(min = 1))]
    aggregate: String,
    /// Only the allocation of this name. Without cost recorded for it the step fails as `not_found`.
    #[serde(default)]
    name: Option<String>,
    /// The currency of the amounts, which the answer does not name.
    #[serde(default = "dollars")]
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    currency: String,
    /// Where the interface is below the endpoint's URL: `allocation` with OpenCost, `model/allocation` with Kubecost.
    #[serde(default = "path")]
    path: String,
}

/// What was spent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What was spent on everything that is listed.
    total: Money,
    /// By name, in the order of the names.
    allocations: Vec<Spent>,
}

/// What was spent on one thing, over all steps of the window.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Spent {
    /// Its name: the value of the aggregate.
    name: String,
    /// Everything.
    total: Money,
    /// Processors.
    cpu: Money,
    /// Accelerators.
    gpu: Money,
    /// Memory.
    memory: Money,
    /// How long it ran.
    ran: Duration,
    /// The node, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    /// The namespace, when it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

/// The parts that are read; amounts that could not be computed are null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    properties: Properties,
    minutes: Option<f64>,
    cpu_cost: Option<f64>,
    gpu_cost: Option<f64>,
    ram_cost: Option<f64>,
    total_cost: Option<f64>,
}

#[derive(Default, Deserialize)]
struct Properties {
    node: Option<String>,
    namespace: Option<String>,
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
        let endpoint = cx.tools.endpoints.get("cost").ok_or_else(|| {
            Failure::new(Class::Missing, "the environment has no endpoint `cost`")
                .help("name it in the environment file: `endpoints: {cost: {url: http://...}}`")
        })?;
        let request = Request::new("GET", params.path.clone())
            .query("window", params.window.clone())
            .query("aggregate", params.aggregate.clone());
        let until = Until {
            deadline: cx.deadline,
            cancel: cx.cancel.clone(),
        };
        let response = cx.tools.http.send(Some(endpoint), request, &until).await?;
        if let Some(failure) = response.failure() {
            return Err(failure);
        }
        let unreadable =
            |why: String| response.unreadable(&format!("it is not what OpenCost promises: {why}"));
        let json = response.json()?;
        match json.get("code").and_then(Json::as_u64) {
            Some(200) => {}
            Some(code) => {
                let said = json.get("message").and_then(Json::as_str).unwrap_or("no word");
                return Err(Failure::new(
                    Class::Invalid,
                    format!("OpenCost answers {code}: {said}"),
                ));
            }
            None => return Err(unreadable("it has no `code`".to_owned())),
        }
        let steps: Vec<Option<BTreeMap<String, Wire>>> =
            serde_json::from_value(json.get("data").cloned().unwrap_or(Json::Null))
                .map_err(|e| unreadable(e.to_string()))?;
        let spent = add_up(steps, &params).map_err(unreadable)?;
        if spent.is_empty() {
            let of = params
                .name
                .as_ref()
                .map(|n| format!(" for `{n}`"))
                .unwrap_or_default();
            return Err(Failure::new(
                Class::NotFound,
                format!("no cost is recorded{of} in the window `{}`", params.window),
            )
            .help("costs appear minutes after the work; ask again with `eventually`, or a longer window"));
        }
        let total = spent.iter().map(|s| s.total.amount).sum();
        Ok(Output {
            total: money(total, &params.currency),
            allocations: spent,
        })
    }
}

/// The costs of each name over all steps. An amount that could not be computed is an error: it is not zero.
fn add_up(steps: Vec<Option<BTreeMap<String, Wire>>>, params: &Params) -> Result<Vec<Spent>, String> {
    let mut by_name: BTreeMap<String, Spent> = BTreeMap::new();
    for (name, wire) in steps.into_iter().flatten().flatten() {
        if params.name.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let amount = |value: Option<f64>, key: &str| {
            value.ok_or_else(|| format!("the `{key}` of `{name}` is null: it could not be computed"))
        };
        let new = Spent {
            total: money(amount(wire.total_cost, "totalCost")?, &params.currency),
            cpu: money(amount(wire.cpu_cost, "cpuCost")?, &params.currency),
            gpu: money(amount(wire.gpu_cost, "gpuCost")?, &params.currency),
            memory: money(amount(wire.ram_cost, "ramCost")?, &params.currency),
            ran: Duration(amount(wire.minutes, "minutes")? * 60.0),
            node: wire.properties.node,
            namespace: wire.properties.namespace,
            name: name.clone(),
        };
        match by_name.get_mut(&name) {
            None => {
                by_name.insert(name, new);
            }
            Some(known) => {
                known.total.amount += new.total.amount;
                known.cpu.amount += new.cpu.amount;
                known.gpu.amount += new.gpu.amount;
                known.memory.amount += new.memory.amount;
                known.ran.0 += new.ran.0;
                if known.node != new.node {
                    known.node = None;
                }
            }
        }
    }
    Ok(by_name.into_values().collect())
}

fn money(amount: f64, currency: &str) -> Money {
    Money {
        amount,
        currency: currency.to_owned(),
    }
}

fn dollars() -> String {
    "USD".to_owned()
}

fn path() -> String {
    "allocation".to_owned()
}
