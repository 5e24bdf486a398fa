//! Installs and starts services side by side, each after what it needs, waits until each answers, stops them in
//! reverse.
//!
//! One thread a service, and a board that all of them read and write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::guard::{Group, Spawn};
use super::ready::{Asker, tail};
use super::texts::{Texts, absolute};
use super::{Progress, ServiceError, Site, install};
use crate::spec::environment::{Environment, Ready, Service, ServiceFacts};

/// The variable that says which specrun starts a service, for those that need the very same one: an image of it, a check of
/// its own. A service's own `env` may say something else.
const PROGRAM: &str = "SPECRUN";

/// How long services live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// They die with this process, in whatever way it ends.
    OfTheProcess,
    /// They stay until they are told to stop.
    Kept,
}

/// What shall be started.
pub(super) struct Order<'a> {
    pub(super) environment: &'a Environment,
    /// With all that they need; what is up already is not started again.
    pub(super) wanted: &'a BTreeSet<String>,
    /// What is up already.
    pub(super) up: ServiceFacts,
    pub(super) site: &'a Site<'a>,
    /// The variable by which processes of a service are found again.
    pub(super) mark: &'a (dyn Fn(&str) -> (String, String) + Sync),
    pub(super) life: Life,
}

/// What came of it.
pub(super) struct Started {
    pub(super) running: Running,
    /// Also of what was up already.
    pub(super) facts: ServiceFacts,
    /// Services that are not there, with the reason.
    pub(super) failed: BTreeMap<String, ServiceError>,
}

/// Running services. Dropped, they are ended.
#[derive(Default)]
pub(super) struct Running {
    /// In the order they were started.
    all: Vec<One>,
}

struct One {
    name: String,
    group: Group,
    stop_within: Duration,
}

impl Running {
    /// The leaders of the services' process groups.
    pub(super) fn pids(&self) -> BTreeMap<String, u32> {
        self.all.iter().map(|r| (r.name.clone(), r.group.pid())).collect()
    }

    /// Leaves them running for good.
    pub(super) fn keep(mut self) {
        for one in self.all.drain(..) {
            one.group.let_go();
        }
    }

    /// Stops them, the last started first.
    pub(super) fn end(&mut self, notify: &dyn Fn(Progress)) {
        while let Some(mut one) = self.all.pop() {
            one.stop(notify);
        }
    }

    fn take(&mut self, name: &str) -> Option<One> {
        let at = self.all.iter().position(|one| one.name == name)?;
        Some(self.all.remove(at))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(&|_| {});
    }
}

impl One {
    fn stop(&mut self, notify: &dyn Fn(Progress)) {
        self.group.stop(self.stop_within);
        notify(Progress {
            service: self.name.clone(),
            state: "stopped",
            message: None,
        });
    }
}

/// Starts services. Those that cannot start do not keep others from it.
///
/// # Errors
/// When folders cannot be made, or it was interrupted; then all that were started are stopped.
pub(super) fn start(order: &Order<'_>) -> Result<Started, ServiceError> {
    let (environment, site) = (order.environment, order.site);
    fs::create_dir_all(&site.home).map_err(|e| ServiceError::Environment {
        environment: environment.name.clone(),
        what: format!("making the folder {}: {e}", site.home.display()),
    })?;
    let mut board = Board {
        facts: order.up.clone(),
        ..Board::default()
    };
    board.facts.cache = absolute(&site.cache);
    let there: Vec<String> = order.up.dirs.iter().map(|(name, _)| name.clone()).collect();
    let wanted: Vec<&Service> = environment
        .services
        .iter()
        .filter(|s| order.wanted.contains(&s.name) && !there.contains(&s.name))
        .collect();
    board.ready.extend(there);
    for service in &wanted {
        let dir = absolute(&site.home).join(&service.name);
        fs::create_dir_all(&dir).map_err(|e| {
            ServiceError::failed(&service.name, format!("making its folder {}: {e}", dir.display()))
        })?;
        board.facts.dirs.push((service.name.clone(), dir));
    }
    let launch = Launch {
        order,
        board: Mutex::new(board),
        changed: Condvar::new(),
    };
    std::thread::scope(|scope| {
        for service in &wanted {
            scope.spawn(|| launch.one(service));
        }
    });
    let mut board = launch.board.into_inner().unwrap_or_else(PoisonError::into_inner);
    if (site.interrupted)() {
        board.running.end(site.notify);
        return Err(ServiceError::Interrupted);
    }
    let failed = board.failed;
    board.facts.dirs.retain(|(name, _)| !failed.contains_key(name));
    board.facts.ports.retain(|(name, ..)| !failed.contains_key(name));
    Ok(Started {
        running: board.running,
        facts: board.facts,
        failed,
    })
}

/// What all threads know.
#[derive(Default)]
struct Board {
    facts: ServiceFacts,
    running: Running,
    ready: BTreeSet<String>,
    failed: BTreeMap<String, ServiceError>,
}

struct Launch<'a> {
    order: &'a Order<'a>,
    board: Mutex<Board>,
    changed: Condvar,
}

