//! `cost.report`

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{Column, DataFrame, DataType, PlSmallStr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::bill::{Columns, FORMATS, Format};
use crate::action::{Action, Class, Context, Failure, OwnCheck};
use crate::actions::data::table::Table;
use crate::actions::drift::aside;
use crate::actions::drift::table::{load, reads};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::Capability;
use crate::tools::tables::unknown_column;
use crate::value::{Money, Ratio};

/// Reads a bill, as CSV or Parquet: an AWS Cost and Usage Report or a FOCUS export. What a job cost, what the same usage
/// costs by list price, and how much of it was spot capacity. A bill without a row for the job is inconclusive: bills
/// come hours late. So is usage that costs nothing because a reservation or a plan paid for it in rows of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The bill.
    table: Table,
    /// Whose columns it has; without it they tell.
    #[serde(default)]
    format: Option<Format>,
    /// Only rows with these texts in these columns: `{resource_tags_user_job: train-spot}`.
    #[serde(default, rename = "where")]
    only: BTreeMap<String, String>,
    /// FOCUS: only rows with these tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// The currency, where the bill has no column for it: `USD`.
    #[serde(default)]
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

/// What it cost.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// What the usage cost.
    cost: Option<Money>,
    /// What it costs by list price; nothing when a row of it does not say.
    list: Option<Money>,
    /// The share of the list price that was saved; nothing without a list price.
    saving: Option<Ratio>,
    /// What the usage of spot capacity cost.
    spot_cost: Option<Money>,
    /// Rows of usage.
    rows: usize,
    /// Those that were priced as spot capacity.
    spot_rows: usize,
    /// Taxes, credits and other rows that are no usage, together.
    other: Option<Money>,
    /// The resources that were used.
    resources: Vec<String>,
    /// When the first usage began, as the bill writes it.
    start: Option<String>,
    /// When the last usage ended, as the bill writes it.
    end: Option<String>,
}

pub(super) struct Report;

impl Action for Report {
    const NAME: &'static str = "cost.report";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        vec![reads(params, "table")]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let what = format!("reading the bill `{}`", params.table.path());
        aside(cx, &what, move |cx| read(&params, cx)).await
    }
}

/// AWS' word for usage that a reservation covers; by itself it costs nothing.
const RESERVED: &str = "DiscountedUsage";

/// Makes the step inconclusive, and says why.
fn unsure(cx: &Context, id: &str, text: &str, why: String) {
    cx.checks.add(OwnCheck {
        id: id.to_owned(),
        text: text.to_owned(),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(Verdict::Inconclusive, why),
    });
}

/// A bill in memory.
struct Bill<'a> {
    data: &'a DataFrame,
    name: &'a str,
    columns: &'static Columns,
}

fn read(params: &Params, cx: &Context) -> Result<Output, Failure> {
    let loaded = load(&params.table, cx)?;
    let names = loaded.columns();
    let is = |c: &&Columns| {
        params
            .format
            .map_or_else(|| names.contains(&c.cost), |format| format == c.format)
    };
    let columns = FORMATS.iter().find(is).ok_or_else(|| {
        let wanted: Vec<&str> = FORMATS.iter().map(|f| f.cost).collect();
        Failure::new(
            Class::Invalid,
            format!("{} is no bill that can be read", loaded.name),
        )
        .detail(format!("it has none of the columns {}", wanted.join(", ")))
    })?;
    let bill = Bill {
        data: &loaded.data,
        name: &loaded.name,
        columns,
    };
    bill.output(params, cx)
}

