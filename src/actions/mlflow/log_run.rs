//! `mlflow.log_run`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::outputs::Run;
use super::wire::{Done, RunAnswer};
use super::{get_experiment, lookup};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// Logs a finished run with metrics, parameters, tags and data sets, without training anything: for what needs a
/// run to start from. The experiment is made when it does not exist.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The experiment's name.
    experiment: String,
    /// The run's name, for people.
    #[serde(default)]
    name: Option<String>,
    /// Metrics, each with one value.
    #[serde(default)]
    metrics: BTreeMap<String, f64>,
    /// Parameters.
    #[serde(default)]
    params: BTreeMap<String, String>,
    /// Tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// Data sets it is said to have used.
    #[serde(default)]
    datasets: Vec<Used>,
}

/// A data set to log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// Its name.
    name: String,
    /// The digest of its content.
    digest: String,
    /// Where it came from: `s3://datasets/fraud.csv`.
    uri: String,
    /// What it was used for.
    #[serde(default = "training")]
    context: String,
}

pub(super) struct LogRun;

impl Action for LogRun {
    const NAME: &'static str = "mlflow.log_run";
    type Params = Params;
    type Output = Run;
    /// Each time makes another run.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Run, Failure> {
        let client = Client::new(cx)?;
        let experiment = experiment(&client, &params.experiment).await?;
        let now = jiff::Timestamp::now().as_millisecond();
        let mut body = json!({ "experiment_id": experiment, "start_time": now });
        if let Some(name) = &params.name {
            body["run_name"] = json!(name);
        }
        let id = client
            .post::<RunAnswer>("runs/create", &body)
            .await?
            .run
            .info
            .run_id;
        let metrics: Json = params
            .metrics
            .iter()
            .map(|(key, value)| json!({ "key": key, "value": value, "timestamp": now, "step": 0 }))
            .collect();
        let batch = json!({
            "run_id": id,
            "metrics": metrics,
            "params": lookup::key_values(&params.params),
            "tags": lookup::key_values(&params.tags),
        });
        client.post::<Done>("runs/log-batch", &batch).await?;
        if !params.datasets.is_empty() {
            let datasets: Json = params.datasets.iter().map(Used::row).collect();
            log_inputs(&client, &json!({ "run_id": id, "datasets": datasets })).await?;
        }
        let end = json!({ "run_id": id, "status": "FINISHED", "end_time": now });
        client.post::<Json>("runs/update", &end).await?;
        lookup::run(&client, &id).await
    }
}

/// Names a run's datasets. MLflow 3 fails one of two runs that name the same new dataset at the same moment (it looks
/// for the row, then inserts it): the row is there the second time.
async fn log_inputs(client: &Client<'_>, body: &Json) -> Result<(), Failure> {
    let first = client.post::<Done>("runs/log-inputs", body).await;
    let lost_the_race = |f: &Failure| {
        f.class == Class::Invalid
            && std::iter::once(&f.message)
                .chain(&f.details)
                .any(|t| t.contains("UNIQUE constraint"))
    };
    match first {
        Err(failure) if lost_the_race(&failure) => client.post::<Done>("runs/log-inputs", body).await?,
        other => other?,
    };
    Ok(())
}

impl Used {
    fn row(&self) -> Json {
        let source = json!({ "uri": self.uri }).to_string();
        let kind = self.uri.split_once(':').map_or("local", |(scheme, _)| scheme);
        json!({
            "tags": [{ "key": "mlflow.data.context", "value": self.context }],
            "dataset": {
                "name": self.name, "digest": self.digest, "source_type": kind, "source": source,
            },
        })
    }
}

/// The id of the experiment with this name, which is made when it does not exist.
async fn experiment(client: &Client<'_>, name: &str) -> Result<String, Failure> {
    match get_experiment::by_name(client, name).await {
        Err(none) if none.class == Class::NotFound => {}
        found => return Ok(found?.experiment_id),
    }
    match client
        .post::<Made>("experiments/create", &json!({ "name": name }))
        .await
    {
        // Another spec was faster.
        Err(there) if there.class == Class::Conflict => {
            Ok(get_experiment::by_name(client, name).await?.experiment_id)
        }
        made => Ok(made?.experiment_id),
    }
}

#[derive(Deserialize)]
struct Made {
    experiment_id: String,
}

fn training() -> String {
    "training".to_owned()
}
