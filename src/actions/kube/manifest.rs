//! Manifests: inline, from a file, from a template; marked as made by this run.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::object::{Object, text_at};
use super::session::{Session, text};
use crate::action::{Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::{Kind, guess};
use crate::value::{Type, Value, template};

/// The largest manifest that is read, in bytes.
const CAP: u64 = 8 << 20;
/// The label that says which spec of which run made an object.
pub const OWNER: &str = "specrun.io/owner";

/// What is to be made.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The object, or a list of objects.
    #[serde(default)]
    pub manifest: Option<Json>,
    /// A YAML or JSON file with one or several objects, relative to the spec's folder.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub file: Option<String>,
    /// What the names in the file stand for: it is then a template (minijinja). A name it uses and is not given is an
    /// error.
    #[serde(default)]
    pub values: Option<Map<String, Json>>,
}

/// What was made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Made {
    /// The name of the first object.
    pub name: String,
    /// Its namespace; nothing when its kind has none.
    pub namespace: Option<String>,
    /// Its unique id.
    pub uid: String,
    /// All of them, as the server has them now.
    pub objects: Vec<Object>,
}

impl Made {
    pub(super) fn of(objects: Vec<Object>) -> Result<Self, Failure> {
        let first = objects
            .first()
            .ok_or_else(|| Failure::new(Class::BadParameter, "the manifest holds no object"))?;
        Ok(Self {
            name: first.name.clone(),
            namespace: first.namespace.clone(),
            uid: first.uid.clone(),
            objects,
        })
    }
}

/// An object that is to be made: its kind, its place and itself.
pub(super) struct Wanted {
    pub kind: Arc<Kind>,
    pub namespace: Option<String>,
    pub name: String,
    pub json: Json,
}

impl Manifest {
    /// The objects, in their order.
    ///
    /// # Errors
    /// For files, templates and objects that cannot be used, and kinds that the server does not know.
    pub(super) async fn read(&self, session: &Session<'_>) -> Result<Vec<Wanted>, Failure> {
        let mut wanted = Vec::new();
        for (n, mut json) in self.documents(session.cx)?.into_iter().enumerate() {
            let bad = |why: &str| {
                Failure::new(
                    Class::BadParameter,
                    format!("object {} of the manifest {why}", n + 1),
                )
            };
            let (Some(kind), Some(api_version)) = (text_at(&json, "/kind"), text_at(&json, "/apiVersion"))
            else {
                return Err(bad("says not what it is: it lacks `kind` or `apiVersion`"));
            };
            let kind = session.kind(kind, Some(api_version)).await?;
            let Some(name) = text_at(&json, "/metadata/name").map(str::to_owned) else {
                return Err(bad("has no `metadata.name`").help(
                    "start it with `${{ run.prefix }}`; `generateName` is not enough, since what a killed run leaves behind \
                     could not be found",
                ));
            };
            let own = text_at(&json, "/metadata/namespace").map(str::to_owned);
            let namespace = own.or_else(|| session.namespace_of(&kind).map(str::to_owned));
            let namespace = namespace.filter(|_| kind.namespaced);
            mark(&mut json, session.cx);
            if let (Some(namespace), Some(meta)) = (&namespace, json.get_mut("metadata")) {
                meta["namespace"] = json!(namespace);
            }
            wanted.push(Wanted {
                kind,
                namespace,
                name,
                json,
            });
        }
        if wanted.is_empty() {
            return Err(Failure::new(Class::BadParameter, "the manifest holds no object"));
        }
        Ok(wanted)
    }

    fn documents(&self, cx: &Context) -> Result<Vec<Json>, Failure> {
        if let Some(manifest) = &self.manifest {
            return Ok(listed(manifest.clone()));
        }
        let Some(file) = &self.file else {
            return Err(Failure::new(
                Class::BadParameter,
                "give the objects as `manifest` or as `file`",
            ));
        };
        let content = cx.tools.files.read(&cx.base_dir, file, CAP)?;
        String::from_utf8(content.bytes)
            .map_err(|_| "not UTF-8".to_owned())
            .and_then(|source| parse(file, source, self.values.as_ref()))
            .map_err(|why| Failure::new(Class::BadParameter, format!("the manifest `{file}`: {why}")))
    }
}

