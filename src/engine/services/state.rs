//! Services that stay up: `env up`, `env status`, `env down`, and those that a program holds for several runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::launch::{self, Life, Order, Running, Started};
use super::record::{MARK, Place, Record, marks, usable};
use super::texts::{Texts, absolute};
use super::{Progress, ServiceError, Site, identity, install};
use crate::spec::environment::{Environment, Service, ServiceFacts};

/// One service as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceState {
    pub name: String,
    /// The environment that keeps it up, when it is another one.
    pub kept_by: Option<String>,
    /// Its process, while there is one.
    pub pid: Option<u32>,
    pub ports: Vec<(String, u16)>,
    pub log: PathBuf,
    /// `up`, `installed`, `not started`, `not installed`, `up, from an older definition`, `not answering: ...`, `gone`.
    pub state: String,
}

impl ServiceState {
    /// Whether a run can use it.
    #[must_use]
    pub fn usable(&self) -> bool {
        matches!(self.state.as_str(), "up" | "installed")
    }
}

/// What `up` did.
pub struct Up {
    pub facts: ServiceFacts,
    /// What is not there, with the reason.
    pub failed: BTreeMap<String, ServiceError>,
}

/// Services that a program holds: runs find them up while it lives. Dropped, they are stopped.
pub struct Held {
    running: Running,
    place: Place,
    names: Vec<String>,
    pub facts: ServiceFacts,
}

impl Drop for Held {
    fn drop(&mut self) {
        for name in &self.names {
            self.place.forget(name);
        }
        self.running.end(&|_| {});
    }
}

/// Starts services of an environment for good, with all that they need, unless they are up. What was started from an
/// older definition is replaced.
///
/// # Errors
/// When the folder of states cannot be used, or it was interrupted. A service that does not start is in
/// [`Up::failed`], and keeps no other from starting.
pub fn up(
    environment: &Environment,
    wanted: &BTreeSet<String>,
    site: &Site<'_>,
    states: &Path,
) -> Result<Up, ServiceError> {
    let (started, ..) = bring_up(environment, wanted, site, states, Life::Kept)?;
    started.running.keep();
    Ok(Up {
        facts: started.facts,
        failed: started.failed,
    })
}

/// As [`up`], but they live only as long as what is given back, and die with this process.
///
/// # Errors
/// As [`up`]; and the first service that did not start.
pub fn hold(
    environment: &Environment,
    wanted: &BTreeSet<String>,
    site: &Site<'_>,
    states: &Path,
) -> Result<Held, ServiceError> {
    let (started, place, names) = bring_up(environment, wanted, site, states, Life::OfTheProcess)?;
    let held = Held {
        running: started.running,
        place,
        names,
        facts: started.facts,
    };
    started.failed.into_values().next().map_or(Ok(held), Err)
}

fn bring_up(
    environment: &Environment,
    wanted: &BTreeSet<String>,
    site: &Site<'_>,
    states: &Path,
    life: Life,
) -> Result<(Started, Place, Vec<String>), ServiceError> {
    let place = Place::of(environment, states)?;
    let wanted = environment.with_needs(wanted.iter().cloned());
    let _locks = place.lock(&wanted, site)?;
    let mut up = usable(environment, &wanted, &site.cache, states);
    let mut facts = ServiceFacts {
        cache: absolute(&site.cache),
        ..ServiceFacts::default()
    };
    for record in up.values() {
        record.add_to(&mut facts);
    }
    let site = Site {
        cache: site.cache.clone(),
        home: place.dir.clone(),
        program: site.program.clone(),
        logs: site.logs.clone(),
        notify: site.notify,
        interrupted: site.interrupted,
    };
    let identities = identity::of(environment, &absolute(&site.cache));
    let now = jiff::Timestamp::now().as_nanosecond();
    let stem = format!("{}-{now:x}-{}", environment.name, std::process::id());
    let mut names = Vec::new();
    for service in identity::in_order(environment) {
        let starts = wanted.contains(&service.name) && service.ready.is_some();
        if !starts || up.contains_key(&service.name) {
            continue;
        }
        // What is left of an earlier start is of an older definition, or half dead.
        if let Some(old) = place.records().iter().find(|r| r.service == service.name) {
            old.end();
        }
        let record = Record {
            service: service.name.clone(),
            environment: environment.name.clone(),
            identity: identities.get(&service.name).cloned().unwrap_or_default(),
            mark: format!("{stem}-{}", service.name),
            pid: None,
            ports: Vec::new(),
            dir: PathBuf::new(),
            log: place.dir.join(format!("{}.log", service.name)),
            needs: marks(service, &up),
            stop_within: service.stop_within.as_secs_f64(),
        };
        // Written before it starts: if this process dies half way, `down` still knows the mark.
        place.write(&record)?;
        names.push(service.name.clone());
        up.insert(service.name.clone(), record);
    }
    let started = launch::start(&Order {
        environment,
        wanted: &wanted,
        up: facts,
        site: &site,
        mark: &|service| (MARK.to_owned(), format!("{stem}-{service}")),
        life,
    })
    .inspect_err(|_| names.iter().for_each(|n| place.forget(n)))?;
    let pids = started.running.pids();
    for name in &names {
        match (up.get_mut(name), pids.get(name)) {
            (Some(record), Some(pid)) => {
                record.pid = Some(*pid);
                complete(record, &started.facts);
                place.write(record)?;
            }
            _ => place.forget(name),
        }
    }
    Ok((started, place, names))
}

