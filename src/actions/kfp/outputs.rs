//! What a run on the local runner gives, in the form that checks refer to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::local::Answered;
use crate::action::{Class, Failure};
use crate::value::{Bytes, Duration};

/// One step of a pipeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Step {
    /// `SUCCEEDED`, `FAILED`, or `SKIPPED` for a step of a branch that was not taken.
    pub state: String,
    /// The values it returned; one that has no name is called `Output`.
    pub parameters: Map<String, Json>,
    /// The artifacts it wrote, by name.
    pub artifacts: BTreeMap<String, Artifact>,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<Duration>,
}

/// An artifact of a step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Artifact {
    /// Where it is, as kfp says.
    pub uri: String,
    /// `system.Dataset`, `system.Model`, `system.Metrics`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// What the step noted about it; of metrics, their values.
    pub metadata: Map<String, Json>,
    /// Its file or folder on this machine. There need not be one: of metrics there is none, and a step may put an
    /// artifact elsewhere; only with one there is a `sha256`.
    pub path: String,
    /// SHA-256, right after the step: of a file, its content; of a folder, the sorted list of its files with their
    /// hashes, as `sha256sum` writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How large it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
}

/// A run, as the program of ours tells it.
#[derive(Deserialize)]
pub(super) struct Ran {
    pub name: String,
    pub steps: Vec<StepRow>,
    pub outputs: Map<String, Json>,
    pub warnings: Vec<String>,
    pub undecided: Vec<String>,
    pub error: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct StepRow {
    pub name: String,
    pub importer: bool,
    pub state: String,
    parameters: Map<String, Json>,
    artifacts: BTreeMap<String, ArtifactRow>,
    seconds: f64,
}

#[derive(Deserialize)]
struct ArtifactRow {
    uri: String,
    #[serde(rename = "type")]
    kind: String,
    metadata: Map<String, Json>,
    path: String,
    sha256: Option<String>,
    size: Option<u64>,
}

impl StepRow {
    pub(super) fn read(self) -> Step {
        Step {
            state: self.state,
            parameters: self.parameters,
            artifacts: self.artifacts.into_iter().map(|(k, a)| (k, a.read())).collect(),
            elapsed: Some(Duration(self.seconds)),
        }
    }
}

impl ArtifactRow {
    fn read(self) -> Artifact {
        Artifact {
            uri: self.uri,
            kind: self.kind,
            metadata: self.metadata,
            path: self.path,
            sha256: self.sha256,
            size: self.size.map(|n| Bytes(n as f64)),
        }
    }
}

/// The paths of artifacts that have a file, by name.
pub(super) fn files(artifacts: &BTreeMap<String, Artifact>) -> Map<String, Json> {
    let with_file = artifacts.iter().filter(|(_, a)| a.sha256.is_some());
    with_file
        .map(|(name, a)| (name.clone(), Json::from(a.path.clone())))
        .collect()
}

/// The failure of a run that did not go well; none when all its steps did.
pub(super) fn failure(what: &str, answered: &Answered<Ran>) -> Option<Failure> {
    let ran = &answered.done;
    let failed: Vec<&str> = ran
        .steps
        .iter()
        .filter(|s| s.state == "FAILED")
        .map(|s| s.name.as_str())
        .collect();
    let message = match (failed.as_slice(), &ran.error) {
        ([], None) => return None,
        ([], Some(error)) => format!("the {what} `{}` could not be run: {error}", ran.name),
        (names, _) if what == "component" => format!("the component `{}` failed", names.join("`, `")),
        (names, _) => format!(
            "the pipeline `{}` failed at the step `{}`",
            ran.name,
            names.join("`, `")
        ),
    };
    let mut failure = Failure::new(Class::ExitCode, message);
    failure.reason = Some("FAILED".to_owned());
    if what == "pipeline" {
        failure
            .details
            .extend(ran.steps.iter().map(|s| format!("{}: {}", s.name, s.state)));
    }
    failure.details.extend(answered.last_lines.iter().cloned());
    failure.details.push(format!("whole: {}", answered.log.display()));
    Some(failure)
}

/// The failure of a run with a condition that nobody could evaluate.
pub(super) fn undecided(answered: &Answered<Ran>) -> Option<Failure> {
    let ran = &answered.done;
    if ran.undecided.is_empty() {
        return None;
    }
    let mut failure = Failure::new(
        Class::Invalid,
        format!(
            "the pipeline `{}` has a condition that kfp's local runner cannot evaluate: it skipped the branch and would \
             have said SUCCESS",
            ran.name
        ),
    )
    .help("let the condition depend on a component with one unnamed output (`-> float`), or run it on an API server");
    failure.reason = Some("CONDITION_UNDECIDED".to_owned());
    failure.details.clone_from(&ran.undecided);
    Some(failure)
}
