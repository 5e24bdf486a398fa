//! `scan.fs`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::look::{self, Look, Target, scanner};
use super::outcome::Scanned;
use super::program;
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;

/// Looks for vulnerabilities and secrets in a folder: a checkout, an unpacked model, a virtual environment. The outputs
/// are those of `scan.image`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The folder or file: a name that the environment gives one (`endpoints: {scan: {folders: {model: …}}}`), or a path
    /// relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    #[serde(flatten)]
    how: Look,
}

pub(super) struct Fs;

impl Action for Fs {
    const NAME: &'static str = "scan.fs";
    type Params = Params;
    type Output = Scanned;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        program::reach(scanner(params), "fs", params, "path")
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        look::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Scanned, Failure> {
        let whole = program::place(&params.path, cx)?;
        let whole = whole.display().to_string();
        look::look(&Target::Folder(&whole), &params.how, cx).await
    }
}
