//! Starts services in the order of their needs, waits until each answers, stops them in reverse.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::guard::{Group, Spawn};
use super::ready::{Asker, tail};
use super::texts::{Texts, absolute};
use super::{Progress, ServiceError, Site, install};
use crate::spec::environment::{Environment, Service, ServiceFacts};

/// How long services live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// They die with this process, in whatever way it ends.
    OfTheRun,
    /// They stay until they are told to stop.
    Kept,
}

/// Running services. Dropped, they are ended.
pub struct Services {
    facts: ServiceFacts,
    /// In the order they were started.
    running: Vec<Running>,
}

struct Running {
    name: String,
    group: Group,
    stop_within: Duration,
}

/// A service that was started and is not ready yet.
struct Waiting<'a> {
    service: &'a Service,
    asker: Asker,
    log: PathBuf,
    until: Instant,
    /// How often it was started.
    tries: u32,
}

impl Services {
    pub(super) fn start(
        environment: &Environment,
        site: &Site<'_>,
        mark: (String, String),
        life: Life,
    ) -> Result<Self, ServiceError> {
        let mut launch = Launch {
            environment,
            site,
            mark,
            life,
            services: Self {
                facts: ServiceFacts {
                    cache: absolute(&site.cache),
                    ..ServiceFacts::default()
                },
                running: Vec::new(),
            },
        };
        match launch.all() {
            Ok(()) => Ok(launch.services),
            Err(e) => {
                launch.services.stop(site.notify);
                Err(e)
            }
        }
    }

    /// Ports and folders.
    #[must_use]
    pub const fn facts(&self) -> &ServiceFacts {
        &self.facts
    }

    /// The leaders of the services' process groups.
    pub(super) fn pids(&self) -> Vec<(String, u32)> {
        self.running
            .iter()
            .map(|r| (r.name.clone(), r.group.pid()))
            .collect()
    }

    /// Stops them, the last started first.
    pub fn stop(mut self, notify: &dyn Fn(Progress)) {
        self.end(notify);
    }

    /// Leaves them running for good.
    pub(super) fn keep(mut self) {
        for running in self.running.drain(..) {
            running.group.let_go();
        }
    }

    fn end(&mut self, notify: &dyn Fn(Progress)) {
        while let Some(mut running) = self.running.pop() {
            running.group.stop(running.stop_within);
            notify(Progress {
                service: running.name,
                state: "stopped",
                message: None,
            });
        }
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.end(&|_| {});
    }
}

struct Launch<'a> {
    environment: &'a Environment,
    site: &'a Site<'a>,
    mark: (String, String),
    life: Life,
    services: Services,
}

