//! `feast.push`

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::when;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// Pushes rows into a push source, as a stream would: to the online store, to the offline store, or to both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The push source; a feature view must use it.
    #[schemars(length(min = 1))]
    source: String,
    /// The rows, with all columns of the source: join keys, times, features.
    #[schemars(length(min = 1))]
    rows: Vec<BTreeMap<String, Json>>,
    /// Columns that shall hold the moment of the push in every row, in whole seconds: `[event_timestamp, created]`.
    #[serde(default)]
    stamp: Vec<String>,
    /// Where they go.
    #[serde(default)]
    to: To,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum To {
    #[default]
    Online,
    Offline,
    OnlineAndOffline,
}

/// What was pushed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many rows.
    rows: usize,
    /// The moment of the push, UTC, in whole seconds: what `stamp` columns hold.
    at: String,
}

/// In microseconds.
const SECOND: i64 = 1_000_000;

pub(super) struct Push;

impl Action for Push {
    const NAME: &'static str = "feast.push";
    type Params = Params;
    type Output = Output;

    const IDEMPOTENT: bool = false;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx)?;
        let names: BTreeSet<&String> = params.rows.iter().flat_map(BTreeMap::keys).collect();
        let mut columns: BTreeMap<&str, Vec<&Json>> = BTreeMap::new();
        for (n, row) in params.rows.iter().enumerate() {
            for name in &names {
                let value = row.get(*name).ok_or_else(|| {
                    Failure::new(
                        Class::BadParameter,
                        format!("`rows[{n}]` has no `{name}`, which another row has"),
                    )
                    .help("say null when it has none")
                })?;
                columns.entry(name).or_default().push(value);
            }
        }
        let at = when::show(when::now().div_euclid(SECOND) * SECOND);
        let stamped = Json::from(at.as_str());
        for name in &params.stamp {
            if columns.insert(name, vec![&stamped; params.rows.len()]).is_some() {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("the rows have a `{name}` of their own, which `stamp` names too"),
                ));
            }
        }
        let to = match params.to {
            To::Online => "online",
            To::Offline => "offline",
            To::OnlineAndOffline => "online_and_offline",
        };
        let body = json!({"push_source_name": params.source, "df": columns, "to": to});
        client.act("push", &body).await?;
        Ok(Output {
            rows: params.rows.len(),
            at,
        })
    }
}
