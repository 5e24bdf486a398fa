//! `feast.compare`

use std::collections::BTreeMap;
use std::time::Duration as Span;

use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::entities::{Entities, Feature};
use super::offline::Store;
use super::tally::{Case, Side, Tally, Tolerance, Totals};
use super::when::{self, Micros};
use super::wire;
use crate::action::{Action, Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::Capability;
use crate::value::Duration;

/// Compares the online store with the offline one, value by value, over all entities of the source or some of them: in
/// batches, several side by side, so that memory does not grow with their number. The offline side is the point-in-time
/// value at `at` (see `feast.offline`). Null, absent and expired are told apart; the worst cases are kept. A feature of
/// which no store has a row that is not expired makes the step inconclusive: nothing of it was compared.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The features, each as `view:feature`.
    #[schemars(length(min = 1))]
    features: Vec<String>,
    /// Whose features: join keys with as many values each, `{customer_id: [1001, 1002]}`. Without it every entity of
    /// the source.
    #[serde(default)]
    entities: Option<BTreeMap<String, Vec<Json>>>,
    /// The moment of the offline values, such as the end of the last materialisation; now when not given.
    #[serde(default)]
    at: Option<String>,
    /// How far numbers may be apart, by feature (`avg_amount` or `view:avg_amount`). Without it whole numbers are
    /// compared exactly and others with a relative 1e-6, which is what a float of four bytes loses.
    #[serde(default)]
    tolerance: BTreeMap<String, Tolerance>,
    /// Online values that are older are counted as `stale`; the ttl of the view is a good choice.
    #[serde(default)]
    max_age: Option<Duration>,
    /// Entities in one request; 1000 when not given.
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 100_000))]
    batch: usize,
    /// Requests side by side; 4 when not given.
    #[serde(default = "four")]
    #[schemars(range(min = 1, max = 64))]
    parallel: usize,
    /// How many of the worst cases are kept; 20 when not given.
    #[serde(default = "twenty")]
    #[schemars(range(max = 1000))]
    keep: usize,
}

/// How the two stores agree.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many entities were asked for.
    entities: usize,
    /// Over all features.
    #[serde(flatten)]
    all: Totals,
    /// Values that are neither equal nor expired.
    disagree: u64,
    /// Online values older than `max_age`.
    stale: u64,
    /// Each feature by its own, `view:feature`.
    features: BTreeMap<String, Totals>,
    /// The worst cases: what is missing first, then by the difference.
    worst: Vec<Case>,
    /// The moment of the offline values, UTC.
    at: String,
}

pub(super) struct Compare;

impl Action for Compare {
    const NAME: &'static str = "feast.compare";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let work = Work::new(&params, cx).await?;
        let entities = match params.entities {
            Some(columns) => Entities::of(columns)?,
            None => work.store.entities()?,
        };
        let mut tally = Tally::new(params.keep);
        let mut stale = 0;
        let mut done = 0;
        let starts = (0..entities.rows).step_by(params.batch);
        let batches = starts.map(|from| {
            let part = entities.slice(from, entities.rows.min(from + params.batch));
            work.batch(part, params.keep)
        });
        let mut results = futures_util::stream::iter(batches).buffer_unordered(params.parallel);
        while let Some(result) = results.next().await {
            let (rows, part, old) = result?;
            tally.merge(part);
            stale += old;
            done += rows;
            (cx.progress)(format!("{done} of {} entities", entities.rows));
        }
        let mut all = Totals::default();
        tally.features.values().for_each(|totals| all.add(totals));
        if all.compared == 0 {
            return Err(Failure::new(
                Class::Missing,
                format!(
                    "neither store has a row for any of {} entities: nothing was compared",
                    entities.rows
                ),
            ));
        }
        for (name, totals) in &tally.features {
            judge(name, totals, entities.rows, cx);
        }
        Ok(Output {
            entities: entities.rows,
            disagree: all.disagree(),
            all,
            stale,
            features: tally.features,
            worst: tally.worst,
            at: when::show(work.at),
        })
    }
}

