//! `kfp.artifacts`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{Client, id};
use super::wire::RunRow;
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Lists which artifacts the steps of a run on an API server made: the step, the output, the ids. The API gives no
/// contents: these are in the bucket of the run's `pipeline_root`, for `s3.get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
    /// The step whose artifacts are meant; without it all.
    #[serde(default)]
    step: Option<String>,
}

/// The artifacts of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Each artifact, by step and output.
    artifacts: Vec<Made>,
    /// How many there are.
    count: usize,
}

/// An artifact.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Made {
    /// The step that made it.
    step: String,
    /// The name of the output.
    output: String,
    /// Its id.
    id: String,
}

pub(super) struct Artifacts;

impl Action for Artifacts {
    const NAME: &'static str = "kfp.artifacts";
    type Params = Params;
    type Output = Found;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::server()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Found, Failure> {
        let client = Client::new(cx)?;
        let run = client
            .get::<RunRow>(&format!("runs/{}", id(&params.run_id)?), &[])
            .await?
            .read()?;
        let mut artifacts = Vec::new();
        for step in run.steps {
            if params.step.as_ref().is_some_and(|s| *s != step.name) {
                continue;
            }
            for (output, ids) in step.artifacts {
                artifacts.extend(ids.into_iter().map(|id| Made {
                    step: step.name.clone(),
                    output: output.clone(),
                    id,
                }));
            }
        }
        Ok(Found {
            count: artifacts.len(),
            artifacts,
        })
    }
}
