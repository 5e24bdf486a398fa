//! A compiled pipeline: KFP's intermediate representation (a `PipelineSpec` in YAML), read and checked.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Class, Failure};

/// Deeper nesting is a loop.
const DEEPEST: usize = 64;

/// An input of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Input {
    /// `STRING`, `NUMBER_INTEGER`, `NUMBER_DOUBLE`, `BOOLEAN`, `LIST`, `STRUCT`; of an artifact, `system.Dataset`, ...
    #[serde(rename = "type")]
    kind: String,
    /// Whether a run must give it.
    required: bool,
    /// What it is when a run does not give it.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Json>,
}

/// What a compiled pipeline says, as far as it is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ir {
    pipeline_info: Info,
    pub schema_version: String,
    pub sdk_version: String,
    #[serde(default)]
    components: BTreeMap<String, Component>,
    #[serde(default)]
    deployment_spec: Deployment,
    root: Component,
}

#[derive(Debug, Deserialize)]
struct Info {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Deployment {
    #[serde(default)]
    executors: BTreeMap<String, Executor>,
}

#[derive(Debug, Deserialize)]
struct Executor {
    container: Option<Container>,
    importer: Option<Json>,
}

#[derive(Debug, Deserialize)]
struct Container {
    #[serde(default)]
    image: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    dag: Option<Dag>,
    executor_label: Option<String>,
    #[serde(default)]
    input_definitions: Inputs,
}

#[derive(Debug, Deserialize)]
struct Dag {
    #[serde(default)]
    tasks: BTreeMap<String, Task>,
}

#[derive(Debug, Default, Deserialize)]
struct Inputs {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    artifacts: BTreeMap<String, ArtifactInput>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    parameter_type: String,
    default_value: Option<Json>,
    #[serde(default)]
    is_optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactInput {
    artifact_type: ArtifactType,
    #[serde(default)]
    is_optional: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactType {
    #[serde(default)]
    schema_title: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    component_ref: Reference,
    #[serde(default)]
    dependent_tasks: Vec<String>,
    trigger_policy: Option<Trigger>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Trigger {
    condition: Option<String>,
}

/// A step somewhere in a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub name: String,
    /// Whether it, or a group it is in, runs only under a condition.
    pub conditional: bool,
}

impl Ir {
    /// Reads and checks a compiled pipeline; a second document (platform settings) may follow it.
    ///
    /// # Errors
    /// Class `unreadable_answer` for what is no pipeline, or one that refers to what it does not have.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let unreadable = |why: String| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("the compiled pipeline cannot be read: {why}"),
            )
        };
        let first = serde_yaml::Deserializer::from_str(text)
            .next()
            .ok_or_else(|| unreadable("it is empty".to_owned()))?;
        let ir = Self::deserialize(first).map_err(|e| unreadable(e.to_string()))?;
        let wrong = ir.wrong();
        match wrong.split_first() {
            None => Ok(ir),
            Some((first, rest)) => Err(rest
                .iter()
                .fold(unreadable(first.clone()), |f, w| f.detail(w.clone()))),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.pipeline_info.name
    }

    /// All steps, groups followed.
    pub(super) fn leaves(&self) -> Vec<Leaf> {
        let mut found = Vec::new();
        self.walk(&self.root, false, 0, &mut found);
        found
    }

