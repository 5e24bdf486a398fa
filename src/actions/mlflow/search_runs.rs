//! `mlflow.search_runs`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Client;
use super::get_experiment;
use super::lookup;
use super::outputs::Run;
use super::wire::RunsAnswer;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Searches the runs of experiments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Names of the experiments to search; one that does not exist is `not_found`.
    #[schemars(length(min = 1))]
    experiments: Vec<String>,
    /// MLflow's filter: ``metrics.accuracy >= 0.9 and tags.`dataset.version` = 'v3'``.
    #[serde(default)]
    filter: Option<String>,
    /// How to sort: `metrics.accuracy DESC`.
    #[serde(default)]
    order_by: Vec<String>,
    /// How many of the first runs are enough; without it more than 1000 are an error.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

/// The runs that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The runs, in the order asked for.
    runs: Vec<Run>,
    /// How many there are.
    count: usize,
}

pub(super) struct SearchRuns;

impl Action for SearchRuns {
    const NAME: &'static str = "mlflow.search_runs";
    type Params = Params;
    type Output = Found;

    fn capabilities(&self, _: &serde_json::Value) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Found, Failure> {
        let client = Client::new(cx)?;
        let mut ids = Vec::new();
        for name in &params.experiments {
            ids.push(get_experiment::by_name(&client, name).await?.experiment_id);
        }
        let mut runs = Vec::new();
        let mut token = None;
        loop {
            let mut body = json!({
                "experiment_ids": ids,
                "order_by": params.order_by,
                "max_results": lookup::room(runs.len(), params.limit),
            });
            if let Some(filter) = &params.filter {
                body["filter"] = json!(filter);
            }
            if let Some(token) = &token {
                body["page_token"] = json!(token);
            }
            let page: RunsAnswer = client.post("runs/search", &body).await?;
            for row in page.runs {
                runs.push(row.read()?);
            }
            token = lookup::next(page.next_page_token, runs.len(), params.limit, "runs")?;
            if token.is_none() {
                break;
            }
        }
        if let Some(limit) = params.limit {
            runs.truncate(limit as usize);
        }
        Ok(Found {
            count: runs.len(),
            runs,
        })
    }
}
