//! `kube.list`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::object::Object;
use super::session::{At, Session, on_kind, reach};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Reads all objects of a kind, or those with certain labels. None is an answer, too: an empty list. That the namespace
/// is not there is a failure of class `not_found`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The kind, as `kubectl` takes it: `Pod`, `pods`, `po`.
    #[schemars(length(min = 1))]
    kind: String,
    /// The version of the API: `apps/v1`. Without it the version that the server prefers.
    #[serde(default)]
    #[schemars(length(min = 1))]
    api_version: Option<String>,
    /// A label selector: `app=web,tier!=cache`.
    #[serde(default)]
    labels: Option<String>,
    /// A field selector: `status.phase=Running`. Which fields can be selected depends on the kind.
    #[serde(default)]
    fields: Option<String>,
    /// In all namespaces.
    #[serde(default)]
    all_namespaces: bool,
    #[serde(flatten)]
    at: At,
}

/// The objects, in the order of their names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many there are.
    count: u64,
    /// Each of them.
    items: Vec<Object>,
}

pub(super) struct List;

impl Action for List {
    const NAME: &'static str = "kube.list";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut calls = on_kind(params, &["list"], None);
        if params.get("all_namespaces") == Some(&Json::Bool(true)) {
            for call in &mut calls {
                if let Capability::Kube { namespace, .. } = call {
                    *namespace = None;
                }
            }
        }
        reach(params, calls)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind(&params.kind, params.api_version.as_deref()).await?;
        let mut scope = session.scope(&kind, None, params.labels.as_deref());
        scope.fields = params.fields;
        if params.all_namespaces {
            scope.namespace = None;
        }
        let mut items = session
            .all(&scope)
            .await?
            .iter()
            .map(Object::read)
            .collect::<Result<Vec<_>, _>>()?;
        if items.is_empty() {
            session.inhabited(scope.namespace.as_deref()).await?;
        }
        items.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Ok(Output {
            count: items.len() as u64,
            items,
        })
    }
}
