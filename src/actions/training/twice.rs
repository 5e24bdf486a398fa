//! `training.twice`

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::collect::{self, Place};
use super::judge::{Found, Policy, judge};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::exec::{Line, given_twice, reach};
use crate::actions::model::weights::{Rules, Tolerance};
use crate::tools::Capability;
use crate::value::{Bytes, Duration};

/// Runs a training twice (or more often) with the same words and the same seed, and compares the weights of the models
/// it leaves: their contents, never the files, which hold times and addresses. The step has a check `weights` of its own,
/// which fails with the first tensor that differs and by how much. `{out}` in an argument becomes the folder of the run.
///
/// Weights must be equal unless `tolerance` says otherwise: what runs on a GPU adds up in another order each time. A model
/// with values that are no finite numbers is inconclusive.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    line: Line,
    /// How often it runs, one run after the other.
    #[serde(default = "two")]
    #[schemars(range(min = 2, max = 100))]
    runs: usize,
    /// Where a run leaves its model: `{mlflow: {}}` or `{file: model.safetensors}`.
    model: Place,
    /// How far values may be apart: `|a - b| <= absolute + relative * max(|a|, |b|)`. Without it they must be equal.
    #[serde(default)]
    tolerance: Tolerance,
    /// Other tolerances for tensors by a pattern of their names: `{"lstm.*": {relative: 1e-5}}`.
    #[serde(default)]
    tolerances: BTreeMap<String, Tolerance>,
    /// Files of a model's folder that are no weights: `*.md`.
    #[serde(default)]
    ignore: Vec<String>,
    /// Files of a model's folder of which the bytes are compared, whatever they are.
    #[serde(default)]
    raw: Vec<String>,
    /// The largest file of a model that is downloaded.
    #[serde(default = "largest")]
    max_size: Bytes,
    /// How long each run may take; the step's timeout also holds.
    #[serde(default)]
    timeout: Option<Duration>,
}

/// What the runs gave.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether the weights of all runs are equal.
    identical: bool,
    /// Whether they are equal, or differ by no more than is tolerated.
    within_tolerance: bool,
    /// The hash of each run's weights, as of `model.hash`.
    hashes: Vec<String>,
    /// How many of these there are.
    distinct: usize,
    /// Whether the hashes are those of the weights themselves; false where only a file's bytes can be compared.
    canonical: bool,
    /// How many tensors the model of the first run has.
    tensors: usize,
    /// The first run.
    first: Run,
    /// The last run.
    last: Run,
    /// Each run, in order.
    runs: Vec<Run>,
    /// What differs from the first run, by run and tensor.
    differences: Vec<Found>,
}

/// One run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Run {
    /// The hash of its weights.
    sha256: String,
    /// The id of its MLflow run; empty when the model is in a file.
    run_id: String,
    /// The file or folder with its model.
    model: String,
    /// How long it took.
    elapsed: Duration,
}

pub(super) struct Twice;

impl Action for Twice {
    const NAME: &'static str = "training.twice";
    type Params = Params;
    type Output = Output;

    /// What a training does besides its model nobody knows.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = reach(params);
        let file = params.get("model").is_some_and(|m| m.get("file").is_some());
        if !file {
            all.push(Capability::Endpoint {
                family: "mlflow".to_owned(),
            });
        }
        all
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        given_twice(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let policy = Policy::new(params.tolerance, &params.tolerances)?;
        let rules = Rules::new(None, &params.ignore, &params.raw)?;
        let timeout = params.timeout.map(|d| {
            std::time::Duration::try_from_secs_f64(d.0.max(0.0)).unwrap_or(std::time::Duration::MAX)
        });
        let mut left = Vec::new();
        for run in 1..=params.runs {
            (cx.progress)(format!("run {run} of {}", params.runs));
            let folder = cx
                .artifact(&format!("run-{run}"))
                .map_err(|e| Failure::new(Class::Internal, format!("making the step's folder: {e}")))?;
            let collected = collect::run(
                &params.line,
                &params.model,
                &folder,
                timeout,
                params.max_size.0 as u64,
                cx,
            )
            .await
            .map_err(|mut failure| {
                failure.message = format!("run {run} of the training: {}", failure.message);
                failure
            })?;
            left.push(collected);
        }
        let ids: BTreeSet<&str> = left.iter().filter_map(|c| c.run_id.as_deref()).collect();
        if !ids.is_empty() && ids.len() < left.len() {
            return Err(Failure::new(
                Class::Invalid,
                "two runs of the training logged to the same MLflow run, so that one model would be compared with itself",
            ));
        }
        let paths: Vec<_> = left.iter().map(|c| c.path.clone()).collect();
        let tools = std::sync::Arc::clone(&cx.tools);
        let until = cx.until();
        let judged = cx
            .aside("comparing the models", move || {
                judge(&paths, &rules, &policy, &tools.files, &until)
            })
            .await?;
        cx.checks.add(judged.check());
        let distinct: BTreeSet<&String> = judged.hashes.iter().collect();
        let runs: Vec<Run> = left
            .into_iter()
            .zip(&judged.hashes)
            .map(|(c, hash)| Run {
                sha256: hash.clone(),
                run_id: c.run_id.unwrap_or_default(),
                model: c.path.display().to_string(),
                elapsed: c.elapsed,
            })
            .collect();
        let (Some(first), Some(last)) = (runs.first().cloned(), runs.last().cloned()) else {
            return Err(Failure::new(Class::Internal, "no run was made"));
        };
        Ok(Output {
            identical: judged.identical(),
            within_tolerance: judged.within(),
            distinct: distinct.len(),
            canonical: judged.canonical,
            tensors: judged.tensors,
            first,
            last,
            runs,
            hashes: judged.hashes,
            differences: judged.found,
        })
    }
}

const fn two() -> usize {
    2
}

const fn largest() -> Bytes {
    Bytes(1_073_741_824.0)
}
