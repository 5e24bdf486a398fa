//! `feast.online`

use std::collections::BTreeMap;
use std::time::Duration as Span;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::entities::{Entities, Feature, shown};
use super::when;
use super::wire;
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Duration;

/// Asks the online store through the feature server. Values are mapped by name; what is absent, null and too old is told
/// apart, and the age is computed here, because the server gives rows beyond their ttl as if they were fresh.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The features, each as `view:feature`; these or `service`.
    #[serde(default)]
    features: Vec<String>,
    /// The feature service whose features are meant; this or `features`.
    #[serde(default)]
    service: Option<String>,
    /// Whose features: join keys with as many values each, `{customer_id: [1001, 1002]}`.
    #[schemars(extend("minProperties" = 1))]
    entities: BTreeMap<String, Vec<Json>>,
    /// Older values are `stale`; the ttl of the view is a good choice. Without it none is.
    #[serde(default)]
    max_age: Option<Duration>,
}

/// What the online store holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One for each entity, in the order they were asked for.
    rows: Vec<Row>,
    /// How many rows there are.
    count: usize,
    /// How many values are fresh and not null.
    present: usize,
    /// How many are stored as null.
    null: usize,
    /// How many have no row.
    absent: usize,
    /// How many are older than `max_age`, whatever their value.
    stale: usize,
    /// The age of the oldest value; absent when no value has a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<Duration>,
}

/// The features of one entity.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Row {
    /// The join keys.
    entity: BTreeMap<String, Json>,
    /// The features by name; where two views have one of the same name, by `view__feature`.
    features: BTreeMap<String, Feat>,
}

/// One value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Feat {
    /// The value; null when there is none.
    value: Json,
    /// What there is.
    state: State,
    /// What the server said: `PRESENT`, `NOT_FOUND`, ...
    status: String,
    /// When the source says that it came to be, UTC; absent without a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_timestamp: Option<String>,
    /// How old it was when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A value, fresh.
    Present,
    /// A row whose value is null.
    Null,
    /// No row.
    Absent,
    /// Older than `max_age`, or the server says that it is beyond its age.
    Stale,
}

pub(super) struct Online;

impl Action for Online {
    const NAME: &'static str = "feast.online";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let given = |key: &str| params.get(key).is_some_and(|v| *v != json!([]));
        if given("features") != given("service") {
            return Vec::new();
        }
        vec![ParamProblem {
            pointer: String::new(),
            key: given("service").then(|| "service".to_owned()),
            message: "exactly one of `features` and `service` is needed".to_owned(),
            help: None,
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx)?;
        let entities = Entities::of(params.entities)?;
        let mut body = json!({"entities": entities.columns, "full_feature_names": true});
        let mut wanted = Vec::new();
        if let Some(service) = &params.service {
            body["feature_service"] = json!(service);
        } else {
            wanted = Feature::all(&params.features)?;
            body["features"] = json!(params.features);
        }
        let response = client
            .post("get-online-features", &body, Span::from_mins(1))
            .await?;
        let now = when::now();
        let columns = wire::read(&response, entities.rows, &entities.names())?;
        if let Some(lost) = wanted.iter().find(|f| !columns.contains_key(&f.column())) {
            return Err(response.unreadable(&format!("it has no column for `{}:{}`", lost.view, lost.name)));
        }
        if columns.is_empty() {
            return Err(response.unreadable("it has no feature"));
        }
        let limit = params.max_age.map(|d| d.0);
        let names = shown(&columns.keys().cloned().collect::<Vec<_>>());
        let mut out = Output {
            rows: Vec::with_capacity(entities.rows),
            count: entities.rows,
            present: 0,
            null: 0,
            absent: 0,
            stale: 0,
            oldest: None,
        };
        for row in 0..entities.rows {
            let mut features = BTreeMap::new();
            for (name, column) in &columns {
                let at = column.times[row];
                let dated = at != when::NONE;
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "microseconds of years are exact in 53 bits"
                )]
                let age = dated.then(|| (now - at) as f64 / 1e6);
                let status = &column.statuses[row];
                let state = state(status, &column.values[row], age, limit);
                match state {
                    State::Present => out.present += 1,
                    State::Null => out.null += 1,
                    State::Absent => out.absent += 1,
                    State::Stale => out.stale += 1,
                }
                if let Some(age) = age
                    && out.oldest.as_ref().is_none_or(|o| o.0 < age)
                {
                    out.oldest = Some(Duration(age));
                }
                features.insert(
                    names[name].clone(),
                    Feat {
                        value: column.values[row].clone(),
                        state,
                        status: status.clone(),
                        event_timestamp: dated.then(|| when::show(at)),
                        age: age.map(Duration),
                    },
                );
            }
            out.rows.push(Row {
                entity: entities.row(row),
                features,
            });
        }
        Ok(out)
    }
}

/// What a value is: the server's word, and the age that it does not look at.
fn state(status: &str, value: &Json, age: Option<f64>, limit: Option<f64>) -> State {
    match status {
        "OUTSIDE_MAX_AGE" => State::Stale,
        "PRESENT" | "NULL_VALUE" => match (age, limit) {
            (Some(age), Some(limit)) if age > limit => State::Stale,
            _ if value.is_null() => State::Null,
            _ => State::Present,
        },
        _ => State::Absent,
    }
}
