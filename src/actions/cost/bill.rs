//! `cost.bill`
//!
//! Columns of AWS's Cost and Usage Reports (2.0: `line_item_unblended_cost`; 1: `lineItem/UnblendedCost`) and of the
//! FinOps Open Cost and Usage Specification (FOCUS 1.0: `BilledCost`, `ListCost`, `PricingCategory`), from their
//! documentation. Whether AWS fills the on-demand price on rows of spot instances was not seen.

use std::collections::BTreeMap;

use polars::prelude::{DataType, Expr, col, len, lit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::data::table::Table;
use crate::tools::Capability;
use crate::tools::tables::{Opened, unknown_column};
use crate::value::{Money, Ratio};

/// Adds up the rows of a cloud's billing export.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The export: CSV or Parquet, one file or several.
    table: Table,
    /// Whose export it is.
    form: Form,
    /// Only rows with these texts in these columns: `{resource_tags_user_job: train-spot}`.
    #[serde(default, rename = "where")]
    only: BTreeMap<String, String>,
    /// The currency, where the export has no column for it.
    #[serde(default)]
    currency: Option<String>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// AWS Cost and Usage Report, 2.0 or 1.
    Cur,
    /// FOCUS.
    Focus,
}

/// What was billed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many rows were added up; none is a failure.
    rows: u64,
    /// What was paid (AWS: unblended; FOCUS: billed).
    cost: Money,
    /// What the same would have cost at list prices on demand; absent when a row does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_demand: Option<Money>,
    /// The share of the rows that were spot.
    spot: Ratio,
    /// What was saved against `on_demand`: 1 - cost / on_demand.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<Ratio>,
}

/// The columns of an export that are read.
struct Columns {
    cost: String,
    on_demand: Option<String>,
    spot: Expr,
    currency: Option<String>,
}

pub(super) struct Bill;

impl Action for Bill {
    const NAME: &'static str = "cost.bill";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        crate::actions::data::table::reads(params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let named = params.get("currency").and_then(Json::as_str);
        match named {
            Some(code) if !code.contains("${{") && !crate::value::is_currency(code) => vec![ParamProblem {
                pointer: "/currency".to_owned(),
                key: None,
                message: format!("`{code}` is no currency; ISO 4217 has three capital letters: `USD`"),
                help: None,
            }],
            _ => Vec::new(),
        }
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let inner = cx.clone();
        crate::actions::data::aside(cx, "adding up the bill", move || add_up(&params, &inner)).await
    }
}

