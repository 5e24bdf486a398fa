//! `cost.rates`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Class, Context, Failure};
use crate::diag;
use crate::value::{Duration, Money, Ratio};

/// Costs by a table of rates: hours times the price of an hour, beside what the same hours would have cost on demand.
/// The hours are measured by other steps; the rates are the spec's.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The prices of an hour, by kind of machine: `{g5.2xlarge: {on_demand: 1.212USD, spot: 0.364USD}}`.
    #[schemars(length(min = 1))]
    rates: BTreeMap<String, Rate>,
    /// What was used.
    #[schemars(length(min = 1))]
    usage: Vec<Usage>,
}

/// The prices of an hour of a machine.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rate {
    /// On demand.
    on_demand: Money,
    /// On the spot market.
    #[serde(default)]
    spot: Option<Money>,
}

/// A machine that was used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Usage {
    /// The kind of machine, as in `rates`.
    machine: String,
    /// How it was bought.
    bought: Bought,
    /// How long it was used.
    ran: Duration,
}

/// How a machine is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Bought {
    /// At the list price.
    OnDemand,
    /// On the spot market.
    Spot,
}

/// What it cost.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// What was used, at its rates.
    cost: Money,
    /// The same hours on demand: the baseline.
    on_demand: Money,
    /// What was saved: 1 - cost / `on_demand`.
    saved: Ratio,
    /// How long machines were used, all together.
    ran: Duration,
}

pub(super) struct Rates;

impl Action for Rates {
    const NAME: &'static str = "cost.rates";
    type Params = Params;
    type Output = Output;

    async fn run(&self, params: Params, _: &Context) -> Result<Output, Failure> {
        price(&params)
    }
}

fn price(params: &Params) -> Result<Output, Failure> {
    let wrong = |message: String| Failure::new(Class::BadParameter, message);
    let currency = params
        .rates
        .values()
        .next()
        .map(|r| r.on_demand.currency.clone())
        .ok_or_else(|| wrong("`rates` names no machine".to_owned()))?;
    for (machine, rate) in &params.rates {
        for price in std::iter::once(&rate.on_demand).chain(&rate.spot) {
            if price.currency != currency {
                return Err(wrong(format!(
                    "the rates mix {currency} and {} (`{machine}`), which cannot be added",
                    price.currency
                )));
            }
            if price.amount.is_nan() || price.amount < 0.0 {
                return Err(wrong(format!("the rate {price} of `{machine}` is no price")));
            }
        }
    }
    let (mut cost, mut on_demand, mut ran) = (0.0, 0.0, 0.0);
    for usage in &params.usage {
        let rate = params.rates.get(&usage.machine).ok_or_else(|| {
            let failure = wrong(format!("`rates` has no machine `{}`", usage.machine));
            match diag::closest(&usage.machine, params.rates.keys().map(String::as_str)) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure,
            }
        })?;
        if usage.ran.0.is_nan() || usage.ran.0 < 0.0 {
            return Err(wrong(format!(
                "`{}` cannot have run for {}",
                usage.machine, usage.ran
            )));
        }
        let hours = usage.ran.0 / 3600.0;
        let paid = match usage.bought {
            Bought::OnDemand => &rate.on_demand,
            Bought::Spot => rate
                .spot
                .as_ref()
                .ok_or_else(|| wrong(format!("`rates` has no `spot` price of `{}`", usage.machine)))?,
        };
        cost += hours * paid.amount;
        on_demand += hours * rate.on_demand.amount;
        ran += usage.ran.0;
    }
    if on_demand <= 0.0 {
        return Err(wrong(
            "the baseline is zero: nothing ran, or the on-demand rates are zero".to_owned(),
        ));
    }
    let money = |amount: f64| Money {
        amount,
        currency: currency.clone(),
    };
    Ok(Output {
        cost: money(cost),
        on_demand: money(on_demand),
        saved: Ratio(1.0 - cost / on_demand),
        ran: Duration(ran),
    })
}
