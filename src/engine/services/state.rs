//! Services that stay up: `env up`, `env status`, `env down`.
//!
//! What is up is written into `<states>/<environment>/state.json`. The file is only believed as far as the processes
//! bear it out: each carries a mark of this very start in its environment, and answers its probe. A state whose
//! processes are gone (killed, or the machine was started anew) is no obstacle; it is cleaned away.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::launch::{Life, Services};
use super::ready::Asker;
use super::texts::Texts;
use super::{Progress, ServiceError, Site};
use crate::engine::processes::{end_marked, marked};
use crate::spec::environment::{Environment, Probe, ServiceFacts};

/// The variable that marks processes of services that are kept up.
const MARK: &str = "SPECRUN_SERVICES";

/// One service as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    pub name: String,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    pub ports: Vec<(String, u16)>,
    pub log: PathBuf,
    /// `up`, `not answering: ...`, `gone`.
    pub state: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// What the processes carry as [`MARK`].
    mark: String,
    /// A digest of what the environment said when it was started.
    digest: String,
    cache: PathBuf,
    services: Vec<One>,
    /// Seconds a polite stop may take, over all services.
    stop_within: f64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    name: String,
    pid: u32,
    ports: Vec<(String, u16)>,
    dir: PathBuf,
    log: PathBuf,
}

/// Starts the services of an environment for good, unless they are up.
///
/// # Errors
/// As [`super::Lease::get`]; and when they are up from an environment file that has changed since.
pub fn up(environment: &Environment, site: &Site<'_>, states: &Path) -> Result<ServiceFacts, ServiceError> {
    let place = Place::of(environment, states)?;
    let _lock = place.lock(site)?;
    if let Some(state) = place.read() {
        if state.alive() && state.all_answer(environment) {
            if state.digest != digest(environment) {
                return Err(place.error("it is up, but its file has changed since; `env down` first"));
            }
            return Ok(state.facts());
        }
        // What is left of an earlier start is half an environment, or none.
        state.end();
    }
    let now = jiff::Timestamp::now().as_nanosecond();
    let mark = format!("{}-{now:x}-{}", environment.name, std::process::id());
    let site = Site {
        cache: site.cache.clone(),
        home: place.dir.clone(),
        notify: site.notify,
        interrupted: site.interrupted,
    };
    // Written before anything starts: if this process dies half way, `down` still knows the mark.
    let mut state = State {
        mark: mark.clone(),
        digest: digest(environment),
        cache: site.cache.clone(),
        services: Vec::new(),
        stop_within: environment
            .services
            .iter()
            .map(|s| s.stop_within.as_secs_f64())
            .sum(),
    };
    place.write(&state)?;
    let services =
        Services::start(environment, &site, (MARK.to_owned(), mark), Life::Kept).inspect_err(|_| {
            let _ = fs::remove_file(place.file());
        })?;
    let facts = services.facts().clone();
    state.cache.clone_from(&facts.cache);
    state.services = services
        .pids()
        .into_iter()
        .map(|(name, pid)| One {
            ports: ports_of(&facts, &name),
            dir: facts
                .dirs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, d)| d.clone())
                .unwrap_or_default(),
            log: site.home.join(format!("{name}.log")),
            name,
            pid,
        })
        .collect();
    place.write(&state)?;
    services.keep();
    Ok(facts)
}

/// Stops the services of an environment that are kept up. Says how many processes there were.
///
/// # Errors
/// When some do not even end by force.
pub fn down(environment: &Environment, site: &Site<'_>, states: &Path) -> Result<usize, ServiceError> {
    let place = Place::of(environment, states)?;
    let _lock = place.lock(site)?;
    let Some(state) = place.read() else { return Ok(0) };
    let (ended, left) = state.end();
    if left > 0 {
        return Err(place.error(&format!("{left} processes did not end when they were killed")));
    }
    for service in state.services {
        (site.notify)(Progress {
            service: service.name,
            state: "stopped",
            message: None,
        });
    }
    let _ = fs::remove_file(place.file());
    Ok(ended)
}

/// What is up, as far as it shows itself.
///
/// # Errors
/// When the folder of states cannot be used.
pub fn status(environment: &Environment, states: &Path) -> Result<Vec<ServiceState>, ServiceError> {
    let place = Place::of(environment, states)?;
    let Some(state) = place.read() else {
        return Ok(Vec::new());
    };
    let alive = state.alive();
    let facts = state.facts();
    Ok(state
        .services
        .iter()
        .map(|one| {
            let said = if alive {
                answer(environment, &facts, one)
            } else {
                Err("gone".to_owned())
            };
            ServiceState {
                name: one.name.clone(),
                pid: alive.then_some(one.pid),
                ports: one.ports.clone(),
                log: one.log.clone(),
                state: said.map_or_else(|why| why, |()| "up".to_owned()),
            }
        })
        .collect())
}

