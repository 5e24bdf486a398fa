//! The services that rooms share, and specrun run against them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use specrun::actions::REGISTRY;
use specrun::check::Verdict;
use specrun::diag::Diagnostics;
use specrun::engine::journal;
use specrun::engine::services::{Held, Logs, Progress, Site, hold};
use specrun::event::EventKind;
use specrun::source::Sources;
use specrun::spec::environment::{self, Environment};

use crate::support::root;
use crate::support::specrun::Running;

/// Far more than any run takes, also where two busy processors do everything.
const CAP: Duration = Duration::from_mins(30);

/// The verdict of each check, by spec and check.
pub type Outcomes = BTreeMap<(String, String), Verdict>;

/// What one room holds of the lab. Its services are stopped when the last room that uses them is done, and die with the
/// test when that is killed.
pub struct Lab {
    _held: Vec<Arc<Held>>,
    house: Arc<House>,
    // The last to go: until then its services run.
    _turn: Turn,
}

/// Who may use the machine: several at once, or one.
static TURNS: RwLock<()> = RwLock::new(());

/// Held for as long as it lasts.
#[expect(dead_code, reason = "held, not read")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

impl Lab {
    /// The lab with these services up, and all that they need.
    pub fn with(services: &[&str]) -> Self {
        let turn = TURNS.read().unwrap_or_else(PoisonError::into_inner);
        Self::up(services, Turn::Shared(turn))
    }

    /// As [`Lab::with`], while no other part of the lab is used.
    pub fn alone(services: &[&str]) -> Self {
        let turn = TURNS.write().unwrap_or_else(PoisonError::into_inner);
        Self::up(services, Turn::Alone(turn))
    }

    fn up(services: &[&str], turn: Turn) -> Self {
        let house = House::get();
        let wanted = house
            .environment
            .with_needs(services.iter().map(|s| (*s).to_owned()));
        assert!(
            services.iter().all(|s| wanted.contains(*s)),
            "no such service: {services:?}"
        );
        let held = std::thread::scope(|scope| {
            let starting: Vec<_> = wanted
                .iter()
                .map(|name| scope.spawn(|| house.need(name)))
                .collect();
            starting.into_iter().flat_map(|s| s.join().unwrap()).collect()
        });
        Self {
            _held: held,
            house,
            _turn: turn,
        }
    }

    /// Runs specs in the environment of a file, and asserts the exit code. What is up and the same there is shared; the
    /// rest the run starts itself.
    pub fn run(&self, environment: &str, specs: &[PathBuf], code: i32) -> Outcomes {
        self.house.specrun(&self.house.states(), environment, specs, code)
    }

    /// The program, where it finds the services that are up.
    pub fn command(&self) -> Command {
        self.house.command(&self.house.states())
    }

    /// The folder of all rooms.
    pub fn folder(&self) -> &Path {
        self.house.folder.path()
    }

    /// Runs specs in an environment whose services the run itself starts and stops.
    pub fn run_alone(&self, environment: &str, specs: &[PathBuf]) -> Outcomes {
        let apart = tempfile::tempdir_in(self.house.folder.path()).unwrap();
        self.house.specrun(apart.path(), environment, specs, 0)
    }
}

/// What all rooms share.
struct House {
    environment: Environment,
    cache: PathBuf,
    folder: tempfile::TempDir,
    services: Mutex<BTreeMap<String, Arc<Mutex<Weak<Held>>>>>,
}

/// Gone when no room uses it, so that nothing is left behind.
static HOUSE: Mutex<Weak<House>> = Mutex::new(Weak::new());

impl House {
    fn get() -> Arc<Self> {
        let mut shared = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(house) = shared.upgrade() {
            return house;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut wrong = Diagnostics::new();
        let file = root().join("examples/lab/lab.yaml");
        let environment = environment::read(&Sources::new(), &file, &REGISTRY, &mut wrong);
        assert!(!wrong.has_errors(), "{:?}", wrong.sorted());
        let house = Arc::new(Self {
            environment: environment.unwrap(),
            cache: cache(folder.path()),
            folder,
            services: Mutex::default(),
        });
        *shared = Arc::downgrade(&house);
        house
    }

    /// A service, after what it needs.
    fn need(&self, name: &str) -> Vec<Arc<Held>> {
        let service = self.environment.services.iter().find(|s| s.name == name).unwrap();
        let mut held: Vec<Arc<Held>> = service.needs.iter().flat_map(|n| self.need(n)).collect();
        let place = {
            let mut all = self.services.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(name.to_owned()).or_default())
        };
        let mut shared = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(up) = shared.upgrade() {
            held.push(up);
            return held;
        }
        let site = Site {
            cache: self.cache.clone(),
            home: PathBuf::new(),
            program: env!("CARGO_BIN_EXE_specrun").into(),
            logs: Logs::default(),
            notify: &tell,
            interrupted: &|| false,
        };
        let wanted = BTreeSet::from([name.to_owned()]);
        let states = self.states();
        let one =
            hold(&self.environment, &wanted, &site, &states).unwrap_or_else(|e| panic!("{}", e.whole()));
        let one = Arc::new(one);
        *shared = Arc::downgrade(&one);
        held.push(one);
        held
    }

    /// Where it is known what is up.
    fn states(&self) -> PathBuf {
        self.folder.path().join(".specrun/services")
    }

    /// The program in the project, where specs may read; what is up it finds in `states`.
    fn command(&self, states: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_specrun"));
        command
            .current_dir(root())
            .env("SPECRUN_SERVICES", states)
            .stdin(Stdio::null())
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .env("SPECRUN_CACHE", &self.cache);
        command
    }

    fn specrun(&self, states: &Path, environment: &str, specs: &[PathBuf], code: i32) -> Outcomes {
        let runs = tempfile::tempdir_in(self.folder.path()).unwrap();
        let mut command = self.command(states);
        command
            .arg("run")
            .args(specs)
            .arg("--env")
            .arg(root().join(environment))
            .arg("--run-dir")
            .arg(runs.path())
            .args(["--jobs", "2", "--quiet"]);
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
