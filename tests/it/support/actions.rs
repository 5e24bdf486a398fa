//! Actions run as the engine runs them: by name, parameters and output as JSON.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use specrun::action::{Context, Failure, ParamSchema};
use specrun::actions::REGISTRY;
use specrun::tools::files::Files;
use specrun::tools::http::{Http, Lookup, SystemLookup};
use specrun::tools::process::Processes;
use specrun::tools::{Capability, Endpoint, Endpoints, Grants, Redactor, Rule, Tools};
use specrun::value::Secret;
use tokio_util::sync::CancellationToken;

/// A project with a run directory beside it, and something outside that must not be reached.
pub struct Stage {
    root: tempfile::TempDir,
    pub endpoints: Endpoints,
    pub secrets: Vec<Secret>,
    pub lookup: Arc<dyn Lookup>,
}

impl Stage {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for dir in ["project/specs", "run", "outside"] {
            std::fs::create_dir_all(root.path().join(dir)).unwrap();
        }
        Self {
            root,
            endpoints: Endpoints::default(),
            secrets: Vec::new(),
            lookup: Arc::new(SystemLookup),
        }
    }

    /// A path below the stage: `project/specs`, `outside`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(path)
    }

    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn program(&self, path: &str, script: &str) -> PathBuf {
        let path = self.file(path, format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }

    /// Names the URL of a family.
    pub fn endpoint(&mut self, family: &str, url: String) {
        self.endpoints.0.insert(
            family.to_owned(),
            Endpoint {
                family: family.to_owned(),
                url: Some(url),
                ..Endpoint::default()
            },
        );
    }

    /// The surroundings of a step of a spec in `project/specs`.
    pub fn context(&self, grants: Grants) -> Context {
        let (grants, redactor) = (Arc::new(grants), Arc::new(Redactor::new(&self.secrets)));
        let (project, run) = (self.path("project"), self.path("run"));
        let tools = Tools {
            endpoints: self.endpoints.clone(),
            http: Http::with_lookup(
                Arc::clone(&grants),
                Arc::clone(&redactor),
                Arc::clone(&self.lookup),
            ),
            kube: specrun::tools::kube::Kube::with_lookup(
                Arc::clone(&grants),
                Arc::clone(&redactor),
                Arc::clone(&self.lookup),
            ),
            process: Processes::new(Arc::clone(&grants), Arc::clone(&redactor), "stage"),
            files: Files::new(&[&project as &Path], &[&run as &Path], Arc::clone(&grants)),
            grants,
            redactor,
        };
        Context {
            spec: "T".into(),
            step: "step".into(),
            attempt: 1,
            base_dir: self.path("project/specs"),
            artifact_dir: self.path("run/artifacts/T/step"),
            deadline: Instant::now() + Duration::from_mins(2),
            cancel: CancellationToken::new(),
            prefix: "sr-test".into(),
            seed: 7,
            tools: Arc::new(tools),
            progress: Arc::new(|_| {}),
            checks: specrun::action::Checks::default(),
        }
    }

    /// Runs an action. Parameters that its schema or its own rules refuse are a mistake of the test.
    pub async fn run(&self, action: &str, params: Json, grants: Grants) -> Result<Json, Failure> {
        let action = REGISTRY.get(action).expect("the action exists");
        let problems = ParamSchema::of(action).problems(&params);
        assert!(problems.is_empty(), "{params}: {problems:#?}");
        self.run_unchecked(action.name(), params, grants).await
    }

    /// Runs an action with parameters that may be wrong.
    pub async fn run_unchecked(&self, action: &str, params: Json, grants: Grants) -> Result<Json, Failure> {
        let action = REGISTRY.get(action).expect("the action exists");
        let context = self.context(grants);
        action.run(params, &context).await
    }
}

/// A policy that grants only this.
pub fn only(rules: &[(&str, String)]) -> Grants {
    Grants {
        open: false,
        allow: rules
            .iter()
            .map(|(kind, rule)| ((*kind).to_owned(), Rule(rule.clone())))
            .collect(),
        deny: Vec::new(),
    }
}

/// The mistakes that are found before an action runs.
pub fn mistakes(action: &str, params: &Json) -> Vec<String> {
    let action = REGISTRY.get(action).unwrap();
    let mut problems = ParamSchema::of(action).problems(params);
    problems.extend(action.validate(params));
    problems
        .into_iter()
        .map(|p| format!("{}: {}", p.pointer, p.message))
        .collect()
}

/// What an action with these parameters reaches.
pub fn reaches(action: &str, params: &Json) -> Vec<String> {
    let all = REGISTRY.get(action).unwrap().capabilities(params);
    all.iter().map(Capability::to_string).collect()
}