fn complete(record: &mut Record, facts: &ServiceFacts) {
    let own = facts.ports.iter().filter(|(name, ..)| *name == record.service);
    record.ports = own.map(|(_, port, number)| (port.clone(), *number)).collect();
    if let Some((_, dir)) = facts.dirs.iter().find(|(name, _)| *name == record.service) {
        record.dir.clone_from(dir);
    }
}

/// Stops services that this environment keeps up: all of them, or some, with those that need them. Says how many
/// processes there were.
///
/// # Errors
/// When some do not even end by force.
pub fn down(
    environment: &Environment,
    names: Option<&BTreeSet<String>>,
    site: &Site<'_>,
    states: &Path,
) -> Result<usize, ServiceError> {
    let place = Place::of(environment, states)?;
    let mut records = place.records();
    let _locks = place.lock(&records.iter().map(|r| r.service.clone()).collect(), site)?;
    if let Some(names) = names {
        records.retain(|r| !environment.with_needs([r.service.clone()]).is_disjoint(names));
    }
    // The last that was needed goes last.
    let order = identity::in_order(environment);
    let rank = |r: &Record| order.iter().position(|s| s.name == r.service);
    records.sort_by_key(|r| std::cmp::Reverse(rank(r)));
    let mut processes = 0;
    for record in &records {
        let (ended, left) = record.end();
        if left > 0 {
            let what = format!(
                "{left} processes of `{}` did not end when they were killed",
                record.service
            );
            return Err(place.error(&what));
        }
        processes += ended;
        (site.notify)(Progress {
            service: record.service.clone(),
            state: "stopped",
            message: None,
        });
        place.forget(&record.service);
    }
    Ok(processes)
}

/// Every service of the environment, as far as it shows itself.
///
/// # Errors
/// When the folder of states cannot be used.
pub fn status(
    environment: &Environment,
    cache: &Path,
    states: &Path,
) -> Result<Vec<ServiceState>, ServiceError> {
    let place = Place::of(environment, states)?;
    let usable = usable(environment, &environment.all_services(), cache, states);
    let own = place.records();
    let one = |service: &Service| {
        let own = own.iter().find(|r| r.service == service.name);
        let record = usable.get(&service.name).or(own);
        let state = match record {
            None if service.ready.is_none() => installed(environment, service, cache),
            None => "not started".to_owned(),
            Some(_) if usable.contains_key(&service.name) => "up".to_owned(),
            Some(record) => why_not(environment, service, record, cache, &usable),
        };
        ServiceState {
            name: service.name.clone(),
            kept_by: record
                .filter(|r| r.environment != environment.name)
                .map(|r| r.environment.clone()),
            pid: record.filter(|r| r.alive()).and_then(|r| r.pid),
            ports: record.map(|r| r.ports.clone()).unwrap_or_default(),
            log: record.map(|r| r.log.clone()).unwrap_or_default(),
            state,
        }
    };
    Ok(environment.services.iter().map(one).collect())
}

fn installed(environment: &Environment, service: &Service, cache: &Path) -> String {
    let facts = ServiceFacts {
        cache: absolute(cache),
        ..ServiceFacts::default()
    };
    let texts = Texts {
        environment,
        facts: &facts,
    };
    let done = service
        .install
        .as_ref()
        .is_none_or(|i| install::done(i, &texts, cache));
    if done { "installed" } else { "not installed" }.to_owned()
}

/// Why what was started cannot be used.
fn why_not(
    environment: &Environment,
    service: &Service,
    record: &Record,
    cache: &Path,
    usable: &BTreeMap<String, Record>,
) -> String {
    if !record.alive() {
        return "gone".to_owned();
    }
    let identity = identity::of(environment, &absolute(cache)).remove(&service.name);
    if identity.as_ref() != Some(&record.identity) {
        return "up, from an older definition".to_owned();
    }
    if record.pid.is_none() {
        return "starting".to_owned();
    }
    if record.needs != marks(service, usable) {
        return "up, but what it needs is not the same any more".to_owned();
    }
    let mut facts = ServiceFacts {
        cache: absolute(cache),
        ..ServiceFacts::default()
    };
    for one in usable.values().chain([record]) {
        one.add_to(&mut facts);
    }
    record
        .answers(environment, &facts)
        .map_or_else(|why| why, |()| "up".to_owned())
}
