//! `kfp.runs`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::client::{Client, equals};
use super::wire::{RemoteRun, RunsRow};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;

/// More runs than these are an error unless `limit` says that a part is enough.
const MANY: usize = 1000;

/// Lists runs of an API server, the newest first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The experiment whose runs are meant, by name; without it all.
    #[serde(default)]
    experiment: Option<String>,
    /// The namespace, on a server with several.
    #[serde(default)]
    namespace: Option<String>,
    /// The name of the runs.
    #[serde(default)]
    name: Option<String>,
    /// How many of the first runs are enough; without it more than 1000 are an error.
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u32>,
}

/// The runs that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The runs, the newest first.
    runs: Vec<RemoteRun>,
    /// How many there are.
    count: usize,
}

pub(super) struct Runs;

impl Action for Runs {
    const NAME: &'static str = "kfp.runs";
    type Params = Params;
    type Output = Found;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::server()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Found, Failure> {
        let client = Client::new(cx)?;
        let mut query = vec![
            ("page_size", "100".to_owned()),
            ("sort_by", "created_at desc".to_owned()),
        ];
        if let Some(name) = &params.experiment {
            query.push((
                "experiment_id",
                client.experiment(name, params.namespace.as_deref()).await?,
            ));
        }
        query.extend(params.namespace.map(|n| ("namespace", n)));
        query.extend(
            params
                .name
                .as_ref()
                .map(|n| ("filter", equals("display_name", n))),
        );
        let enough = params.limit.map_or(MANY, |l| l as usize);
        let mut runs = Vec::new();
        let mut token = String::new();
        loop {
            let mut query = query.clone();
            if !token.is_empty() {
                query.push(("page_token", token));
            }
            let page: RunsRow = client.get("runs", &query).await?;
            for row in page.runs {
                runs.push(row.read()?);
            }
            match page.next_page_token.filter(|t| !t.is_empty()) {
                Some(_) if runs.len() >= enough && params.limit.is_none() => {
                    return Err(
                        Failure::new(Class::TooLarge, format!("there are more than {MANY} runs"))
                            .help("narrow it down, or set `limit` when the first ones are enough"),
                    );
                }
                Some(next) if runs.len() < enough => token = next,
                _ => break,
            }
        }
        if params.limit.is_some() {
            runs.truncate(enough);
        }
        Ok(Found {
            count: runs.len(),
            runs,
        })
    }
}
