//! `cost.estimate`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Class, Context, Failure};
use crate::value::{Duration, Money};

/// Prices usage with a table of rates: the baseline of a saving, or the cost where nothing meters it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// What an hour costs, by the type of machine, and for each by the kind of capacity:
    /// `{g5.2xlarge: {on_demand: 1.212USD, spot: 0.3636USD}}`.
    #[schemars(length(min = 1))]
    rates: BTreeMap<String, BTreeMap<String, Money>>,
    /// What was used.
    #[schemars(length(min = 1))]
    usage: Vec<Used>,
}

/// Machines that ran.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// The type of machine, as the table names it.
    machine: String,
    /// The kind of capacity, as the table names it.
    capacity: String,
    /// How long each ran.
    ran: Duration,
    /// How many there were.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    count: u64,
}

/// What it costs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What everything costs together.
    total: Money,
    /// One for each entry of the usage, in its order.
    items: Vec<Item>,
}

/// What one entry costs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Item {
    /// The type of machine.
    machine: String,
    /// The kind of capacity.
    capacity: String,
    /// What it costs.
    cost: Money,
}

pub(super) struct Estimate;

impl Action for Estimate {
    const NAME: &'static str = "cost.estimate";
    type Params = Params;
    type Output = Output;

    async fn run(&self, params: Params, _: &Context) -> Result<Output, Failure> {
        let mut items = Vec::new();
        for used in params.usage {
            let unknown = |what: &str, word: &str, known: Vec<&str>| {
                let failure = Failure::new(Class::BadParameter, format!("the rates have no {what} `{word}`"));
                match crate::diag::did_you_mean(word, known.iter().copied()) {
                    Some(help) => failure.help(help),
                    None => failure,
                }
            };
            let known = params.rates.keys().map(String::as_str).collect();
            let machine = params
                .rates
                .get(&used.machine)
                .ok_or_else(|| unknown("machine", &used.machine, known))?;
            let known = machine.keys().map(String::as_str).collect();
            let hour = machine
                .get(&used.capacity)
                .ok_or_else(|| unknown("capacity", &used.capacity, known))?;
            if used.ran.0 < 0.0 || !used.ran.0.is_finite() {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("a machine cannot run for {}", used.ran),
                ));
            }
            items.push(Item {
                cost: Money {
                    amount: hour.amount * used.ran.0 / 3600.0 * used.count as f64,
                    currency: super::currency(&hour.currency)?.to_owned(),
                },
                machine: used.machine,
                capacity: used.capacity,
            });
        }
        let total = super::sum(items.iter().map(|i| &i.cost))?
            .ok_or_else(|| Failure::new(Class::BadParameter, "`usage` is empty"))?;
        Ok(Output { total, items })
    }
}

const fn one() -> u64 {
    1
}
