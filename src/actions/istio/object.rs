//! Kubernetes objects as JSON: of the right kind, and their fields named when they are missing or odd.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::action::{Class, Failure};

/// What every object has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    #[serde(default)]
    api_version: String,
    pub kind: String,
    pub metadata: Meta,
    #[serde(default)]
    pub spec: Json,
    #[serde(default)]
    pub status: Json,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    pub name: String,
    #[serde(default)]
    pub namespace: Option<String>,
    #[serde(default)]
    pub generation: Option<i64>,
}

/// An object as the family `kube` gives it, in the form it has on the server; anything else as it is.
fn as_manifest(json: Json) -> Json {
    let (Some(name), Some(api_version), None) =
        (json.get("name"), json.get("api_version"), json.get("metadata"))
    else {
        return json;
    };
    json!({
        "kind": json.get("kind"),
        "apiVersion": api_version,
        "metadata": {"name": name, "namespace": json.get("namespace"), "generation": json.get("generation")},
        "spec": json.get("spec"),
        "status": json.get("status"),
    })
}

impl Object {
    /// Reads an object that has to be of one of these kinds: `("VirtualService", "networking.istio.io")`.
    ///
    /// # Errors
    /// Class `bad_parameter` for something else, which says what it is.
    pub fn of(json: Json, kinds: &[(&str, &str)]) -> Result<Self, Failure> {
        let wanted = kinds
            .iter()
            .map(|(kind, _)| *kind)
            .collect::<Vec<_>>()
            .join(" or ");
        let listed = json
            .get("kind")
            .and_then(Json::as_str)
            .is_some_and(|kind| kind.ends_with("List"));
        let object: Self = serde_json::from_value(as_manifest(json)).map_err(|e| {
            let failure = Failure::new(
                Class::BadParameter,
                format!("`object` is no Kubernetes object, where {wanted} was expected: {e}"),
            );
            if listed {
                failure.help("it is a list: give one of its `items`")
            } else {
                failure
            }
        })?;
        let group = object.api_version.split('/').next().unwrap_or_default();
        if kinds.iter().any(|(kind, g)| *kind == object.kind && *g == group) {
            return Ok(object);
        }
        Err(Failure::new(
            Class::BadParameter,
            format!(
                "`object` is a {} of `{}`, not of the kind {wanted}",
                object.kind, object.api_version
            ),
        ))
    }

    /// `VirtualService models/predictor`, for messages.
    pub fn shown(&self) -> String {
        match &self.metadata.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.metadata.name),
            None => format!("{} {}", self.kind, self.metadata.name),
        }
    }

    /// A part of it in the form it has to have.
    ///
    /// # Errors
    /// Class `unreadable_answer`: the object is of the right kind and not as its kind promises.
    pub fn part<T: DeserializeOwned>(&self, name: &str, part: &Json) -> Result<T, Failure> {
        serde_json::from_value(part.clone()).map_err(|e| self.odd(&format!("`{name}`: {e}")))
    }

    /// A failure that says what is odd about this object.
    pub fn odd(&self, why: &str) -> Failure {
        Failure::new(
            Class::UnreadableAnswer,
            format!("{} cannot be read: {why}", self.shown()),
        )
    }
}