fn add_up(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let opened = params.table.open(cx)?;
    let columns = columns(params.form, &opened)?;
    let mut frame = opened.frame.clone();
    for (column, text) in &params.only {
        known(column, &opened)?;
        frame = frame.filter(col(column.as_str()).cast(DataType::String).eq(lit(text.as_str())));
    }
    let number = |name: &str| col(name).cast(DataType::Float64);
    let mut wanted = vec![
        len().cast(DataType::UInt64).alias("rows"),
        number(&columns.cost).sum().alias("cost"),
        number(&columns.cost)
            .null_count()
            .cast(DataType::UInt64)
            .alias("no_cost"),
        columns.spot.clone().sum().cast(DataType::UInt64).alias("spot"),
    ];
    if let Some(name) = &columns.on_demand {
        wanted.push(number(name).sum().alias("on_demand"));
        wanted.push(
            number(name)
                .null_count()
                .cast(DataType::UInt64)
                .alias("no_on_demand"),
        );
    }
    if let Some(name) = &columns.currency {
        let text = col(name.as_str()).cast(DataType::String);
        wanted.push(text.clone().min().alias("currency"));
        wanted.push(text.max().alias("other_currency"));
    }
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::new(Class::UnreadableAnswer, format!("reading {}: {e}", opened.name))
    };
    let sums = frame.select(wanted).collect().map_err(|e| unreadable(&e))?;
    let whole = |name: &str| -> u64 {
        sums.column(name)
            .ok()
            .and_then(|c| c.get(0).ok())
            .and_then(|v| v.extract::<u64>())
            .unwrap_or(0)
    };
    let amount = |name: &str| -> Option<f64> { sums.column(name).ok()?.get(0).ok()?.extract::<f64>() };
    let text = |name: &str| -> Option<String> {
        let column = sums.column(name).ok()?;
        column.str().ok()?.get(0).map(str::to_owned)
    };
    let rows = whole("rows");
    if rows == 0 {
        return Err(Failure::new(
            Class::NotFound,
            format!(
                "no row of {} fits: nothing was billed, or nothing is exported yet",
                opened.name
            ),
        ));
    }
    if whole("no_cost") > 0 {
        return Err(unreadable(&format!(
            "{} of {rows} rows have no number in `{}`",
            whole("no_cost"),
            columns.cost
        )));
    }
    let currency = match (text("currency"), text("other_currency")) {
        (Some(one), Some(other)) if one != other => {
            return Err(Failure::new(
                Class::Invalid,
                format!(
                    "{} mixes currencies ({one}, {other}), which cannot be added",
                    opened.name
                ),
            )
            .help("take the rows of one with `where`"));
        }
        (Some(one), _) => match &params.currency {
            Some(said) if *said != one => {
                let why = format!("{} is in {one}, not in {said}", opened.name);
                return Err(Failure::new(Class::Invalid, why));
            }
            _ => one,
        },
        _ => params.currency.clone().ok_or_else(|| {
            Failure::new(
                Class::BadParameter,
                format!("{} does not name its currency", opened.name),
            )
            .help("say it: `currency: USD`")
        })?,
    };
    let money = |amount: f64| Money {
        amount,
        currency: currency.clone(),
    };
    let cost = amount("cost").unwrap_or(0.0);
    let on_demand = amount("on_demand").filter(|_| columns.on_demand.is_some() && whole("no_on_demand") == 0);
    Ok(Output {
        rows,
        cost: money(cost),
        saved: on_demand.filter(|a| *a > 0.0).map(|a| Ratio(1.0 - cost / a)),
        on_demand: on_demand.map(money),
        spot: Ratio(whole("spot") as f64 / rows as f64),
    })
}

fn columns(form: Form, opened: &Opened) -> Result<Columns, Failure> {
    let has = |name: &str| opened.schema.get(name).is_some();
    match form {
        Form::Focus => {
            known("BilledCost", opened)?;
            known("PricingCategory", opened)?;
            Ok(Columns {
                cost: "BilledCost".to_owned(),
                on_demand: has("ListCost").then(|| "ListCost".to_owned()),
                // FOCUS 1.0, PricingCategory: "Dynamic" is a price that the provider changes, as that of spot.
                spot: col("PricingCategory").eq(lit("Dynamic")),
                currency: has("BillingCurrency").then(|| "BillingCurrency".to_owned()),
            })
        }
        Form::Cur => {
            let old = has("lineItem/UnblendedCost");
            let name = |new: &str, former: &str| if old { former } else { new }.to_owned();
            let cost = name("line_item_unblended_cost", "lineItem/UnblendedCost");
            let usage = name("line_item_usage_type", "lineItem/UsageType");
            let on_demand = name("pricing_public_on_demand_cost", "pricing/publicOnDemandCost");
            let currency = name("line_item_currency_code", "lineItem/CurrencyCode");
            known(&cost, opened)?;
            known(&usage, opened)?;
            Ok(Columns {
                cost,
                on_demand: has(&on_demand).then_some(on_demand),
                // `SpotUsage:g5.2xlarge`, with a region before it outside of us-east-1: `EUC1-SpotUsage:…`.
                spot: col(usage.as_str())
                    .cast(DataType::String)
                    .str()
                    .contains_literal(lit("SpotUsage:")),
                currency: has(&currency).then_some(currency),
            })
        }
    }
}

fn known(column: &str, opened: &Opened) -> Result<(), Failure> {
    if opened.schema.get(column).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = opened
        .schema
        .iter_names()
        .map(polars::prelude::PlSmallStr::as_str)
        .collect();
    Err(unknown_column(column, &names, &opened.name))
}
