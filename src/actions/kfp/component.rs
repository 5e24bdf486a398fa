//! `kfp.component`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::local::{Job, Question, Runner, What};
use super::outputs::{self, Artifact, Ran};
use crate::action::{Action, Class, Context, Failure};
use crate::tools::Capability;
use crate::value::Duration;

/// Runs one component of a Python file on kfp's local runner, as a process of this machine: its contract is what it
/// returns and the artifacts it leaves. Artifacts it needs are given as files. A component that fails is `exit_code`,
/// with the last lines it printed.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The Python file, relative to the spec's folder.
    #[schemars(length(min = 1))]
    file: String,
    /// The component's name, or that of its function.
    #[schemars(length(min = 1))]
    component: String,
    /// Values for its parameters, by name.
    #[serde(default)]
    arguments: Map<String, Json>,
    /// Files for its input artifacts, by name: a path relative to the spec's folder, or `{path, metadata}`.
    #[serde(default)]
    artifacts: BTreeMap<String, Given>,
    /// Whether it runs in a virtual environment of its own with the packages it names, as it would in its image. That
    /// is slow and needs a package index; without it (the default) the interpreter must have them.
    #[serde(default)]
    install: bool,
    #[serde(flatten)]
    runner: Runner,
}

/// A file for an input artifact.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Given {
    Path(String),
    Whole(Whole),
}

/// A file with what is noted about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Whole {
    /// The file, relative to the spec's folder.
    path: String,
    /// What the step that made it would have noted.
    #[serde(default)]
    metadata: Map<String, Json>,
}

/// What the component left.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The component's name.
    name: String,
    /// The values it returned; one that has no name is called `Output`.
    parameters: Map<String, Json>,
    /// The artifacts it wrote, by name.
    artifacts: BTreeMap<String, Artifact>,
    /// The path of each artifact that has a file, by name: what a later step reads, `${{ ingest.files.dataset }}`.
    files: Map<String, Json>,
    /// Warnings of kfp.
    warnings: Vec<String>,
    /// How long it took, without the start of kfp itself.
    elapsed: Duration,
    /// The file with what it printed.
    log: String,
}

pub(super) struct Component;

impl Action for Component {
    const NAME: &'static str = "kfp.component";
    type Params = Params;
    type Output = Output;

    /// What a component does besides its outputs nobody knows.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        super::reach(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let mut artifacts = BTreeMap::new();
        for (name, given) in params.artifacts {
            let (path, metadata) = match given {
                Given::Path(path) => (path, Map::new()),
                Given::Whole(whole) => (whole.path, whole.metadata),
            };
            if path.contains("://") {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("the artifact `{name}` is a file on this machine, not `{path}`"),
                )
                .help("download it in a step before: `s3.get`, `mlflow.artifacts`"));
            }
            let path = cx.tools.files.readable(&cx.base_dir, &path)?;
            artifacts.insert(name, json!({ "path": path, "metadata": metadata }));
        }
        let question = Question {
            job: Job::Run,
            what: What::Component,
            name: Some(params.component),
            file: params.file,
            arguments: params.arguments,
            artifacts,
            install: params.install,
        };
        let answered = params.runner.ask::<Ran>(question, cx).await?;
        if let Some(failure) = outputs::failure("component", &answered) {
            return Err(failure);
        }
        let ran = answered.done;
        let step = ran.steps.into_iter().find(|s| !s.importer).ok_or_else(|| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("kfp says that `{}` succeeded, and did not run it", ran.name),
            )
        })?;
        let step = step.read();
        Ok(Output {
            name: ran.name,
            parameters: step.parameters,
            files: outputs::files(&step.artifacts),
            artifacts: step.artifacts,
            warnings: ran.warnings,
            elapsed: step.elapsed.unwrap_or(answered.elapsed),
            log: answered.log.display().to_string(),
        })
    }
}