/// A feature that is expired or absent everywhere disagrees nowhere, which shows nothing.
fn judge(name: &str, totals: &Totals, entities: usize, cx: &Context) {
    if totals.compared > totals.expired {
        return;
    }
    cx.checks.add(OwnCheck {
        id: format!("compared[{name}]"),
        text: format!("values of `{name}` were compared"),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(
            Verdict::Inconclusive,
            format!(
                "of {entities} entities {} have a row that is older than the view's ttl, and {} none: no value was \
                 compared",
                totals.expired, totals.neither
            ),
        ),
    });
}

/// What every batch needs.
struct Work<'a> {
    cx: &'a Context,
    client: Client<'a>,
    store: Store,
    features: Vec<Feature>,
    /// As written, in the order of `features`.
    names: Vec<String>,
    tolerance: Vec<Option<Tolerance>>,
    at: Micros,
    max_age: Option<Micros>,
}

impl<'a> Work<'a> {
    async fn new(params: &Params, cx: &'a Context) -> Result<Self, Failure> {
        let features = Feature::all(&params.features)?;
        let given = |feature: &Feature| {
            let whole = format!("{}:{}", feature.view, feature.name);
            params
                .tolerance
                .get(&whole)
                .or_else(|| params.tolerance.get(&feature.name))
                .copied()
        };
        let known = |key: &str| {
            features
                .iter()
                .any(|f| f.name == key || format!("{}:{}", f.view, f.name) == key)
        };
        if let Some(odd) = params.tolerance.keys().find(|k| !known(k)) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`tolerance.{odd}`: no such feature is compared"),
            ));
        }
        let at = match &params.at {
            Some(at) => when::parameter("at", at)?,
            None => when::now(),
        };
        Ok(Self {
            cx,
            client: Client::new(cx)?,
            store: Store::open(&features, cx).await?,
            tolerance: features.iter().map(given).collect(),
            names: params.features.clone(),
            features,
            at,
            max_age: params.max_age.map(|age| (age.0 * 1e6) as Micros),
        })
    }

    /// One batch: how many entities, how they compare, how many values are stale.
    async fn batch(&self, entities: Entities, keep: usize) -> Result<(usize, Tally, u64), Failure> {
        let body = json!({
            "features": self.names,
            "entities": entities.columns,
            "full_feature_names": true,
        });
        let response = self
            .client
            .post("get-online-features", &body, Span::from_mins(5))
            .await?;
        let now = when::now();
        let online = wire::read(&response, entities.rows, &entities.names())?;
        let asked = self.store.ask(&entities, self.at, self.cx).await?;
        let mut tally = Tally::new(keep);
        let mut stale = 0;
        for ((feature, name), tolerance) in self.features.iter().zip(&self.names).zip(&self.tolerance) {
            let column = online
                .get(&feature.column())
                .ok_or_else(|| response.unreadable(&format!("it has no column for `{name}`")))?;
            for row in 0..entities.rows {
                let at = Some(column.times[row]).filter(|at| *at != when::NONE);
                let ours = match column.statuses[row].as_str() {
                    "PRESENT" | "NULL_VALUE" => Side::Row {
                        value: column.values[row].clone(),
                        at,
                    },
                    "OUTSIDE_MAX_AGE" => Side::Expired { at },
                    _ => Side::Nothing,
                };
                let too_old = |at: Micros| self.max_age.is_some_and(|limit| now - at > limit);
                if !matches!(ours, Side::Nothing) && at.is_some_and(too_old) {
                    stale += 1;
                }
                let theirs = self.store.side(feature, &entities, row, self.at, &asked)?;
                tally.compare(name, &ours, &theirs, *tolerance, || entities.row(row));
            }
        }
        Ok((entities.rows, tally, stale))
    }
}

const fn thousand() -> usize {
    1000
}

const fn four() -> usize {
    4
}

const fn twenty() -> usize {
    20
}