impl<'a> Launch<'a> {
    fn all(&mut self) -> Result<(), ServiceError> {
        let environment = self.environment;
        fs::create_dir_all(&self.site.home).map_err(|e| ServiceError::Environment {
            environment: environment.name.clone(),
            what: format!("making the folder {}: {e}", self.site.home.display()),
        })?;
        for service in &environment.services {
            let dir = absolute(&self.site.home).join(&service.name);
            fs::create_dir_all(&dir).map_err(|e| {
                ServiceError::failed(&service.name, format!("making its folder {}: {e}", dir.display()))
            })?;
            self.services.facts.dirs.push((service.name.clone(), dir));
        }
        for service in &environment.services {
            if let Some(what) = &service.install {
                install::install(service, what, &self.texts(), self.site)?;
            }
        }
        let mut pending: Vec<&Service> = environment.services.iter().collect();
        let mut waiting: Vec<Waiting<'a>> = Vec::new();
        let mut ready: BTreeSet<&str> = BTreeSet::new();
        while !(pending.is_empty() && waiting.is_empty()) {
            let (now, later) = pending
                .into_iter()
                .partition(|s| s.needs.iter().all(|n| ready.contains(n.as_str())));
            pending = later;
            for service in now {
                waiting.push(self.start(service, 1)?);
            }
            if waiting.is_empty() {
                let names: Vec<&str> = pending.iter().map(|s| s.name.as_str()).collect();
                return Err(ServiceError::Environment {
                    environment: environment.name.clone(),
                    what: format!(
                        "services that need each other can never start: {}",
                        names.join(", ")
                    ),
                });
            }
            let mut still = Vec::new();
            for one in waiting {
                match self.look(one)? {
                    Ok(name) => {
                        ready.insert(name);
                    }
                    Err(waits) => still.push(waits),
                }
            }
            waiting = still;
            if !waiting.is_empty() {
                if (self.site.interrupted)() {
                    return Err(ServiceError::Interrupted);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    fn start(&mut self, service: &'a Service, tries: u32) -> Result<Waiting<'a>, ServiceError> {
        let fail = |what: String| ServiceError::failed(&service.name, what);
        self.notify(service, "starting", None);
        // Held until just before the start, so that nobody else is given the same ports.
        let held = self.choose_ports(service)?;
        let texts = self.texts();
        let words = texts.words(&service.start).map_err(fail)?;
        let mut variables = texts.variables(&service.env).map_err(fail)?;
        variables.push(self.mark.clone());
        let log = self.site.home.join(format!("{}.log", service.name));
        let asker = Asker::new(&service.ready.probe, &texts, &log).map_err(fail)?;
        drop(held);
        let group = Group::spawn(&Spawn {
            words: &words,
            variables: &variables,
            dir: &absolute(&self.environment.dir),
            log: &log,
            guarded: self.life == Life::OfTheRun,
        })
        .map_err(|e| fail(e.to_string()))?;
        self.services.running.push(Running {
            name: service.name.clone(),
            group,
            stop_within: service.stop_within,
        });
        Ok(Waiting {
            service,
            asker,
            log,
            until: Instant::now() + service.ready.within,
            tries,
        })
    }

    /// Looks once whether a service is ready; started anew when another program took its port.
    fn look(&mut self, mut one: Waiting<'a>) -> Result<Result<&'a str, Waiting<'a>>, ServiceError> {
        const TRIES: u32 = 3;
        let name = one.service.name.as_str();
        let group = self.services.running.iter_mut().rfind(|r| r.name == name);
        if let Some(status) = group.and_then(|r| r.group.ended()) {
            let taken = tail(&one.log, 40).iter().any(|line| {
                let line = line.to_lowercase();
                line.contains("in use") || line.contains("eaddrinuse")
            });
            if taken && one.tries < TRIES && !one.service.ports.is_empty() {
                self.services.running.retain(|r| r.name != name);
                return self.start(one.service, one.tries + 1).map(Err);
            }
            self.notify(one.service, "failed", Some(status.to_string()));
            let what = format!("it ended with {status} before it was ready");
            return Err(ServiceError::failed(name, what).with_log(&one.log));
        }
        if one.asker.ask() {
            self.notify(one.service, "ready", None);
            return Ok(Ok(name));
        }
        if Instant::now() >= one.until {
            self.notify(one.service, "failed", Some(one.asker.last.clone()));
            let what = format!(
                "it was not ready within {:?}: {}",
                one.service.ready.within, one.asker.last
            );
            return Err(ServiceError::failed(name, what).with_log(&one.log));
        }
        Ok(Err(one))
    }

    fn choose_ports(&mut self, service: &Service) -> Result<Vec<TcpListener>, ServiceError> {
        let mut held = Vec::new();
        self.services
            .facts
            .ports
            .retain(|(name, ..)| *name != service.name);
        for port in &service.ports {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
            let number = listener
                .as_ref()
                .map_err(std::io::Error::kind)
                .and_then(|l| l.local_addr().map(|a| a.port()).map_err(|e| e.kind()));
            match (listener, number) {
                (Ok(listener), Ok(number)) => {
                    self.services
                        .facts
                        .ports
                        .push((service.name.clone(), port.clone(), number));
                    held.push(listener);
                }
                (_, Err(e)) => {
                    return Err(ServiceError::failed(
                        &service.name,
                        format!("choosing a free port: {e}"),
                    ));
                }
                (Err(e), _) => {
                    return Err(ServiceError::failed(
                        &service.name,
                        format!("choosing a free port: {e}"),
                    ));
                }
            }
        }
        Ok(held)
    }

    fn texts(&self) -> Texts<'_> {
        Texts {
            environment: self.environment,
            facts: &self.services.facts,
        }
    }

    fn notify(&self, service: &Service, state: &'static str, message: Option<String>) {
        (self.site.notify)(Progress {
            service: service.name.clone(),
            state,
            message,
        });
    }
}
