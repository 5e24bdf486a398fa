//! `kfp.pipeline`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ir::Ir;
use super::local::{Job, Question, Runner, What};
use super::outputs::{self, Ran, Step};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// Runs a whole pipeline of a Python file on kfp's local runner, each step as a process of this machine. A pipeline
/// that fails is `exit_code`, with the step and the last lines it printed, unless `accept` says otherwise. That it
/// succeeded says nothing of the steps it skipped, nor of what they did elsewhere: check `ran`, and ask the registry.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The Python file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    file: String,
    /// The pipeline's name, or that of its function; not needed when the file has one.
    #[serde(default)]
    pipeline: Option<String>,
    /// Values for its parameters, by name.
    #[serde(default)]
    arguments: Map<String, Json>,
    /// States of the pipeline that are an answer rather than a failure.
    #[serde(default = "succeeded")]
    #[schemars(length(min = 1))]
    accept: Vec<State>,
    /// Whether each step runs in a virtual environment of its own with the packages it names, as it would in its image.
    /// That is slow and needs a package index; without it (the default) the interpreter must have them.
    #[serde(default)]
    install: bool,
    #[serde(flatten)]
    runner: Runner,
}

/// How a pipeline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    /// No step failed.
    Succeeded,
    /// A step failed.
    Failed,
}

/// What a pipeline did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The pipeline's name.
    name: String,
    /// `SUCCEEDED` or `FAILED`.
    state: State,
    /// The names of the steps that ran and succeeded, in the order they started.
    ran: Vec<String>,
    /// The names of the steps that failed.
    failed: Vec<String>,
    /// The names of the steps that did not run: their branch was not taken, or the pipeline had failed.
    skipped: Vec<String>,
    /// Each step by its name; a step that a loop repeats is `name`, `name#2`, `name#3`.
    steps: BTreeMap<String, Step>,
    /// The paths of the artifacts that have a file, by step and name: what a later step reads,
    /// `${{ pipeline.files.train.model }}`.
    files: Map<String, Json>,
    /// The values the pipeline itself returns.
    parameters: Map<String, Json>,
    /// Warnings of kfp.
    warnings: Vec<String>,
    /// How long it took.
    elapsed: Duration,
    /// The file with what the steps printed.
    log: String,
}

pub(super) struct Pipeline;

impl Action for Pipeline {
    const NAME: &'static str = "kfp.pipeline";
    type Params = Params;
    type Output = Output;

    /// What a pipeline does besides its outputs nobody knows.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reach(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let question = Question {
            job: Job::Run,
            what: What::Pipeline,
            name: params.pipeline,
            file: params.file,
            arguments: params.arguments,
            artifacts: BTreeMap::new(),
            install: params.install,
        };
        let answered = params.runner.ask::<Ran>(question, cx).await?;
        if let Some(failure) = outputs::undecided(&answered) {
            return Err(failure);
        }
        let failed = outputs::failure("pipeline", &answered);
        let state = if failed.is_some() {
            State::Failed
        } else {
            State::Succeeded
        };
        match failed {
            // Without a failed step it is not the pipeline that failed.
            Some(failure)
                if !params.accept.contains(&state)
                    || answered.done.steps.iter().all(|s| s.state != "FAILED") =>
            {
                return Err(failure);
            }
            None if !params.accept.contains(&state) => {
                return Err(Failure::new(
                    Class::ExitCode,
                    format!(
                        "the pipeline `{}` succeeded, which `accept` does not name",
                        answered.done.name
                    ),
                ));
            }
            _ => {}
        }
        let text = std::fs::read_to_string(&answered.ir).map_err(|e| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the compiled pipeline cannot be read: {e}"),
            )
        })?;
        let ran = answered.done;
        let mut output = Output {
            name: ran.name,
            state,
            ran: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            steps: BTreeMap::new(),
            files: Map::new(),
            parameters: ran.outputs,
            warnings: ran.warnings,
            elapsed: answered.elapsed,
            log: answered.log.display().to_string(),
        };
        for row in ran.steps {
            let name = free(&row.name, &output.steps);
            let list = if row.state == "SUCCEEDED" {
                &mut output.ran
            } else {
                &mut output.failed
            };
            list.push(name.clone());
            let step = row.read();
            output
                .files
                .insert(name.clone(), outputs::files(&step.artifacts).into());
            output.steps.insert(name, step);
        }
        for leaf in Ir::read(&text)?.leaves() {
            if !output.steps.contains_key(&leaf.name) {
                output.skipped.push(leaf.name.clone());
                output.steps.insert(leaf.name, skipped());
            }
        }
        Ok(output)
    }
}

/// A name that no step has yet.
fn free(name: &str, steps: &BTreeMap<String, Step>) -> String {
    let numbered = (2_u32..).map(|n| format!("{name}#{n}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|n| !steps.contains_key(n))
        .unwrap_or_else(|| name.to_owned())
}

fn skipped() -> Step {
    Step {
        state: "SKIPPED".to_owned(),
        parameters: Map::new(),
        artifacts: BTreeMap::new(),
        elapsed: None,
    }
}

fn succeeded() -> Vec<State> {
    vec![State::Succeeded]
}
