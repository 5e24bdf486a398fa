//! Questions that several actions ask, and the parameters they share.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::client::Client;
use super::outputs::{Run, Version};
use super::wire::{ModelAnswer, ModelRow, RunAnswer, VersionAnswer, VersionsAnswer};
use crate::action::{Class, Failure, ParamProblem};

/// The number of a version, which MLflow writes as text: `3` and `"3"` are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(pub String);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match Json::deserialize(d)? {
            Json::String(s) if !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) => Ok(Self(s)),
            Json::Number(n) if n.is_u64() => Ok(Self(n.to_string())),
            other => Err(serde::de::Error::custom(format!(
                "a version is a whole number such as 3, not {other}"
            ))),
        }
    }
}

impl JsonSchema for Number {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VersionNumber".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "pattern": "^[0-9]+$", "minimum": 1 })
    }
}

/// The run with this id.
pub(super) async fn run(client: &Client<'_>, id: &str) -> Result<Run, Failure> {
    client
        .get::<RunAnswer>("runs/get", &[("run_id", id)])
        .await?
        .run
        .read()
}

/// The version with this number, its aliases with it.
pub(super) async fn version(client: &Client<'_>, model: &str, number: &str) -> Result<Version, Failure> {
    let query = [("name", model), ("version", number)];
    client
        .get::<VersionAnswer>("model-versions/get", &query)
        .await?
        .model_version
        .read()
}

/// The version an alias points at.
pub(super) async fn aliased(client: &Client<'_>, model: &str, alias: &str) -> Result<Version, Failure> {
    let query = [("name", model), ("alias", alias)];
    client
        .get::<VersionAnswer>("registered-models/alias", &query)
        .await?
        .model_version
        .read()
}

/// The version that either parameter names; exactly one is given ([`one_of`] has seen to it).
pub(super) async fn named(
    client: &Client<'_>,
    model: &str,
    number: Option<&Number>,
    alias: Option<&str>,
) -> Result<Version, Failure> {
    match (number, alias) {
        (Some(number), None) => version(client, model, &number.0).await,
        (None, Some(alias)) => aliased(client, model, alias).await,
        _ => Err(Failure::new(
            Class::BadParameter,
            "give either `version` or `alias`",
        )),
    }
}

/// The registered model, with its aliases and without its versions.
pub(super) async fn model(client: &Client<'_>, name: &str) -> Result<ModelRow, Failure> {
    Ok(client
        .get::<ModelAnswer>("registered-models/get", &[("name", name)])
        .await?
        .registered_model)
}

/// Versions that fit a filter, in MLflow's order, up to `limit`, with the aliases that a search leaves out.
pub(super) async fn versions(
    client: &Client<'_>,
    filter: &str,
    limit: Option<u32>,
) -> Result<Vec<Version>, Failure> {
    let mut found: Vec<Version> = Vec::new();
    let mut token = String::new();
    loop {
        let room = room(found.len(), limit).to_string();
        let mut query = vec![("max_results", room.as_str())];
        if !filter.is_empty() {
            query.push(("filter", filter));
        }
        if !token.is_empty() {
            query.push(("page_token", &token));
        }
        let page: VersionsAnswer = client.get("model-versions/search", &query).await?;
        for row in page.model_versions {
            found.push(row.read()?);
        }
        match next(page.next_page_token, found.len(), limit, "versions")? {
            Some(next) => token = next,
            None => break,
        }
    }
    if let Some(limit) = limit {
        found.truncate(limit as usize);
    }
    let mut models: Vec<String> = found.iter().map(|v| v.model.clone()).collect();
    models.sort();
    models.dedup();
    for name in models {
        let row = match model(client, &name).await {
            Ok(row) => row,
            // Deleted since the search: so are its versions.
            Err(gone) if gone.class == Class::NotFound => {
                found.retain(|v| v.model != name);
                continue;
            }
            Err(other) => return Err(other),
        };
        for row in row.aliases {
            if let Some(v) = found
                .iter_mut()
                .find(|v| v.model == name && v.version == row.version)
            {
                v.aliases.push(row.alias);
            }
        }
    }
    for version in &mut found {
        version.aliases.sort();
    }
    Ok(found)
}

/// How many rows a search gives when its step sets no limit; more than that is an error, not a shorter list.
pub(super) const MANY: usize = 1000;

/// How many rows the next page may have.
pub(super) fn room(have: usize, limit: Option<u32>) -> usize {
    limit
        .map_or(MANY, |l| l as usize)
        .saturating_sub(have)
        .clamp(1, 200)
}

/// The token of the next page; none at the end or when the limit is reached.
///
/// # Errors
/// Class `too_large` when there is more than fits and nobody said that a part is enough.
pub(super) fn next(
    token: Option<String>,
    have: usize,
    limit: Option<u32>,
    what: &str,
) -> Result<Option<String>, Failure> {
    let Some(token) = token.filter(|t| !t.is_empty()) else {
        return Ok(None);
    };
    match limit {
        Some(limit) if have >= limit as usize => Ok(None),
        None if have >= MANY => Err(Failure::new(
            Class::TooLarge,
            format!("more than {MANY} {what} fit the search"),
        )
        .help("narrow the filter, or set `limit` when the first ones are enough")),
        _ => Ok(Some(token)),
    }
}

/// A text of MLflow's filter language: it knows no escapes, so the quote must be one that the text does not have.
///
/// # Errors
/// Class `bad_parameter` for a text with both quotes.
pub(super) fn quoted(text: &str) -> Result<String, Failure> {
    match (text.contains('\''), text.contains('"')) {
        (false, _) => Ok(format!("'{text}'")),
        (true, false) => Ok(format!("\"{text}\"")),
        (true, true) => Err(Failure::new(
            Class::BadParameter,
            format!("`{text}` has both kinds of quotes, which MLflow's filters cannot say"),
        )),
    }
}

/// Whether exactly one of these keys is there; for `validate`.
pub(super) fn one_of(params: &Json, keys: &[&str]) -> Vec<ParamProblem> {
    let given: Vec<&str> = keys.iter().copied().filter(|k| params.get(k).is_some()).collect();
    let names = keys
        .iter()
        .map(|k| format!("`{k}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match given.as_slice() {
        [_] => Vec::new(),
        [] => vec![ParamProblem {
            pointer: String::new(),
            key: None,
            message: format!("one of {names} is missing"),
            help: None,
        }],
        [_, second, ..] => vec![ParamProblem {
            pointer: format!("/{second}"),
            key: Some((*second).to_owned()),
            message: format!("only one of {names} can be given"),
            help: None,
        }],
    }
}

/// A key and a value as MLflow wants them in lists.
pub(super) fn key_values<'a>(map: impl IntoIterator<Item = (&'a String, &'a String)>) -> Json {
    map.into_iter()
        .map(|(key, value)| serde_json::json!({ "key": key, "value": value }))
        .collect()
}
