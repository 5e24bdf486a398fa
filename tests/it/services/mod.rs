//! Services of environments: installed, started, waited for, shared, stopped; none outlives what it belongs to.

mod installed;
mod logs;
mod program;
mod ready;
mod shared;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use specrun::diag::Diagnostics;
use specrun::engine::services::{Lease, Logs, Progress, ServiceError, Site, Up, down, status, up};
use specrun::source::Sources;
use specrun::spec::environment::{self, Environment};

use crate::support::specrun::signal;

const CAP: Duration = Duration::from_mins(2);

/// A service that says that it is up, and a child of it, both with their numbers in files.
const TALKER: &str = r#"
  talker:
    ports: [port]
    start:
      - sh
      - -c
      - 'echo $$ > "$0/pid"; sleep 600 & echo $! > "$0/child"; echo started >> "$0/starts"; echo "up on $1"; wait'
      - "${{ services.talker.dir }}"
      - "${{ services.talker.port }}"
    ready: {log: '^up on [0-9]+$', within: 60s}
    stop_within: 5s
"#;

struct Place {
    dir: tempfile::TempDir,
    told: Mutex<Vec<Progress>>,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            told: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn environment(&self, services: &str) -> Environment {
        let file = self.path("env.yaml");
        std::fs::write(&file, format!("environment: test\nservices:{services}")).unwrap();
        let mut found = Diagnostics::new();
        let environment = environment::read(&Sources::new(), &file, &specrun::actions::REGISTRY, &mut found);
        let found = found.sorted();
        assert!(found.is_empty(), "{found:?}");
        environment.unwrap()
    }

    fn with_site<R>(&self, home: &str, work: impl FnOnce(&Site<'_>) -> R) -> R {
        let notify = |p: Progress| self.told.lock().unwrap().push(p);
        work(&Site {
            cache: self.path("cache"),
            home: self.path(home),
            program: "/opt/specrun".into(),
            logs: Logs::default(),
            notify: &notify,
            interrupted: &|| false,
        })
    }

    fn lease(&self, environment: &Environment, home: &str) -> Result<Lease, ServiceError> {
        let wanted = environment.all_services();
        let lease = self.with_site(home, |site| {
            Lease::get(environment, &wanted, site, &self.path("states"), home)
        })?;
        if lease.failed().is_empty() {
            return Ok(lease);
        }
        let why = lease.failed().values().next().unwrap();
        let ServiceError::Failed {
            service,
            what,
            tail,
            log,
        } = why
        else {
            panic!("{why}");
        };
        Err(ServiceError::Failed {
            service: service.clone(),
            what: what.clone(),
            tail: tail.clone(),
            log: log.clone(),
        })
    }

    fn up(&self, environment: &Environment) -> Up {
        let wanted = environment.all_services();
        self.with_site("unused", |site| {
            up(environment, &wanted, site, &self.path("states"))
        })
        .unwrap()
    }

    fn state(&self, environment: &Environment, service: &str) -> String {
        let all = status(environment, &self.path("cache"), &self.path("states")).unwrap();
        all.iter().find(|s| s.name == service).unwrap().state.clone()
    }

    fn down(&self, environment: &Environment) -> usize {
        self.with_site("unused", |site| {
            down(environment, None, site, &self.path("states"))
        })
        .unwrap()
    }

    fn number(&self, path: &str) -> u32 {
        // The file is there a moment before what the service writes to it.
        let until = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let text = std::fs::read_to_string(self.path(path)).unwrap();
            match text.trim().parse() {
                Ok(number) => return number,
                Err(e) if std::time::Instant::now() > until => panic!("{path}: {text:?}: {e}"),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn told(&self, service: &str) -> Vec<&'static str> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|p| p.service == service)
            .map(|p| p.state)
            .collect()
    }
}

/// Whether a process runs; one that is dead and not yet reaped does not.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

#[track_caller]
fn gone(pid: u32) {
    let until = Instant::now() + CAP;
    while runs(pid) {
        assert!(Instant::now() < until, "process {pid} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn error(result: Result<Lease, ServiceError>) -> (String, Vec<String>) {
    match result {
        Err(ServiceError::Failed {
            service, what, tail, ..
        }) => (format!("{service}: {what}"), tail),
        Err(other) => (other.to_string(), Vec::new()),
        Ok(_) => panic!("it started"),
    }
}

fn kill(pid: u32) {
    signal("-KILL", &pid.to_string());
}

fn read_number(dir: &Path, name: &str) -> Option<u32> {
    std::fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
}
