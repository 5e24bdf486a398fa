//! The project file `specrun.yaml`: where specs are, environments, profiles.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::check::Confidence;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Severity;
use crate::source::{Kind, Node, Sources, Spanned};

use super::fields::{
    boolean, confidence, duration, integer, list, mapping, only_known, severity, text, wrong_kind,
};
use super::files::PROJECT_FILE;
use super::read::{load, tree, version};

/// A project.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder of the project file; empty when it is the working directory.
    pub root: PathBuf,
    /// Patterns of spec files, below the root.
    pub specs: Vec<PathBuf>,
    pub environments: Vec<(Spanned<String>, PathBuf)>,
    pub profiles: Vec<Profile>,
    pub confidence: Option<Confidence>,
    /// Where runs are recorded.
    pub run_dir: PathBuf,
    /// Rows of the test matrix with their titles.
    pub matrix: Vec<(String, String)>,
}

/// A named set of options; what the command line says goes before.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: Spanned<String>,
    pub select: Option<Spanned<String>>,
    pub env: Option<String>,
    pub retries: Option<u32>,
    pub jobs: Option<usize>,
    pub max_fail: Option<usize>,
    pub reports: Vec<Spanned<String>>,
    pub fail_on: Option<Severity>,
    /// Of the whole run.
    pub timeout: Option<Duration>,
    pub strict: Option<bool>,
}

const PROJECT_KEYS: &[&str] = &[
    "specrun",
    "specs",
    "environments",
    "profiles",
    "confidence",
    "run_dir",
    "matrix",
];

const PROFILE_KEYS: &[&str] = &[
    "select", "env", "retries", "jobs", "max_fail", "reports", "fail_on", "timeout", "strict",
];

impl Project {
    /// A project without a file, in the working directory.
    #[must_use]
    pub fn none() -> Self {
        Self {
            root: PathBuf::new(),
            specs: Vec::new(),
            environments: Vec::new(),
            profiles: Vec::new(),
            confidence: None,
            run_dir: PathBuf::from(".specrun/runs"),
            matrix: Vec::new(),
        }
    }

    /// The project file of `start`: there or in the nearest folder above.
    #[must_use]
    pub fn find(start: &Path) -> Option<PathBuf> {
        start
            .ancestors()
            .map(|dir| dir.join(PROJECT_FILE))
            .find(|f| f.is_file())
    }

    /// Reads a project file; what is wrong with it goes to `out`.
    pub fn read(sources: &Sources, file: &Path, out: &mut Diagnostics) -> Option<Self> {
        let id = load(sources, file, out)?;
        let root = tree(sources, id, out)?;
        if !matches!(root.kind, Kind::Map(_)) {
            wrong_kind(out, &root, "a project file", "a mapping");
            return None;
        }
        version(out, &root)?;
        only_known(out, &root, "a project file", PROJECT_KEYS);
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let mut project = Self {
            run_dir: folder.join(".specrun/runs"),
            root: folder.clone(),
            ..Self::none()
        };
        if let Some(e) = root.get("specs") {
            project.specs = texts(out, &e.value, "`specs`")
                .into_iter()
                .map(|t| folder.join(t.value))
                .collect();
        }
        if let Some(e) = root.get("environments") {
            for entry in mapping(out, &e.value, "`environments`") {
                if let Some(path) = text(out, &entry.value, "an environment's file") {
                    project
                        .environments
                        .push((entry.key.clone(), folder.join(path.value)));
                }
            }
        }
        if let Some(e) = root.get("profiles") {
            for entry in mapping(out, &e.value, "`profiles`") {
                project.profiles.push(profile(out, &entry.key, &entry.value));
            }
        }
        if let Some(e) = root.get("confidence") {
            project.confidence = confidence(out, &e.value);
        }
        if let Some(path) = root.get("run_dir").and_then(|e| text(out, &e.value, "`run_dir`")) {
            project.run_dir = folder.join(path.value);
        }
        if let Some(e) = root.get("matrix") {
            for entry in mapping(out, &e.value, "`matrix`") {
                if let Some(title) = text(out, &entry.value, "a row's title") {
                    project.matrix.push((entry.key.value.clone(), title.value));
                }
            }
        }
        Some(project)
    }

    /// The profile of this name.
    pub fn profile(&self, name: &str, out: &mut Diagnostics) -> Option<&Profile> {
        let found = self.profiles.iter().find(|p| p.name.value == name);
        if found.is_none() {
            let known: Vec<&str> = self.profiles.iter().map(|p| p.name.value.as_str()).collect();
            let help = if known.is_empty() {
                Some(format!(
                    "no project file `{PROJECT_FILE}` with `profiles` is here"
                ))
            } else {
                did_you_mean(name, known)
            };
            out.push(
                Diagnostic::error(Code::UnknownProfile, format!("there is no profile `{name}`"))
                    .maybe_help(help),
            );
        }
        found
    }

    /// The environment file of this name, or the path itself when it is one.
    pub fn environment(&self, name: &str, out: &mut Diagnostics) -> Option<PathBuf> {
        if let Some((_, path)) = self.environments.iter().find(|(n, _)| n.value == name) {
            return Some(path.clone());
        }
        if Path::new(name).is_file() {
            return Some(PathBuf::from(name));
        }
        let known: Vec<&str> = self.environments.iter().map(|(n, _)| n.value.as_str()).collect();
        let help = if known.is_empty() {
            Some(format!(
                "give the path of a file, or name it under `environments` in `{PROJECT_FILE}`"
            ))
        } else {
            did_you_mean(name, known)
        };
        out.push(
            Diagnostic::error(
                Code::UnknownEnvironment,
                format!("there is no environment `{name}`"),
            )
            .maybe_help(help),
        );
        None
    }
}