/// The services that are up, if a run can use them: all there, all answering, and started from the same file.
pub(super) fn usable(
    environment: &Environment,
    site: &Site<'_>,
    states: &Path,
) -> Result<Option<ServiceFacts>, ServiceError> {
    let place = Place::of(environment, states)?;
    let Some(state) = place.read() else {
        return Ok(None);
    };
    if state.digest != digest(environment) || !state.alive() || !state.all_answer(environment) {
        return Ok(None);
    }
    for one in &state.services {
        (site.notify)(Progress {
            service: one.name.clone(),
            state: "ready",
            message: Some("it was up already".to_owned()),
        });
    }
    Ok(Some(state.facts()))
}

/// Where the state of one environment is.
struct Place {
    environment: String,
    dir: PathBuf,
}

impl Place {
    fn of(environment: &Environment, states: &Path) -> Result<Self, ServiceError> {
        let place = Self {
            environment: environment.name.clone(),
            dir: super::texts::absolute(states).join(&environment.name),
        };
        fs::create_dir_all(&place.dir)
            .map_err(|e| place.error(&format!("making {}: {e}", place.dir.display())))?;
        Ok(place)
    }

    fn error(&self, what: &str) -> ServiceError {
        ServiceError::Environment {
            environment: self.environment.clone(),
            what: what.to_owned(),
        }
    }

    fn file(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// Only one `up` or `down` at a time; the second waits.
    fn lock(&self, site: &Site<'_>) -> Result<File, ServiceError> {
        let path = self.dir.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| self.error(&format!("opening {}: {e}", path.display())))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(e)) => {
                    return Err(self.error(&format!("locking {}: {e}", path.display())));
                }
                Err(TryLockError::WouldBlock) if (site.interrupted)() => {
                    return Err(ServiceError::Interrupted);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// A file that cannot be read is none: there is nothing in it that could be trusted.
    fn read(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.file()).ok()?).ok()
    }

    fn write(&self, state: &State) -> Result<(), ServiceError> {
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            serde_json::to_writer_pretty(&mut file, state)?;
            file.flush()?;
            file.persist(self.file()).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(|e| self.error(&format!("writing {}: {e}", self.file().display())))
    }
}

impl State {
    /// Whether anything of this start still runs.
    fn alive(&self) -> bool {
        !marked(MARK, &self.mark).is_empty()
    }

    fn all_answer(&self, environment: &Environment) -> bool {
        let facts = self.facts();
        self.services.len() == environment.services.len()
            && self
                .services
                .iter()
                .all(|one| answer(environment, &facts, one).is_ok())
    }

    fn facts(&self) -> ServiceFacts {
        let ports = |one: &One| {
            let name = one.name.clone();
            one.ports
                .clone()
                .into_iter()
                .map(move |(port, number)| (name.clone(), port, number))
                .collect::<Vec<_>>()
        };
        ServiceFacts {
            ports: self.services.iter().flat_map(ports).collect(),
            dirs: self
                .services
                .iter()
                .map(|one| (one.name.clone(), one.dir.clone()))
                .collect(),
            cache: self.cache.clone(),
        }
    }

    fn end(&self) -> (usize, usize) {
        let within = Duration::try_from_secs_f64(self.stop_within).unwrap_or(Duration::from_secs(10));
        end_marked(MARK, &self.mark, within)
    }
}

/// Whether a service answers now; a log says nothing about now.
fn answer(environment: &Environment, facts: &ServiceFacts, one: &One) -> Result<(), String> {
    let service = environment
        .services
        .iter()
        .find(|s| s.name == one.name)
        .ok_or_else(|| "it is not in the environment file any more".to_owned())?;
    let texts = Texts { environment, facts };
    let mut asker = Asker::new(&service.ready.probe, &texts, &one.log)?;
    // A busy machine may need a second look.
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        if asker.ask() {
            return Ok(());
        }
        if Instant::now() >= until || matches!(service.ready.probe, Probe::Log { .. }) {
            return Err(format!("not answering: {}", asker.last));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn ports_of(facts: &ServiceFacts, service: &str) -> Vec<(String, u16)> {
    let own = facts.ports.iter().filter(|(name, ..)| name == service);
    own.map(|(_, port, number)| (port.clone(), *number)).collect()
}

/// What decides how services are started: the text of the environment as it was read.
fn digest(environment: &Environment) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for s in &environment.services {
        let words = |all: &[crate::spec::environment::Setting]| {
            format!("{:?}", all.iter().map(|w| &w.value).collect::<Vec<_>>())
        };
        let _ = write!(
            text,
            "{}|{:?}|{:?}|{}|",
            s.name,
            s.needs,
            s.ports,
            words(&s.start)
        );
        for (name, setting) in &s.env {
            let _ = write!(text, "{name}={:?}|", setting.value);
        }
        let _ = writeln!(text, "{:?}", s.ready.within);
    }
    let hash = Sha256::digest(text);
    hash.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}
