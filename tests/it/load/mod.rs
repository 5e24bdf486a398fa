//! `load.run` against servers in this process: it counts right, it hears every fault, it does not pass by accident.
//!
//! No test asks how fast anything was, only what must be true on the slowest machine.

mod arrivals;
mod faults;
mod mistakes;
mod program;
mod server;
mod simulated;

pub use server::Server;

use serde_json::{Value as Json, json};
use specrun::action::{Failure, OwnCheck, ParamSchema};
use specrun::actions::REGISTRY;
use specrun::tools::Grants;

use crate::support::actions::Stage;

/// A stage whose endpoint `http` is this server.
fn stage(url: &str) -> Stage {
    let mut stage = Stage::new();
    stage.endpoint("http", url.to_owned());
    stage
}

/// Loose limits of the generator: the machine that tests run on is shared.
fn loose() -> Json {
    json!({"lag": "60s", "cpu": "100%"})
}

/// A load of `url` with these keys besides.
fn of(url: &str, more: &Json) -> Json {
    let mut params = json!({"request": {"http.request": {"url": url}}, "generator": loose()});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

/// Runs a load; gives its output and its own checks.
async fn run(stage: &Stage, params: Json) -> (Result<Json, Failure>, Vec<OwnCheck>) {
    let action = REGISTRY.get("load.run").unwrap();
    let mut problems = ParamSchema::of(action).problems(&params);
    problems.extend(action.validate(&params));
    assert!(problems.is_empty(), "{params}: {problems:#?}");
    let context = stage.context(Grants::open());
    let result = action.run(params, &context).await;
    (result, context.checks.take())
}

/// The output of a load that must have one.
async fn output(stage: &Stage, params: Json) -> Json {
    run(stage, params).await.0.unwrap()
}

/// How many members of a sample are at least so many seconds, those without a value included.
fn at_least(sample: &Json, seconds: f64) -> u64 {
    let buckets = sample["buckets"].as_array().unwrap().iter();
    let slow = buckets
        .filter(|b| b[0].as_f64().unwrap() >= seconds)
        .map(|b| b[1].as_u64().unwrap());
    slow.sum::<u64>() + sample["missing"].as_u64().unwrap()
}

/// How many members a sample has.
fn size(sample: &Json) -> u64 {
    at_least(sample, 0.0)
}
