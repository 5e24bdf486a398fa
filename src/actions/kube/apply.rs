//! `kube.apply`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::manifest::{self, Made, Manifest};
use super::object::Object;
use super::session::{At, Session, reach};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::Call;

/// Makes objects what a manifest says, whether they are there or not (server-side apply, as the field manager
/// `specrun`). Fields that somebody else manages and wants otherwise are a failure of class `conflict`.
///
/// Objects get the labels that `kube.create` gives them.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    what: Manifest,
    /// Take over fields that somebody else manages.
    #[serde(default)]
    force: bool,
    /// Only ask the server whether it would take them: nothing changes, though everything is judged.
    #[serde(default)]
    dry_run: bool,
    #[serde(flatten)]
    at: At,
}

pub(super) struct Apply;

impl Action for Apply {
    const NAME: &'static str = "kube.apply";
    type Params = Params;
    type Output = Made;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        // An object that is not there yet is created by its patch, which needs both rights.
        reach(params, manifest::powers(params, &["patch", "create"]))
    }

    fn capabilities_of_files(&self, params: &Json, read: &dyn Fn(&str) -> Option<String>) -> Vec<Capability> {
        self.capabilities(&manifest::opened(params, read))
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        manifest::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Made, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let mut made = Vec::new();
        for wanted in params.what.read(&session).await? {
            let namespace = wanted.namespace.as_deref();
            cx.tools
                .kube
                .judge(&wanted.kind.power("create", namespace, None))?;
            let call = Call::new("PATCH", wanted.kind.path(namespace, Some(&wanted.name), None))
                .power(wanted.kind.power("patch", namespace, None))
                .query("fieldManager", "specrun")
                .query("fieldValidation", "Strict")
                .query("force", params.force.to_string())
                .maybe_query("dryRun", params.dry_run.then_some("All"))
                // JSON is YAML.
                .body("application/apply-patch+yaml", wanted.json);
            made.push(Object::read(&session.ask(call).await?)?);
        }
        Made::of(made)
    }
}
