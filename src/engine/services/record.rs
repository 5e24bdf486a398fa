//! What is written down of a service that is kept up: `<states>/<environment>/<service>.json`.
//!
//! A record is only believed as far as its process bears it out: it carries a mark of this very start in its
//! environment, and answers its probe.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::ready::Asker;
use super::texts::{Texts, absolute};
use super::{ServiceError, Site, identity};
use crate::engine::processes::{end_marked, marked};
use crate::spec::environment::{Environment, Probe, Service, ServiceFacts};

/// The variable that marks processes of services that are kept up.
pub(super) const MARK: &str = "SPECRUN_SERVICE";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) service: String,
    /// The environment that started it.
    pub(super) environment: String,
    /// See [`identity`].
    pub(super) identity: String,
    /// What its processes carry as [`MARK`].
    pub(super) mark: String,
    /// None until it is ready.
    pub(super) pid: Option<u32>,
    pub(super) ports: Vec<(String, u16)>,
    pub(super) dir: PathBuf,
    pub(super) log: PathBuf,
    /// The marks of what it needs: it belongs to these very starts.
    pub(super) needs: BTreeMap<String, String>,
    /// Seconds a polite stop may take.
    pub(super) stop_within: f64,
}

impl Record {
    /// Whether anything of this start still runs.
    pub(super) fn alive(&self) -> bool {
        !marked(MARK, &self.mark).is_empty()
    }

    /// Ends it: how many processes there were, how many did not even end by force.
    pub(super) fn end(&self) -> (usize, usize) {
        let within = Duration::try_from_secs_f64(self.stop_within).unwrap_or(Duration::from_secs(10));
        end_marked(MARK, &self.mark, within)
    }

    /// Whether it answers now. A log says nothing about now: of a service that was ready once, that it still runs has to
    /// do.
    pub(super) fn answers(&self, environment: &Environment, facts: &ServiceFacts) -> Result<(), String> {
        let service = environment
            .services
            .iter()
            .find(|s| s.name == self.service)
            .ok_or("it is not in the environment file any more")?;
        let Some(ready) = &service.ready else {
            return Ok(());
        };
        if matches!(ready.probe, Probe::Log { .. }) {
            return Ok(());
        }
        let texts = Texts { environment, facts };
        let mut asker = Asker::new(&ready.probe, &texts, &self.log)?;
        // A busy machine may need a second look.
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            if asker.ask() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(format!("not answering: {}", asker.last));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Its part of the facts.
    pub(super) fn add_to(&self, facts: &mut ServiceFacts) {
        let ports = self.ports.iter().cloned();
        facts
            .ports
            .extend(ports.map(|(port, number)| (self.service.clone(), port, number)));
        facts.dirs.push((self.service.clone(), self.dir.clone()));
    }
}

/// Services that are up and the same as those of an environment: each with all that it needs.
pub(super) fn usable(
    environment: &Environment,
    wanted: &BTreeSet<String>,
    cache: &Path,
    states: &Path,
) -> BTreeMap<String, Record> {
    let identities = identity::of(environment, &absolute(cache));
    let records = all(states);
    let mut found: BTreeMap<String, Record> = BTreeMap::new();
    let mut facts = ServiceFacts {
        cache: absolute(cache),
        ..ServiceFacts::default()
    };
    for service in identity::in_order(environment) {
        if !wanted.contains(&service.name) {
            continue;
        }
        let same = |r: &&Record| {
            r.service == service.name && r.pid.is_some() && identities.get(&service.name) == Some(&r.identity)
        };
        for record in records.iter().filter(same) {
            let mut with = facts.clone();
            record.add_to(&mut with);
            if record.needs == marks(service, &found)
                && record.alive()
                && record.answers(environment, &with).is_ok()
            {
                facts = with;
                found.insert(service.name.clone(), record.clone());
                break;
            }
        }
    }
    found
}

/// The marks of the processes that a service needs; what is only installed has none.
pub(super) fn marks(service: &Service, up: &BTreeMap<String, Record>) -> BTreeMap<String, String> {
    let needs = service.needs.iter();
    needs
        .filter_map(|need| Some((need.clone(), up.get(need)?.mark.clone())))
        .collect()
}

/// Every record of every environment.
fn all(states: &Path) -> Vec<Record> {
    let folders = fs::read_dir(states).into_iter().flatten().flatten();
    folders.flat_map(|folder| read_folder(&folder.path())).collect()
}

/// A file that cannot be read is none: there is nothing in it that could be trusted.
fn read_folder(folder: &Path) -> Vec<Record> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<Record> = files
        .map(|f| f.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .filter_map(|p| serde_json::from_slice(&fs::read(p).ok()?).ok())
        .collect();
    found.sort_by(|a, b| a.service.cmp(&b.service));
    found
}

/// Where one environment writes its records.
pub(super) struct Place {
    pub(super) environment: String,
    pub(super) dir: PathBuf,
}

impl Place {
    pub(super) fn of(environment: &Environment, states: &Path) -> Result<Self, ServiceError> {
        let place = Self {
            environment: environment.name.clone(),
            dir: absolute(states).join(&environment.name),
        };
        fs::create_dir_all(&place.dir)
            .map_err(|e| place.error(&format!("making {}: {e}", place.dir.display())))?;
        Ok(place)
    }

    pub(super) fn error(&self, what: &str) -> ServiceError {
        ServiceError::Environment {
            environment: self.environment.clone(),
            what: what.to_owned(),
        }
    }

    /// Only one `up` or `down` of a service at a time; the second waits. Always taken in the order of the names.
    pub(super) fn lock(
        &self,
        services: &BTreeSet<String>,
        site: &Site<'_>,
    ) -> Result<Vec<File>, ServiceError> {
        services.iter().map(|name| self.lock_one(name, site)).collect()
    }

    fn lock_one(&self, service: &str, site: &Site<'_>) -> Result<File, ServiceError> {
        let path = self.dir.join(format!("{service}.lock"));
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

    /// What this environment started.
    pub(super) fn records(&self) -> Vec<Record> {
        read_folder(&self.dir)
    }

    pub(super) fn write(&self, record: &Record) -> Result<(), ServiceError> {
        let path = self.file(&record.service);
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            serde_json::to_writer_pretty(&mut file, record)?;
            file.flush()?;
            file.persist(&path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(|e| self.error(&format!("writing {}: {e}", path.display())))
    }

    pub(super) fn forget(&self, service: &str) {
        // It may never have been written.
        let _ = fs::remove_file(self.file(service));
    }

    fn file(&self, service: &str) -> PathBuf {
        self.dir.join(format!("{service}.json"))
    }
}
