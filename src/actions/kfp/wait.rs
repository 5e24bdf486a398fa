//! `kfp.wait`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::client::{Client, id};
use super::wire::{RemoteRun, RunRow};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// How often in a row the server may not answer once it has.
const PATIENCE: u32 = 5;

/// Waits until a run on an API server has ended, and gives the states of its steps. A run that ends otherwise than
/// `accept` says is `exit_code`, with its steps; one that has not ended in the step's time is `timeout`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
    /// Ends that are an answer rather than a failure.
    #[serde(default = "succeeded")]
    #[schemars(length(min = 1))]
    accept: Vec<End>,
    /// How long to wait between two looks.
    #[serde(default = "often")]
    every: Duration,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum End {
    Succeeded,
    Failed,
    Skipped,
    Canceled,
}

impl End {
    const fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
            Self::Canceled => "CANCELED",
        }
    }
}

pub(super) struct Wait;

impl Action for Wait {
    const NAME: &'static str = "kfp.wait";
    type Params = Params;
    type Output = RemoteRun;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::server()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<RemoteRun, Failure> {
        let client = Client::new(cx)?;
        let call = format!("runs/{}", id(&params.run_id)?);
        let pause = std::time::Duration::try_from_secs_f64(params.every.0.max(0.01))
            .unwrap_or(std::time::Duration::from_hours(1));
        let mut last: Option<RemoteRun> = None;
        let mut silent = 0;
        loop {
            match client.get::<RunRow>(&call, &[]).await.and_then(RunRow::read) {
                Ok(run) if run.ended() => return judged(run, &params.accept),
                Ok(run) => {
                    if last.as_ref().is_none_or(|l| l.state != run.state) {
                        (cx.progress)(format!("{}: {}", run.run_id, run.state));
                    }
                    silent = 0;
                    last = Some(run);
                }
                // A server that has answered may be away for a moment; one that never has, is not there.
                Err(failure) if last.is_some() && failure.class.retriable() && silent < PATIENCE => {
                    silent += 1;
                }
                Err(failure) => return Err(failure),
            }
            tokio::select! {
                biased;
                () = cx.cancel.cancelled() => {
                    return Err(Failure::new(Class::Cancelled, format!("waiting for the run {}: the run was stopped", params.run_id)));
                }
                () = tokio::time::sleep_until(cx.deadline.into()) => return Err(late(&params.run_id, last.as_ref())),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

fn judged(run: RemoteRun, accept: &[End]) -> Result<RemoteRun, Failure> {
    if accept.iter().any(|e| e.word() == run.state) {
        return Ok(run);
    }
    let why = if run.error.is_empty() {
        String::new()
    } else {
        format!(": {}", run.error)
    };
    let mut failure = Failure::new(
        Class::ExitCode,
        format!("the run {} ended as {}{why}", run.run_id, run.state),
    );
    failure.details = run.lines();
    failure.reason = Some(run.state);
    Err(failure)
}

fn late(run_id: &str, last: Option<&RemoteRun>) -> Failure {
    let state = last.map_or("unknown", |r| r.state.as_str());
    let mut failure = Failure::new(
        Class::Timeout,
        format!("the run {run_id} has not ended before the step's deadline; its last state was {state}"),
    );
    failure.details = last.map(RemoteRun::lines).unwrap_or_default();
    failure
}

fn succeeded() -> Vec<End> {
    vec![End::Succeeded]
}

const fn often() -> Duration {
    Duration(5.0)
}
