//! `kfp.compile`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ir::{Input, Ir};
use super::local::{Job, Question, Runner, What};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::files::hex;

/// Compiles a pipeline of a Python file to KFP's intermediate representation (YAML), which is read back and checked:
/// every step has a component, every component an executor. A file that is not Python is `invalid`, with the line.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The Python file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    file: String,
    /// The pipeline's name, or that of its function; not needed when the file has one.
    #[serde(default)]
    pipeline: Option<String>,
    #[serde(flatten)]
    runner: Runner,
}

/// A compiled pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The pipeline's name.
    name: String,
    /// The file with the compiled pipeline.
    path: String,
    /// SHA-256 of that file. Equal sources compiled by the same SDK give the same.
    sha256: String,
    /// The version of the format: `2.1.0`.
    schema_version: String,
    /// The SDK that compiled it: `kfp-2.17.0`.
    sdk_version: String,
    /// The names of all steps, groups (conditions, loops) followed.
    steps: Vec<String>,
    /// Those of them that run only under a condition.
    conditional: Vec<String>,
    /// The images of the steps, each once.
    images: Vec<String>,
    /// What a run can or must give.
    inputs: BTreeMap<String, Input>,
}

#[derive(Deserialize)]
struct Compiled {}

pub(super) struct Compile;

impl Action for Compile {
    const NAME: &'static str = "kfp.compile";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reach(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let question = Question {
            job: Job::Compile,
            what: What::Pipeline,
            name: params.pipeline,
            file: params.file,
            arguments: Map::new(),
            artifacts: BTreeMap::new(),
            install: false,
        };
        let answered = params.runner.ask::<Compiled>(question, cx).await?;
        let Compiled {} = answered.done;
        let text = std::fs::read_to_string(&answered.ir).map_err(|e| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the compiled pipeline cannot be read: {e}"),
            )
        })?;
        let ir = Ir::read(&text)?;
        let leaves = ir.leaves();
        Ok(Output {
            name: ir.name().to_owned(),
            path: answered.ir.display().to_string(),
            sha256: hex(&<sha2::Sha256 as sha2::Digest>::digest(text.as_bytes())),
            schema_version: ir.schema_version.clone(),
            sdk_version: ir.sdk_version.clone(),
            steps: leaves.iter().map(|l| l.name.clone()).collect(),
            conditional: leaves
                .into_iter()
                .filter(|l| l.conditional)
                .map(|l| l.name)
                .collect(),
            images: ir.images(),
            inputs: ir.inputs(),
        })
    }
}
