//! `kfp.cancel`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::client::{Client, id};
use super::wire::{Done, RemoteRun, RunRow};
use crate::action::{Action, Context, Failure};
use crate::tools::Capability;

/// Asks an API server to end a run, and reads back its state. It does not wait for the end: `kfp.wait` with `accept:
/// [CANCELED]` does. As a cleanup it ends what a step submitted; a run that has ended stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The run's id.
    run_id: String,
}

pub(super) struct Cancel;

impl Action for Cancel {
    const NAME: &'static str = "kfp.cancel";
    type Params = Params;
    type Output = RemoteRun;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::server()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<RemoteRun, Failure> {
        let client = Client::new(cx)?;
        let call = format!("runs/{}", id(&params.run_id)?);
        // What has ended cannot be ended, which servers call a mistake.
        let run = client.get::<RunRow>(&call, &[]).await?.read()?;
        if run.ended() {
            return Ok(run);
        }
        let Done {} = client.post(&format!("{call}:terminate"), None).await?;
        client.get::<RunRow>(&call, &[]).await?.read()
    }
}
