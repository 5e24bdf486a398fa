//! Kubeflow Pipelines: pipelines compiled and really run by the SDK's local runner, and runs on an API server.
//!
//! `compile`, `component` and `pipeline` start a Python that has the SDK (`kfp`) with a small program of ours ([`local`]);
//! the other verbs speak the API `v2beta1` over HTTP. Traps that the actions take care of, so that no spec has to know them:
//!
//! - the local runner takes a condition that it cannot evaluate for false, and calls that a success: an error here;
//! - a branch that was skipped leaves no trace: the steps that did not run are listed;
//! - a component with input artifacts is refused when it stands alone: it is put into a pipeline of one step;
//! - whole numbers come back from the SDK as 60.0: they are read from what the step wrote;
//! - a component installs `kfp` before each step unless told otherwise: left out.
//!
//! Not here: what a good artifact is (`data.contract`, `model.hash`), and whether a model was registered (`mlflow`):
//! that a pipeline succeeded says neither.

mod artifacts;
mod cancel;
mod client;
mod compile;
mod component;
mod ir;
mod local;
mod outputs;
mod pipeline;
mod runs;
mod submit;
mod wait;
mod wire;

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "kfp",
    about: "Kubeflow Pipelines: compile, run locally, and runs on an API server",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &artifacts::Artifacts,
    &cancel::Cancel,
    &compile::Compile,
    &component::Component,
    &pipeline::Pipeline,
    &runs::Runs,
    &submit::Submit,
    &wait::Wait,
];

/// What an action that asks an API server reaches.
fn server() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "kfp".to_owned(),
    }]
}

/// What an action that runs the SDK reaches: an interpreter, the pipeline's file, the artifacts it is given.
fn reach(params: &Json) -> Vec<Capability> {
    let text = |value: Option<&Json>| {
        value
            .and_then(Json::as_str)
            .filter(|t| !t.contains("${{"))
            .map(str::to_owned)
    };
    let read = |value: Option<&Json>| Capability::Read {
        path: text(value).unwrap_or_else(|| "?".to_owned()),
    };
    let program = match params.get("python") {
        Some(given) => text(Some(given)).unwrap_or_else(|| "?".to_owned()),
        None => local::PYTHON.to_owned(),
    };
    let mut all = vec![
        Capability::Exec {
            program,
            args: Vec::new(),
        },
        read(params.get("file")),
    ];
    if let Some(artifacts) = params.get("artifacts").and_then(Json::as_object) {
        all.extend(artifacts.values().map(|a| read(Some(a.get("path").unwrap_or(a)))));
    }
    all
}
