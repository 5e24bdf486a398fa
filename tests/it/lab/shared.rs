//! One lab for all: its services, and specrun run against them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::diag::Diagnostics;
use specrun::engine::journal;
use specrun::engine::services::{Lease, Progress, Site};
use specrun::event::EventKind;
use specrun::source::Sources;
use specrun::spec::environment;

use crate::support::root;
use crate::support::specrun::Running;

/// Far more than any run takes, also where two busy processors do everything.
const CAP: Duration = Duration::from_mins(30);

/// The verdict of each check, by spec and check.
pub type Outcomes = BTreeMap<(String, String), Verdict>;

/// The lab while it is up. Its services are stopped when this is dropped, and die with the test when that is killed.
pub struct Lab {
    lease: Option<Lease>,
    url: String,
    cache: PathBuf,
    folder: tempfile::TempDir,
}

impl Lab {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let sources = Sources::new();
        let mut wrong = Diagnostics::new();
        let file = root().join("examples/lab/lab.yaml");
        let environment = environment::read(&sources, &file, &REGISTRY, &mut wrong);
        assert!(!wrong.has_errors(), "{:?}", wrong.sorted());
        let site = Site {
            cache: cache.clone(),
            home: folder.path().join("services"),
            notify: &tell,
            interrupted: &|| false,
        };
        let lease = Lease::get(
            &environment.unwrap(),
            &site,
            &folder.path().join("states"),
            "lab-test",
        )
        .unwrap_or_else(|e| panic!("{e}: {e:?}"));
        let (_, _, port) = &lease.facts().ports[0];
        let url = format!("http://127.0.0.1:{port}");
        Self {
            lease: Some(lease),
            url,
            cache,
            folder,
        }
    }

    /// Runs specs against this lab, in the environment of a file, and asserts the exit code.
    pub fn run(&self, environment: &Path, specs: &[PathBuf], code: i32) -> Outcomes {
        let url = &self.url;
        let text = format!(
            "environment: shared\nextends: {}\nendpoints:\n  mlflow: {{url: \"{url}\"}}\n  http: {{url: \"{url}\"}}\n  \
             exec: {{env: {{MLFLOW_TRACKING_URI: \"{url}\"}}}}\nservices: null\n",
            environment.display()
        );
        let file = tempfile::Builder::new()
            .suffix(".yaml")
            .tempfile_in(self.folder.path())
            .unwrap();
        std::fs::write(file.path(), text).unwrap();
        self.specrun(file.path(), specs, code)
    }

    /// Runs specs in an environment whose services the run itself starts and stops.
    pub fn run_alone(&self, environment: &Path, specs: &[PathBuf]) -> Outcomes {
        self.specrun(environment, specs, 0)
    }

    fn specrun(&self, environment: &Path, specs: &[PathBuf], code: i32) -> Outcomes {
        let runs = tempfile::tempdir_in(self.folder.path()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_specrun"));
        command
            .arg("run")
            .args(specs)
            .arg("--env")
            .arg(environment)
            .arg("--run-dir")
            .arg(runs.path())
            .args(["--jobs", "2", "--quiet"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .env("SPECRUN_CACHE", &self.cache);
        Running::start(command).wait_up_to(CAP).code(code);
        let run = std::fs::read_dir(runs.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .find(|p| p.join("journal.jsonl").is_file())
            .unwrap();
        let journal = journal::read(&run).unwrap();
        assert!(journal.finished());
        let mut outcomes = Outcomes::new();
        for event in journal.events {
            if let EventKind::Checked { check, outcome } = event.kind {
                let key = (event.spec.unwrap().0, check.id);
                assert!(
                    outcomes.insert(key.clone(), outcome.verdict).is_none(),
                    "{key:?} twice"
                );
            }
        }
        outcomes
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.end(&tell);
        }
    }
}

/// Shown when the test fails.
#[expect(
    clippy::print_stdout,
    reason = "the test harness keeps it and shows it when the test fails"
)]
fn tell(progress: Progress) {
    println!(
        "{}: {} {}",
        progress.service,
        progress.state,
        progress.message.unwrap_or_default()
    );
}

/// The user's own cache, so that the lab is not installed again by every test run.
fn cache(otherwise: &Path) -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("SPECRUN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("specrun")))
        .or_else(|| set("HOME").map(|d| d.join(".cache/specrun")))
        .unwrap_or_else(|| otherwise.join("cache"))
}