/// The objects of a file; with values it is a template.
fn parse(file: &str, mut source: String, values: Option<&Map<String, Json>>) -> Result<Vec<Json>, String> {
    if let Some(values) = values {
        let values: Vec<(String, Value)> = values
            .iter()
            .map(|(name, json)| {
                let value = Value::from_json(json, &Type::Any).map_err(|e| e.to_string())?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, String>>()?;
        source = template::render(file, &source, &values).map_err(|e| e.message)?;
    }
    let mut all = Vec::new();
    for document in serde_yaml::Deserializer::from_str(&source) {
        let json = Json::deserialize(document).map_err(|e| format!("not YAML: {e}"))?;
        if !json.is_null() {
            all.extend(listed(json));
        }
    }
    Ok(all)
}

/// The objects of a document: itself, or those that it lists.
fn listed(json: Json) -> Vec<Json> {
    match json {
        Json::Array(items) => items,
        Json::Object(mut fields)
            if fields.get("kind").and_then(Json::as_str) == Some("List") && fields.get("items").is_some() =>
        {
            match fields.shift_remove("items") {
                Some(Json::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    }
}

/// The parameters with the objects of the file as if they stood in the spec; as they are when the file cannot be had, or is
/// a template with a value that only the run gives.
pub(super) fn opened(params: &Json, read: &dyn Fn(&str) -> Option<String>) -> Json {
    let objects = || {
        let file = text(params, "file")?;
        let values = params.get("values").and_then(Json::as_object);
        parse(file, read(file)?, values).ok()
    };
    let mut opened = params.clone();
    if let (Some(mut objects), Some(fields)) = (objects(), opened.as_object_mut()) {
        let manifest = match objects.len() {
            1 => objects.remove(0),
            _ => Json::Array(objects),
        };
        fields.insert("manifest".to_owned(), manifest);
    }
    opened
}

/// Says in its labels who made an object.
fn mark(json: &mut Json, cx: &Context) {
    let Some(meta) = json.get_mut("metadata").and_then(Json::as_object_mut) else {
        return;
    };
    let labels = meta.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        for (key, value) in marks(cx) {
            labels.entry(key).or_insert_with(|| json!(value));
        }
    }
}

/// The labels of everything that a step makes.
pub fn marks(cx: &Context) -> [(&'static str, String); 4] {
    [
        ("app.kubernetes.io/managed-by", "specrun".to_owned()),
        (OWNER, label(&cx.prefix)),
        ("specrun.io/spec", label(&cx.spec.0)),
        ("specrun.io/step", label(cx.step.as_str())),
    ]
}

/// A text as the value of a label: at most 63 letters, digits, `-`, `_`, `.`, the ends letters or digits.
fn label(text: &str) -> String {
    let mut value: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .take(63)
        .collect();
    let end = |c: char| !c.is_ascii_alphanumeric();
    value = value.trim_matches(end).to_owned();
    value
}

/// That exactly one of `manifest` and `file` is given, and `values` only with a file.
pub(super) fn problems(params: &Json) -> Vec<ParamProblem> {
    let problem = |key: Option<&str>, message: &str| {
        vec![ParamProblem {
            pointer: key.map(|k| format!("/{k}")).unwrap_or_default(),
            key: key.map(str::to_owned),
            message: message.to_owned(),
            help: None,
        }]
    };
    match (params.get("manifest"), params.get("file"), params.get("values")) {
        (None, None, _) => problem(None, "one of `manifest` and `file` is missing"),
        (Some(_), Some(_), _) => problem(Some("file"), "only one of `manifest` and `file` can be given"),
        (Some(_), None, Some(_)) => problem(
            Some("values"),
            "`values` belongs to a `file`; a `manifest` takes expressions",
        ),
        _ => Vec::new(),
    }
}

/// The powers that making the objects of an inline manifest needs; those of a file are not known without [`opened`].
pub(super) fn powers(params: &Json, verbs: &[&str]) -> Vec<Capability> {
    let Some(manifest) = params.get("manifest") else {
        return verbs.iter().map(|verb| power(verb, "?", Some("?"))).collect();
    };
    let documents = match manifest {
        Json::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut all = Vec::new();
    for document in documents {
        let kind = text(document, "kind");
        let version = text(document, "apiVersion");
        let (resource, namespaced) = kind.map_or_else(|| ("?".to_owned(), true), |kind| guess(kind, version));
        let meta = document.get("metadata").unwrap_or(&Json::Null);
        let namespace = text(meta, "namespace")
            .or_else(|| text(params, "namespace").filter(|_| meta.get("namespace").is_none()))
            .unwrap_or("?");
        for verb in verbs {
            all.push(power(verb, &resource, namespaced.then_some(namespace)));
        }
    }
    all
}

fn power(verb: &str, resource: &str, namespace: Option<&str>) -> Capability {
    Capability::Kube {
        verb: verb.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{label, opened};

    #[test]
    fn files_are_opened_as_far_as_their_values_are_known() {
        let read = |file: &str| {
            let text = match file {
                "two.yaml" => "{kind: A}\n---\nkind: List\nitems: [{kind: B}]\n---\n",
                "template.yaml" => "kind: {{ kind }}\n",
                "odd.yaml" => "a: [",
                _ => return None,
            };
            Some(text.to_owned())
        };
        let of = |params: serde_json::Value| opened(&params, &read)["manifest"].clone();
        assert_eq!(
            of(json!({"file": "two.yaml"})),
            json!([{"kind": "A"}, {"kind": "B"}])
        );
        assert_eq!(
            of(json!({"file": "template.yaml", "values": {"kind": "C"}})),
            json!({"kind": "C"})
        );
        for unknown in [
            json!({"file": "template.yaml", "values": {}}),
            json!({"file": "odd.yaml"}),
            json!({"file": "none.yaml"}),
            json!({"file": "${{ a.path }}"}),
        ] {
            assert_eq!(of(unknown), json!(null));
        }
    }

    #[test]
    fn labels_hold_what_labels_may() {
        assert_eq!(label("T12"), "T12");
        assert_eq!(label("T12[a=1, b=ü]"), "T12-a-1--b");
        assert_eq!(label(&"x".repeat(80)).len(), 63);
        assert_eq!(label("-_.a.-"), "a");
        assert_eq!(label("---"), "");
    }
}
