//! `mlflow.lineage`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::lookup::{self, Number};
use super::outputs::{Dataset, Run, Version};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Follows a version of a registered model back: to its run, the commit of the training code, the data sets, and
/// who approved it. What is not recorded is null and named in `missing`; whether it may be is for checks to say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The registered model's name.
    model: String,
    /// The version's number; this or `alias`.
    #[serde(default)]
    version: Option<Number>,
    /// The alias that points at the version; this or `version`.
    #[serde(default)]
    alias: Option<String>,
    /// The tag that names who approved the version, looked for on the version and then on its run.
    #[serde(default = "approver")]
    approver_tag: String,
}

/// Where a version comes from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The version.
    version: Version,
    /// The run it came from; nothing when the version names none.
    run: Option<Run>,
    /// The commit of the training code.
    git_commit: Option<String>,
    /// The first data set the run was trained on (context `training`; without one, the first of all).
    dataset: Option<Dataset>,
    /// All data sets of the run.
    datasets: Vec<Dataset>,
    /// Who approved it.
    approver: Option<String>,
    /// What is not recorded, out of `run`, `git_commit`, `dataset` and `approver`.
    missing: Vec<String>,
}

pub(super) struct Lineage;

impl Action for Lineage {
    const NAME: &'static str = "mlflow.lineage";
    type Params = Params;
    type Output = Found;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        lookup::one_of(params, &["version", "alias"])
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Found, Failure> {
        let client = Client::new(cx)?;
        let version = lookup::named(
            &client,
            &params.model,
            params.version.as_ref(),
            params.alias.as_deref(),
        )
        .await?;
        let run = match &version.run_id {
            Some(id) => Some(lookup::run(&client, id).await?),
            None => None,
        };
        let written = |text: &String| !text.trim().is_empty();
        let git_commit = run.as_ref().and_then(|r| r.git_commit.clone()).filter(written);
        let datasets = run.as_ref().map(|r| r.datasets.clone()).unwrap_or_default();
        let dataset = datasets
            .iter()
            .find(|d| d.context.as_deref() == Some("training"))
            .or_else(|| datasets.first())
            .cloned();
        let approver = version
            .tags
            .get(&params.approver_tag)
            .or_else(|| run.as_ref().and_then(|r| r.tags.get(&params.approver_tag)))
            .cloned()
            .filter(written);
        let missing = [
            ("run", run.is_none()),
            ("git_commit", git_commit.is_none()),
            ("dataset", dataset.is_none()),
            ("approver", approver.is_none()),
        ]
        .into_iter()
        .filter(|(_, absent)| *absent)
        .map(|(name, _)| name.to_owned())
        .collect();
        Ok(Found {
            version,
            run,
            git_commit,
            dataset,
            datasets,
            approver,
            missing,
        })
    }
}

fn approver() -> String {
    "approver".to_owned()
}