impl Launch<'_> {
    /// Brings one service up, and tells the others how that went.
    fn one(&self, service: &Service) {
        let done = self.bring_up(service);
        if done.is_err() {
            let process = self.board().running.take(&service.name);
            if let Some(mut process) = process {
                process.stop(self.order.site.notify);
            }
        }
        let mut board = self.board();
        match done {
            Ok(()) => {
                board.ready.insert(service.name.clone());
            }
            Err(e) => {
                board.failed.insert(service.name.clone(), e);
            }
        }
        self.changed.notify_all();
    }

    fn bring_up(&self, service: &Service) -> Result<(), ServiceError> {
        // Installing needs no other service, so all of it goes on side by side.
        if let Some(what) = &service.install {
            let facts = self.board().facts.clone();
            install::install(service, what, &self.texts(&facts), self.order.site)?;
        }
        self.wait_for_needs(service)?;
        let Some(ready) = &service.ready else {
            return Ok(());
        };
        let mut tries = 1;
        while !self.try_once(service, ready, tries)? {
            tries += 1;
        }
        self.notify(service, "ready", None);
        Ok(())
    }

    fn wait_for_needs(&self, service: &Service) -> Result<(), ServiceError> {
        let mut board = self.board();
        loop {
            if let Some(need) = service.needs.iter().find(|n| board.failed.contains_key(*n)) {
                let why = board.failed.get(need).map_or(String::new(), ToString::to_string);
                let what = format!("it needs `{need}`, which is not there: {why}");
                return Err(ServiceError::failed(&service.name, what));
            }
            if service.needs.iter().all(|n| board.ready.contains(n)) {
                return Ok(());
            }
            if (self.order.site.interrupted)() {
                return Err(ServiceError::Interrupted);
            }
            board = self
                .changed
                .wait_timeout(board, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Starts it and waits until it answers. False: another program took its port, and it is worth another try.
    fn try_once(&self, service: &Service, ready: &Ready, tries: u32) -> Result<bool, ServiceError> {
        const TRIES: u32 = 3;
        let name = service.name.as_str();
        let log = self.order.site.home.join(format!("{name}.log"));
        let mut asker = self.spawn(service, ready, &log)?;
        let until = Instant::now() + ready.within;
        loop {
            // Asked first: one that has ended meanwhile is not there, whatever its last answer was.
            let answers = asker.ask();
            let group = |board: &mut Board| {
                let one = board.running.all.iter_mut().find(|one| one.name == name)?;
                let ended = one.group.ended();
                if ended.is_some() {
                    one.group.drain();
                }
                ended
            };
            // A statement of its own: in the condition the lock would be held for the whole block.
            let ended = group(&mut self.board());
            if let Some(status) = ended {
                let taken = tail(&log, 40).iter().any(|line| {
                    let line = line.to_lowercase();
                    line.contains("in use") || line.contains("eaddrinuse")
                });
                if taken && tries < TRIES && !service.ports.is_empty() {
                    self.board().running.take(name);
                    return Ok(false);
                }
                self.notify(service, "failed", Some(status.to_string()));
                let what = format!("it ended with {status} before it was ready");
                return Err(ServiceError::failed(name, what).with_log(&log));
            }
            if answers {
                return Ok(true);
            }
            if (self.order.site.interrupted)() {
                return Err(ServiceError::Interrupted);
            }
            if Instant::now() >= until {
                self.notify(service, "failed", Some(asker.last.clone()));
                let what = format!("it was not ready within {:?}: {}", ready.within, asker.last);
                return Err(ServiceError::failed(name, what).with_log(&log));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn spawn(&self, service: &Service, ready: &Ready, log: &std::path::Path) -> Result<Asker, ServiceError> {
        let fail = |what: String| ServiceError::failed(&service.name, what);
        self.notify(service, "starting", None);
        // Held until just before the start, so that nobody else is given the same ports.
        let held = self.choose_ports(service)?;
        let facts = self.board().facts.clone();
        let texts = self.texts(&facts);
        let words = texts.words(&service.start).map_err(fail)?;
        let mut variables = vec![(PROGRAM.to_owned(), self.order.site.program.display().to_string())];
        variables.extend(texts.variables(&service.env).map_err(fail)?);
        variables.push((self.order.mark)(&service.name));
        let asker = Asker::new(&ready.probe, &texts, log).map_err(fail)?;
        let mut board = self.board();
        drop(held);
        let group = Group::spawn(&Spawn {
            words: &words,
            variables: &variables,
            dir: &absolute(&self.order.environment.dir),
            log,
            logs: &self.order.site.logs,
            guarded: self.order.life == Life::OfTheProcess,
        })
        .map_err(|e| fail(e.to_string()))?;
        board.running.all.push(One {
            name: service.name.clone(),
            group,
            stop_within: service.stop_within,
        });
        Ok(asker)
    }

    fn choose_ports(&self, service: &Service) -> Result<Vec<TcpListener>, ServiceError> {
        let mut chosen = Vec::new();
        let mut held = Vec::new();
        for port in &service.ports {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
            let (number, listener) =
                free.map_err(|e| ServiceError::failed(&service.name, format!("choosing a free port: {e}")))?;
            chosen.push((service.name.clone(), port.clone(), number));
            held.push(listener);
        }
        let mut board = self.board();
        board.facts.ports.retain(|(name, ..)| *name != service.name);
        board.facts.ports.extend(chosen);
        Ok(held)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn texts<'t>(&'t self, facts: &'t ServiceFacts) -> Texts<'t> {
        Texts {
            environment: self.order.environment,
            facts,
        }
    }

    fn notify(&self, service: &Service, state: &'static str, message: Option<String>) {
        (self.order.site.notify)(Progress {
            service: service.name.clone(),
            state,
            message,
        });
    }
}
