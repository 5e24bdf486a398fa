//! `scan.fs`

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::ignore::Ignore;
use super::image::scanner;
use super::look::{self, Look, LookFor, Scanner, Target};
use super::outcome::Scanned;
use super::program;
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::value::Duration;

/// Looks for vulnerabilities and secrets in a folder: a checkout, an unpacked model, a virtual environment. The outputs
/// are those of `scan.image`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The folder or file: a name that the environment gives one (`endpoints: {scan: {folders: {model: …}}}`), or a path
    /// relative to the spec's folder.
    #[schemars(length(min = 1))]
    path: String,
    /// `trivy` or `grype`.
    #[serde(default)]
    scanner: Scanner,
    /// What to look for; both unless said.
    #[serde(default = "super::image::both")]
    #[schemars(length(min = 1))]
    look_for: Vec<LookFor>,
    /// Whether the scanner may download a newer database first. Without it nothing is downloaded.
    #[serde(default = "super::image::yes")]
    update_database: bool,
    /// How old the database of vulnerabilities may be.
    #[serde(default = "super::image::week")]
    max_database_age: Duration,
    /// Findings that are accepted, each until a day and for a reason. No other ignore file is read.
    #[serde(default)]
    ignore: Vec<Ignore>,
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
        let how = Look {
            scanner: params.scanner,
            look_for: &params.look_for,
            update_database: params.update_database,
            max_database_age: params.max_database_age,
            ignore: &params.ignore,
        };
        let whole = program::place(&params.path, cx)?;
        let whole = whole.display().to_string();
        look::look(&Target::Folder(&whole), &how, cx).await
    }
}
