//! Specs given as texts, read and compiled.

use std::path::{Path, PathBuf};

use specrun::action::Registry;
use specrun::diag::{Diagnostic, Diagnostics};
use specrun::plan::{Given, Plan, Request, compile};
use specrun::source::Sources;
use specrun::spec::{SpecDefaults, read_text};
use specrun::value::Secret;

/// What became of some texts.
pub struct Compiled {
    pub sources: Sources,
    /// None when there is a mistake.
    pub plan: Option<Plan>,
    pub problems: Vec<Diagnostic>,
}

/// Compiles texts that stand in files of these names; the files need not exist.
pub fn compile_texts(
    registry: &'static Registry,
    texts: impl IntoIterator<Item = (PathBuf, String)>,
    secrets: &[Secret],
) -> Compiled {
    let sources = Sources::new();
    let defaults = SpecDefaults::default();
    let mut out = Diagnostics::new();
    let mut specs = Vec::new();
    for (name, text) in texts {
        let id = sources.add(name, text);
        specs.extend(read_text(&sources, id, registry, defaults, &mut out));
    }
    let (plan, more) = compile(&Request {
        sources: &sources,
        registry,
        specs: &specs,
        given: Given {
            set: &[],
            environment: None,
            secrets,
            variable: &|_| None,
            complete: true,
        },
        defaults,
    });
    let broken = out.has_errors();
    let mut problems = out.sorted();
    problems.extend(more);
    Compiled {
        sources,
        plan: plan.filter(|_| !broken),
        problems,
    }
}

impl Compiled {
    /// The plan; a mistake in a text is one of the test.
    pub fn plan(self) -> Plan {
        let told: Vec<String> = self
            .problems
            .iter()
            .map(|d| format!("{} ({:?})", d.message, d.help))
            .collect();
        self.plan.unwrap_or_else(|| panic!("{}", told.join("\n")))
    }
}

/// The YAML files below a folder of the project, in order, with their texts.
pub fn yaml_below(folder: &str) -> Vec<(PathBuf, String)> {
    let root = crate::support::root().join(folder);
    let yaml = |path: &Path| path.extension().is_some_and(|e| e == "yaml");
    walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| yaml(path))
        .filter_map(|path| Some((path.clone(), std::fs::read_to_string(&path).ok()?)))
        .collect()
}