impl Bill<'_> {
    fn output(&self, params: &Params, cx: &Context) -> Result<Output, Failure> {
        let c = self.columns;
        let rows = self.rows(params)?;
        let cost = self.numbers(c.cost)?;
        let list = if self.has(c.list) {
            Some(self.numbers(c.list)?)
        } else {
            None
        };
        let currency = self.currencies(params.currency.as_deref())?;
        let kinds = self.texts(c.kind.0)?;
        let pricing = self.texts(c.pricing.0)?;
        let (mut costs, mut lists, mut spots, mut others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut used = Vec::new();
        let mut paid_elsewhere = 0_usize;
        for row in rows {
            let money = |amount: f64| Money {
                amount,
                currency: currency[row].clone(),
            };
            let amount = cost[row].ok_or_else(|| self.odd(row, c.cost, "is no number"))?;
            let usage = kinds[row].as_deref().is_some_and(|k| c.kind.1.contains(&k));
            if !usage {
                others.push(money(amount));
                continue;
            }
            costs.push(money(amount));
            let by_list = list.as_ref().and_then(|l| l[row]);
            let reserved = kinds[row].as_deref() == Some(RESERVED);
            paid_elsewhere += usize::from(amount == 0.0 && (reserved || by_list.is_some_and(|l| l > 0.0)));
            lists.push(by_list.map(money));
            if pricing[row].as_deref() == Some(c.pricing.1) {
                spots.push(money(amount));
            }
            used.push(row);
        }
        if used.is_empty() {
            let why = "no row of usage fits: a bill comes hours late";
            unsure(cx, "rows", "the bill has the usage", why.to_owned());
        }
        if paid_elsewhere > 0 {
            let why = format!(
                "{paid_elsewhere} of {} rows cost nothing though they have a list price: a reservation, a plan or a \
                 free tier covers them, and what was paid for it stands in other rows",
                used.len()
            );
            unsure(cx, "paid", "the rows of the usage say what was paid for it", why);
        }
        let total = super::sum(&costs)?;
        let by_list = lists.iter().cloned().collect::<Option<Vec<Money>>>();
        let by_list = by_list.map_or(Ok(None), |all| super::sum(&all))?;
        let saving = total
            .as_ref()
            .zip(by_list.as_ref())
            .filter(|(_, list)| list.amount > 0.0);
        let some = |column: &str| -> Result<Vec<String>, Failure> {
            if !self.has(column) {
                return Ok(Vec::new());
            }
            let texts = self.texts(column)?;
            Ok(used.iter().filter_map(|row| texts[*row].clone()).collect())
        };
        Ok(Output {
            saving: saving.map(|(cost, list)| Ratio(1.0 - cost.amount / list.amount)),
            list: by_list,
            spot_cost: super::sum(&spots)?,
            rows: used.len(),
            spot_rows: spots.len(),
            other: super::sum(&others)?,
            resources: some(c.resource)?
                .into_iter()
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            start: some(c.start)?.into_iter().min(),
            end: some(c.end)?.into_iter().max(),
            cost: total,
        })
    }

    /// The rows that are asked for.
    fn rows(&self, params: &Params) -> Result<Vec<usize>, Failure> {
        let mut rows: Vec<usize> = (0..self.data.height()).collect();
        for (column, wanted) in &params.only {
            let texts = self.texts(column)?;
            rows.retain(|row| texts[*row].as_ref() == Some(wanted));
        }
        if !params.tags.is_empty() {
            let tags = self.texts("Tags")?;
            let mut kept = Vec::new();
            for row in rows {
                let Some(text) = tags[row].as_deref().filter(|t| !t.is_empty()) else {
                    continue;
                };
                let found: BTreeMap<String, Json> = serde_json::from_str(text)
                    .map_err(|e| self.odd(row, "Tags", &format!("is no JSON object: {e}")))?;
                if params
                    .tags
                    .iter()
                    .all(|(k, v)| found.get(k).and_then(Json::as_str) == Some(v))
                {
                    kept.push(row);
                }
            }
            rows = kept;
        }
        Ok(rows)
    }

    /// The currency of each row.
    fn currencies(&self, given: Option<&str>) -> Result<Vec<String>, Failure> {
        if self.has(self.columns.currency) {
            let read = self
                .texts(self.columns.currency)?
                .into_iter()
                .enumerate()
                .map(|(row, code)| {
                    let code = code.or_else(|| given.map(str::to_owned));
                    code.ok_or_else(|| self.odd(row, self.columns.currency, "is empty"))
                });
            return read.collect();
        }
        let code = given.ok_or_else(|| {
            Failure::new(
                Class::BadParameter,
                format!(
                    "{} does not say its currency: it has no column `{}`",
                    self.name, self.columns.currency
                ),
            )
            .help("say it: `currency: USD`")
        })?;
        Ok(vec![super::currency(code)?.to_owned(); self.data.height()])
    }

    fn has(&self, column: &str) -> bool {
        self.data.column(column).is_ok()
    }

    fn column(&self, name: &str) -> Result<&Column, Failure> {
        self.data.column(name).map_err(|_| {
            let known: Vec<&str> = self
                .data
                .get_column_names()
                .into_iter()
                .map(PlSmallStr::as_str)
                .collect();
            unknown_column(name, &known, self.name)
        })
    }

    fn texts(&self, name: &str) -> Result<Vec<Option<String>>, Failure> {
        let text = self.cast(name, &DataType::String)?;
        let values = text.str().map_err(|e| self.unreadable(name, &e))?;
        Ok(values.iter().map(|v| v.map(str::to_owned)).collect())
    }

    fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, Failure> {
        let numbers = self.cast(name, &DataType::Float64)?;
        let values = numbers.f64().map_err(|e| self.unreadable(name, &e))?;
        Ok(values.iter().map(|v| v.filter(|v| v.is_finite())).collect())
    }

    fn cast(&self, name: &str, to: &DataType) -> Result<Column, Failure> {
        self.column(name)?.cast(to).map_err(|e| self.unreadable(name, &e))
    }

    fn unreadable(&self, column: &str, e: &dyn std::fmt::Display) -> Failure {
        Failure::new(
            Class::UnreadableAnswer,
            format!("the column `{column}` of {} cannot be read: {e}", self.name),
        )
    }

    fn odd(&self, row: usize, column: &str, why: &str) -> Failure {
        Failure::new(
            Class::UnreadableAnswer,
            format!("`{column}` in row {} of {} {why}", row + 1, self.name),
        )
    }
}
