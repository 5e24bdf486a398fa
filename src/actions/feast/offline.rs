//! `feast.offline`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client;
use super::entities::{Entities, Feature, shown};
use super::join::{Found, Stored};
use super::sources::{Settings, Source};
use super::tally::Side;
use super::when::{self, Micros};
use super::{bridge, sources};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// What the offline store gives for entities at a moment, point in time: the newest row that is not newer; of two rows of
/// one time the one created later; older than the ttl it is expired. Views whose file source the environment names
/// (`endpoints.feast.sources`) are joined here; other stores are asked through Feast's SDK with the project's own Python
/// (`endpoints.feast.bridge`), which says no times.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The features, each as `view:feature`.
    #[schemars(length(min = 1))]
    features: Vec<String>,
    /// Whose features: join keys with as many values each, `{customer_id: [1001, 1002]}`.
    #[schemars(extend("minProperties" = 1))]
    entities: BTreeMap<String, Vec<Json>>,
    /// The moment, `2026-11-23T03:00:00Z`; now when not given.
    #[serde(default)]
    at: Option<String>,
}

/// What the offline store has.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// One for each entity, in the order they were asked for.
    rows: Vec<Row>,
    /// How many rows there are.
    count: usize,
    /// The moment, UTC.
    at: String,
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
    /// The time of its row, UTC; absent without a row, and where the SDK was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_timestamp: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A value.
    Present,
    /// A row whose value is null; from the SDK also no row.
    Null,
    /// No row.
    Absent,
    /// The newest row is older than the ttl.
    Expired,
}

pub(super) struct Offline;

impl Action for Offline {
    const NAME: &'static str = "feast.offline";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let entities = Entities::of(params.entities)?;
        let at = match &params.at {
            Some(at) => when::parameter("at", at)?,
            None => when::now(),
        };
        let features = Feature::all(&params.features)?;
        let store = Store::open(&features, cx).await?;
        let asked = store.ask(&entities, at, cx).await?;
        let columns: Vec<String> = features.iter().map(Feature::column).collect();
        let names = shown(&columns);
        let mut rows = Vec::with_capacity(entities.rows);
        for row in 0..entities.rows {
            let mut found = BTreeMap::new();
            for (feature, column) in features.iter().zip(&columns) {
                let feat = match store.side(feature, &entities, row, at, &asked)? {
                    Side::Row { value, at } => Feat {
                        state: if value.is_null() {
                            State::Null
                        } else {
                            State::Present
                        },
                        value,
                        event_timestamp: at.map(when::show),
                    },
                    Side::Expired { at } => Feat {
                        value: Json::Null,
                        state: State::Expired,
                        event_timestamp: at.map(when::show),
                    },
                    Side::Nothing => Feat {
                        value: Json::Null,
                        state: State::Absent,
                        event_timestamp: None,
                    },
                };
                found.insert(names[column].clone(), feat);
            }
            rows.push(Row {
                entity: entities.row(row),
                features: found,
            });
        }
        Ok(Output {
            count: rows.len(),
            rows,
            at: when::show(at),
        })
    }
}

/// The offline store, as far as some features need it.
pub(super) struct Store {
    /// By view.
    files: BTreeMap<String, (Source, Stored)>,
    /// Features of views without a file source, as `view:feature`.
    others: Vec<String>,
    bridge: Option<sources::Bridge>,
}

/// What the bridge said, by row.
pub(super) type Asked = Vec<Option<BTreeMap<String, Json>>>;

