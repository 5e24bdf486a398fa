//! `load.run`

use serde_json::Value as Json;

use super::asked::{places, requests};
use super::outputs::Output;
use super::params::Params;
use super::validate;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "load.run";
    type Params = Params;
    type Output = Output;
    /// A load is not repeated behind the back of who asked for it.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let mut all = Vec::new();
        for (action, inner) in requests(params) {
            all.extend(action.capabilities(inner));
        }
        for place in places(params) {
            if let Some(path) = place.get("bodies").and_then(Json::as_str) {
                let path = if path.contains("${{") { "?" } else { path }.to_owned();
                all.push(Capability::Read { path });
            }
        }
        all
    }

    fn inside(&self, params: &Json) -> Vec<&'static str> {
        requests(params).map(|(action, _)| action.name()).collect()
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        validate::problems(params)
    }

    async fn run(&self, _params: Params, _cx: &Context) -> Result<Output, Failure> {
        Err(Failure::new(Class::Internal, "the generator is not built yet"))
    }
}
