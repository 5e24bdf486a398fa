//! `feast.materialize`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::client::Client;
use super::when;
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// Loads what the offline sources hold for a stretch of time into the online store, as the nightly job does. Feast puts
/// what it finds over what is there, also over newer values that were pushed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The feature views; all when not given.
    #[serde(default)]
    views: Vec<String>,
    /// The beginning: `2026-11-01T00:00:00Z`; this or `last`.
    #[serde(default)]
    start: Option<String>,
    /// The end; now when not given.
    #[serde(default)]
    end: Option<String>,
    /// How far back from the end, instead of `start`: `40d`.
    #[serde(default)]
    last: Option<Duration>,
}

/// What was loaded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The beginning, UTC.
    start: String,
    /// The end, UTC.
    end: String,
}

pub(super) struct Materialize;

impl Action for Materialize {
    const NAME: &'static str = "feast.materialize";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, _: &Json) -> Vec<Capability> {
        super::reach()
    }

    fn validate(&self, params: &Json) -> Vec<crate::action::ParamProblem> {
        let given = |key: &str| params.get(key).is_some();
        if given("start") != given("last") {
            return Vec::new();
        }
        vec![crate::action::ParamProblem {
            pointer: String::new(),
            key: given("last").then(|| "last".to_owned()),
            message: "exactly one of `start` and `last` is needed".to_owned(),
            help: None,
        }]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let client = Client::new(cx)?;
        let end = match &params.end {
            Some(end) => when::parameter("end", end)?,
            None => when::now(),
        };
        let start = match (&params.start, &params.last) {
            (Some(start), _) => when::parameter("start", start)?,
            (None, Some(last)) => end - (last.0 * 1e6) as i64,
            (None, None) => end,
        };
        if start >= end {
            return Err(Failure::new(
                Class::BadParameter,
                format!(
                    "from {} to {} there is no time",
                    when::show(start),
                    when::show(end)
                ),
            ));
        }
        let mut body = json!({"start_ts": when::show(start), "end_ts": when::show(end)});
        if !params.views.is_empty() {
            body["feature_views"] = json!(params.views);
        }
        client.act("materialize", &body).await?;
        Ok(Output {
            start: when::show(start),
            end: when::show(end),
        })
    }
}