impl Store {
    /// # Errors
    /// A view that the environment names no way to; what reading its source gives.
    pub(super) async fn open(features: &[Feature], cx: &Context) -> Result<Self, Failure> {
        // Files are judged by their paths; that they are the family's own is a power of its own.
        super::reach().iter().try_for_each(|c| cx.tools.grants.check(c))?;
        let settings = Settings::of(client::endpoint(cx)?)?;
        let mut by_view: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut others = Vec::new();
        for feature in features {
            if settings.sources.contains_key(&feature.view) {
                by_view
                    .entry(&feature.view)
                    .or_default()
                    .push(feature.name.clone());
            } else if settings.bridge.is_some() {
                others.push(format!("{}:{}", feature.view, feature.name));
            } else {
                let known: Vec<&str> = settings.sources.keys().map(String::as_str).collect();
                return Err(Failure::new(
                    Class::NotFound,
                    format!("the environment names no source for the view `{}`", feature.view),
                )
                .detail(format!("it names: {}", known.join(", ")))
                .help("add it under `endpoints.feast.sources`, or `endpoints.feast.bridge: {run: [python], repo: FOLDER}`"));
            }
        }
        let mut files = BTreeMap::new();
        for (view, names) in by_view {
            if let Some(source) = settings.sources.get(view) {
                let stored = source.load(view, &names, cx).await?;
                files.insert(view.to_owned(), (source.clone(), stored));
            }
        }
        Ok(Self {
            files,
            others,
            bridge: settings.bridge,
        })
    }

    /// Asks the bridge for what no file holds.
    ///
    /// # Errors
    /// What the bridge gives.
    pub(super) async fn ask(&self, entities: &Entities, at: Micros, cx: &Context) -> Result<Asked, Failure> {
        match &self.bridge {
            Some(bridge) if !self.others.is_empty() => {
                bridge::ask(bridge, &self.others, entities, at, cx).await
            }
            _ => Ok(Vec::new()),
        }
    }

    /// One value.
    ///
    /// # Errors
    /// When the keys are not those of the source.
    pub(super) fn side(
        &self,
        feature: &Feature,
        entities: &Entities,
        row: usize,
        at: Micros,
        asked: &Asked,
    ) -> Result<Side, Failure> {
        let Some((source, stored)) = self.files.get(&feature.view) else {
            let value = asked.get(row).and_then(Option::as_ref);
            return Ok(value.map_or(Side::Nothing, |values| Side::Row {
                value: values.get(&feature.column()).cloned().unwrap_or(Json::Null),
                at: None,
            }));
        };
        let mut key = Vec::with_capacity(source.keys.len());
        for name in &source.keys {
            key.push(
                &entities.columns.get(name).ok_or_else(|| {
                    Failure::new(
                        Class::BadParameter,
                        format!(
                            "the view `{}` needs the key `{name}`, which `entities` does not give",
                            feature.view
                        ),
                    )
                })?[row],
            );
        }
        let ttl = source.ttl.map(|ttl| (ttl.0 * 1e6) as Micros);
        Ok(match stored.find(&key, at, ttl) {
            Found::Row(found) => Side::Row {
                value: stored.value(&feature.name, found)?,
                at: Some(stored.time(found)),
            },
            Found::Expired(found) => Side::Expired {
                at: Some(stored.time(found)),
            },
            Found::Nothing => Side::Nothing,
        })
    }

    /// Every entity of the sources, each once.
    ///
    /// # Errors
    /// Without a file source nobody can say; sources with different keys; a source without a row.
    pub(super) fn entities(&self) -> Result<Entities, Failure> {
        let mut views = self.files.iter();
        let Some((first, (source, stored))) = views.next() else {
            return Err(Failure::new(
                Class::BadParameter,
                "which entities there are is known of file sources only",
            )
            .help("give `entities`"));
        };
        if let Some((other, _)) = views.find(|(_, (other, _))| other.keys != source.keys) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("the views `{first}` and `{other}` have different keys"),
            )
            .help("give `entities`, or compare one after the other"));
        }
        let columns = stored.entities()?;
        if columns.values().all(Vec::is_empty) {
            return Err(Failure::new(
                Class::Missing,
                format!("the source of `{first}` has no row, so nothing can be compared"),
            ));
        }
        Entities::of(columns)
    }
}