    /// The images of its steps, each once.
    pub(super) fn images(&self) -> Vec<String> {
        let images = self
            .deployment_spec
            .executors
            .values()
            .filter_map(|e| e.container.as_ref());
        images
            .map(|c| c.image.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    pub(super) fn inputs(&self) -> BTreeMap<String, Input> {
        let inputs = &self.root.input_definitions;
        let parameters = inputs.parameters.iter().map(|(name, p)| {
            (
                name.clone(),
                Input {
                    kind: p.parameter_type.clone(),
                    required: p.default_value.is_none() && !p.is_optional,
                    default: p.default_value.clone(),
                },
            )
        });
        let artifacts = inputs.artifacts.iter().map(|(name, a)| {
            (
                name.clone(),
                Input {
                    kind: a.artifact_type.schema_title.clone(),
                    required: !a.is_optional,
                    default: None,
                },
            )
        });
        parameters.chain(artifacts).collect()
    }

    fn walk(&self, component: &Component, conditional: bool, depth: usize, found: &mut Vec<Leaf>) {
        let tasks = component.dag.iter().flat_map(|d| &d.tasks);
        for (name, task) in tasks {
            let trigger = task.trigger_policy.as_ref().and_then(|t| t.condition.as_ref());
            let conditional = conditional || trigger.is_some_and(|c| !c.is_empty());
            match self.components.get(&task.component_ref.name) {
                Some(group) if group.dag.is_some() && depth < DEEPEST => {
                    self.walk(group, conditional, depth + 1, found);
                }
                _ => found.push(Leaf {
                    name: name.clone(),
                    conditional,
                }),
            }
        }
    }

    /// What it refers to and does not have.
    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.name().is_empty() {
            wrong.push("it has no name".to_owned());
        }
        if !self.schema_version.starts_with("2.") {
            wrong.push(format!(
                "its schema version is {}, and 2.x is known",
                self.schema_version
            ));
        }
        if self.root.dag.as_ref().is_none_or(|d| d.tasks.is_empty()) {
            wrong.push("it has no steps".to_owned());
        }
        for (owner, component) in std::iter::once(("the pipeline", &self.root))
            .chain(self.components.iter().map(|(name, c)| (name.as_str(), c)))
        {
            match (&component.dag, &component.executor_label) {
                (Some(dag), _) => {
                    for (name, task) in &dag.tasks {
                        if !self.components.contains_key(&task.component_ref.name) {
                            wrong.push(format!(
                                "the step `{name}` is of a component `{}` that is missing",
                                task.component_ref.name
                            ));
                        }
                        wrong.extend(
                            task.dependent_tasks
                                .iter()
                                .filter(|d| !dag.tasks.contains_key(*d))
                                .map(|d| format!("the step `{name}` waits for `{d}`, which is missing")),
                        );
                    }
                }
                (None, Some(label)) => match self.deployment_spec.executors.get(label) {
                    None => wrong.push(format!("`{owner}` is run by `{label}`, which is missing")),
                    Some(Executor {
                        container: Some(container),
                        ..
                    }) if container.image.is_empty() => wrong.push(format!("`{label}` has no image")),
                    Some(Executor {
                        container: None,
                        importer: None,
                    }) => wrong.push(format!("`{label}` is neither a container nor an importer")),
                    Some(_) => {}
                },
                (None, None) => wrong.push(format!("`{owner}` says not how it is run")),
            }
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the SDK 2.17.0 made of a pipeline of five steps.
    const RECORDED: &str = include_str!("../../../tests/recorded/kfp-2.17/fraud-train.yaml");

    fn wrong(from: &str, to: &str) -> Failure {
        let text = RECORDED.replace(from, to);
        assert_ne!(text, RECORDED, "{from} is not there");
        Ir::read(&text).unwrap_err()
    }

    #[test]
    fn a_compiled_pipeline_is_read_with_its_groups() {
        let ir = Ir::read(RECORDED).unwrap();
        assert_eq!(
            (ir.name(), ir.schema_version.as_str(), ir.sdk_version.as_str()),
            ("fraud-train", "2.1.0", "kfp-2.17.0")
        );
        let leaves = ir.leaves();
        let names: Vec<&str> = leaves.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["register", "evaluate", "features", "ingest", "train"]);
        let conditional: Vec<&str> = leaves
            .iter()
            .filter(|l| l.conditional)
            .map(|l| l.name.as_str())
            .collect();
        assert_eq!(conditional, ["register"]);
        assert_eq!(ir.images(), ["python:3.11"]);
        let inputs = ir.inputs();
        assert!(inputs["csv_uri"].required && inputs["csv_uri"].kind == "STRING");
        assert_eq!(inputs["threshold"].default, Some(serde_json::json!(0.8)));
    }

    #[test]
    fn platform_settings_may_follow() {
        assert!(Ir::read(&format!("{RECORDED}\n---\nplatforms: {{kubernetes: {{}}}}\n")).is_ok());
    }

    #[test]
    fn what_is_missing_is_named() {
        for (from, to, message) in [
            (
                "  comp-train:",
                "  comp-trian:",
                "the step `train` is of a component `comp-train` that is missing",
            ),
            (
                "    exec-ingest:",
                "    exec-other:",
                "`comp-ingest` is run by `exec-ingest`, which is missing",
            ),
            (
                "        - train\n",
                "        - tarin\n",
                "waits for `tarin`, which is missing",
            ),
            ("image: python:3.11", "image: ''", "has no image"),
            (
                "schemaVersion: 2.1.0",
                "schemaVersion: 3.0.0",
                "its schema version is 3.0.0",
            ),
            (
                "executorLabel: exec-train\n",
                "something: else\n",
                "says not how it is run",
            ),
        ] {
            let failure = wrong(from, to);
            assert_eq!(failure.class, Class::UnreadableAnswer);
            let all = format!("{}\n{}", failure.message, failure.details.join("\n"));
            assert!(all.contains(message), "{from}: {all}");
        }
        for text in ["", "[]", "a: 1", "<html></html>", "pipelineInfo: {name: x}"] {
            assert_eq!(
                Ir::read(text).unwrap_err().class,
                Class::UnreadableAnswer,
                "{text}"
            );
        }
    }

    #[test]
    fn groups_that_hold_each_other_come_to_an_end() {
        let loops = "pipelineInfo: {name: x}\nschemaVersion: 2.1.0\nsdkVersion: k\ncomponents:\n  a: {dag: {tasks: {t: {componentRef: {name: a}}}}}\nroot: {dag: {tasks: {t: {componentRef: {name: a}}}}}\n";
        assert_eq!(Ir::read(loops).unwrap().leaves().len(), 1);
    }
}