fn texts(out: &mut Diagnostics, node: &Node, what: &str) -> Vec<Spanned<String>> {
    let mut all = Vec::new();
    for item in list(out, node, what) {
        all.extend(text(out, item, &format!("an item of {what}")));
    }
    all
}

fn profile(out: &mut Diagnostics, name: &Spanned<String>, node: &Node) -> Profile {
    mapping(out, node, "a profile");
    only_known(out, node, "a profile", PROFILE_KEYS);
    let count = |out: &mut Diagnostics, key: &str, least: i64| {
        let n = node
            .get(key)
            .and_then(|e| integer(out, &e.value, &format!("`{key}`"), least..=10_000))?;
        u32::try_from(n).ok()
    };
    let retries = count(out, "retries", 0);
    let jobs = count(out, "jobs", 1);
    let max_fail = count(out, "max_fail", 1);
    Profile {
        name: name.clone(),
        select: node.get("select").and_then(|e| text(out, &e.value, "`select`")),
        env: node
            .get("env")
            .and_then(|e| text(out, &e.value, "`env`"))
            .map(|t| t.value),
        retries,
        jobs: jobs.map(|n| n as usize),
        max_fail: max_fail.map(|n| n as usize),
        reports: node
            .get("reports")
            .map_or(Vec::new(), |e| texts(out, &e.value, "`reports`")),
        fail_on: node.get("fail_on").and_then(|e| severity(out, &e.value)),
        timeout: node
            .get("timeout")
            .and_then(|e| duration(out, &e.value, "`timeout`")),
        strict: node
            .get("strict")
            .and_then(|e| boolean(out, &e.value, "`strict`")),
    }
}

#[cfg(test)]
mod tests {
    use super::Project;
    use crate::diag::{Code, Diagnostics};
    use crate::source::Sources;
    use std::path::Path;

    fn read(text: &str) -> (Option<Project>, Vec<Code>) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("specrun.yaml");
        std::fs::write(&file, text).unwrap();
        let mut out = Diagnostics::new();
        let project = Project::read(&Sources::new(), &file, &mut out);
        (project, out.sorted().iter().map(|d| d.code).collect())
    }

    #[test]
    fn everything_a_project_says_is_read() {
        let (project, codes) = read(
            "specrun: 1\nspecs: [specs]\nenvironments: {lab: e/lab.yaml}\nconfidence: 99%\nrun_dir: out\n\
             matrix: {T01: First}\nprofiles:\n  nightly: {select: all, retries: 1, jobs: 4, timeout: 2h, fail_on: warning}\n",
        );
        assert_eq!(codes, []);
        let project = project.unwrap();
        assert!(project.specs[0].ends_with("specs"));
        assert!(project.run_dir.ends_with("out"));
        assert_eq!(project.matrix, [("T01".to_owned(), "First".to_owned())]);
        let mut out = Diagnostics::new();
        let nightly = project.profile("nightly", &mut out).unwrap();
        assert_eq!((nightly.retries, nightly.jobs), (Some(1), Some(4)));
        assert!(
            project
                .environment("lab", &mut out)
                .unwrap()
                .ends_with("e/lab.yaml")
        );
        assert!(out.is_empty());
    }

    #[test]
    fn mistakes_are_reported() {
        for (text, code) in [
            ("specs: [a]\n", Code::Version),
            ("specrun: 2\n", Code::Version),
            ("specrun: 1\nspec: [a]\n", Code::UnknownKey),
            ("specrun: 1\nspecs: a\n", Code::WrongKind),
            ("specrun: 1\nspecs: []\n", Code::EmptyList),
            ("specrun: 1\nprofiles: {p: {retry: 1}}\n", Code::UnknownKey),
            ("specrun: 1\nprofiles: {p: {retries: -1}}\n", Code::BadValue),
            ("specrun: 1\nprofiles: {p: {timeout: 5}}\n", Code::WrongKind),
        ] {
            assert_eq!(read(text).1, [code], "{text}");
        }
    }

    #[test]
    fn unknown_names_get_the_nearest() {
        let (project, _) =
            read("specrun: 1\nenvironments: {lab: l.yaml}\nprofiles: {nightly: {retries: 1}}\n");
        let project = project.unwrap();
        let mut out = Diagnostics::new();
        assert!(project.profile("nightli", &mut out).is_none());
        assert!(project.environment("labb", &mut out).is_none());
        let found: Vec<_> = out
            .sorted()
            .into_iter()
            .map(|d| (d.code, d.help.unwrap_or_default()))
            .collect();
        assert_eq!(found[0].0, Code::UnknownEnvironment);
        assert!(found[0].1.contains("lab"), "{found:?}");
        assert_eq!(found[1].0, Code::UnknownProfile);
        assert!(found[1].1.contains("nightly"), "{found:?}");
    }

    #[test]
    fn the_nearest_project_file_above_counts() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(dir.path().join("specrun.yaml"), "specrun: 1\n").unwrap();
        assert_eq!(Project::find(&deep), Some(dir.path().join("specrun.yaml")));
        assert_ne!(
            Project::find(Path::new("/")),
            Some(dir.path().join("specrun.yaml"))
        );
    }
}
