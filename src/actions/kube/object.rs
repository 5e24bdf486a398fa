//! An object as checks refer to it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::action::{Class, Failure};
use crate::value::Moment;

/// An object of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Object {
    /// Its kind: `Deployment`.
    pub kind: String,
    /// The version of the API it was read in: `apps/v1`.
    pub api_version: String,
    /// Its name.
    pub name: String,
    /// Its namespace; nothing when its kind has none.
    pub namespace: Option<String>,
    /// What no other object ever has, even of the same name.
    pub uid: String,
    /// Changes with every change.
    pub resource_version: String,
    /// Counts the changes of what is asked for (`spec`).
    pub generation: Option<i64>,
    /// When it was made.
    pub created: Option<Moment>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// What is asked for.
    pub spec: Json,
    /// What is, as far as its controller says.
    pub status: Json,
    /// Everything else on its top level: `data`, `rules`, `subjects`.
    pub more: Json,
}

/// One condition of an object.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Condition {
    /// `Ready`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A word for programs.
    pub reason: Option<String>,
    /// A sentence for people.
    pub message: Option<String>,
    /// When the status last changed.
    pub since: Option<Moment>,
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// Class `unreadable_answer` for what has no kind or name.
    pub(super) fn read(json: &Json) -> Result<Self, Failure> {
        let meta = json.get("metadata").unwrap_or(&Json::Null);
        let top = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
        let of_meta = |key: &str| meta.get(key).and_then(Json::as_str).map(str::to_owned);
        let (Some(kind), Some(api_version), Some(name)) = (top("kind"), top("apiVersion"), of_meta("name"))
        else {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                "the answer is no object of Kubernetes: it lacks `kind`, `apiVersion` or `metadata.name`",
            ));
        };
        let map = |key: &str| -> BTreeMap<String, String> {
            meta.get(key)
                .and_then(Json::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
                .collect()
        };
        let mut more = json.as_object().cloned().unwrap_or_default();
        for taken in ["kind", "apiVersion", "metadata", "spec", "status"] {
            more.shift_remove(taken);
        }
        Ok(Self {
            kind,
            api_version,
            name,
            namespace: of_meta("namespace"),
            uid: of_meta("uid").unwrap_or_default(),
            resource_version: of_meta("resourceVersion").unwrap_or_default(),
            generation: meta.get("generation").and_then(Json::as_i64),
            created: moment(meta.get("creationTimestamp")),
            deleting: meta.get("deletionTimestamp").is_some_and(|d| !d.is_null()),
            labels: map("labels"),
            annotations: map("annotations"),
            conditions: conditions(json),
            spec: json.get("spec").cloned().unwrap_or(Json::Null),
            status: json.get("status").cloned().unwrap_or(Json::Null),
            more: Json::Object(more),
        })
    }
}

/// The conditions of an object.
pub(super) fn conditions(json: &Json) -> Vec<Condition> {
    json.pointer("/status/conditions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(|c| {
            let text = |key: &str| {
                c.get(key)
                    .and_then(Json::as_str)
                    .filter(|t| !t.is_empty())
                    .map(str::to_owned)
            };
            Some(Condition {
                r#type: text("type")?,
                status: text("status")?,
                reason: text("reason"),
                message: text("message"),
                since: moment(c.get("lastTransitionTime")),
            })
        })
        .collect()
}

/// A stamp of the server.
pub(super) fn moment(json: Option<&Json>) -> Option<Moment> {
    json?.as_str()?.parse().ok().map(Moment)
}

/// The text at a JSON pointer.
pub(super) fn text_at<'a>(json: &'a Json, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer).and_then(Json::as_str)
}
