//! MLflow: tracking server and model registry, over plain HTTP.
//!
//! Written against MLflow 3 and kept working with what MLflow 2 does differently (models under the run). Traps of
//! the server that the actions take care of, so that no spec has to know them:
//!
//! - a body it cannot read is answered 200 `{}`: an answer without its promised part is an error here;
//! - an unknown alias is a 400: class `not_found` here;
//! - version rows of a search carry no aliases: they are added here;
//! - a model's files are not among its run's: `mlflow.artifacts` finds both;
//! - only a stage transition moves a version's time of update: `mlflow.promote` reads the version back instead;
//! - NaN is text in its JSON, and infinity the largest number: both are told apart from metrics here.
//!
//! Not here: who may what on the server (its answer says), and what a good model is (checks say).

mod artifacts;
mod client;
mod delete_model;
mod delete_run;
mod delete_version;
mod get_experiment;
mod get_model;
mod get_run;
mod get_version;
mod lineage;
mod log_run;
mod lookup;
mod metric_history;
mod models;
mod outputs;
mod promote;
mod refusal;
mod register;
mod search_runs;
mod search_versions;
mod set_tags;
mod wire;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

pub(in crate::actions) use models::fetch;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "mlflow",
    about: "MLflow: runs, metrics, artifacts, and the model registry",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &artifacts::Artifacts,
    &delete_model::DeleteModel,
    &delete_run::DeleteRun,
    &delete_version::DeleteVersion,
    &get_experiment::GetExperiment,
    &get_model::GetModel,
    &get_run::GetRun,
    &get_version::GetVersion,
    &lineage::Lineage,
    &log_run::LogRun,
    &metric_history::MetricHistory,
    &promote::Promote,
    &register::Register,
    &search_runs::SearchRuns,
    &search_versions::SearchVersions,
    &set_tags::SetTags,
];

/// Every action of the family reaches its endpoint and nothing else.
fn reach() -> Vec<Capability> {
    vec![Capability::Endpoint {
        family: "mlflow".to_owned(),
    }]
}
