//! Services of an environment: installed once, started, waited for until they answer, stopped.
//!
//! A run gets the services that its specs need. One that is up already (`env up`) and is the same in the environment
//! of the run, with all that it needs, is used and left alone; the others the run starts itself, on ports and in
//! folders of their own, so that any number of runs can use one environment side by side. Installing is always shared:
//! it happens once, and who comes second waits. Services that a run started die with it, even when it is killed;
//! those of `env up` stay, and are known again by a mark in their environment, never by a process number alone.
//!
//! Not here: what an environment file says (`spec::environment`).

mod guard;
mod identity;
mod install;
mod launch;
mod log;
mod ready;
mod record;
mod state;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use launch::{Life, Order, Running};
pub use log::{Logs, keep};
pub use state::{Held, ServiceState, Up, down, hold, status, up};

use crate::spec::environment::{Environment, ServiceFacts};

/// Where services live, and who hears of them.
pub struct Site<'a> {
    /// specrun's cache folder: what is installed stays here.
    pub cache: PathBuf,
    /// For data and logs of the services: a folder of the run, or of the environment that is up.
    pub home: PathBuf,
    /// The program that runs the services: they are told where it is.
    pub program: PathBuf,
    /// How logs are kept.
    pub logs: Logs,
    /// Told what happens, as it happens: installing takes minutes.
    pub notify: &'a (dyn Fn(Progress) + Sync),
    /// Asked often; true gives up and stops what was started.
    pub interrupted: &'a (dyn Fn() -> bool + Sync),
}

/// Something that happened to a service; the states are those of the event of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub service: String,
    /// `installing`, `starting`, `ready`, `stopped`, `failed`.
    pub state: &'static str,
    pub message: Option<String>,
}

impl From<Progress> for crate::event::EventKind {
    fn from(p: Progress) -> Self {
        Self::Service {
            name: p.service,
            state: p.state.to_owned(),
            message: p.message,
        }
    }
}

/// Why services are not there.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("service `{service}`: {what}")]
    Failed {
        service: String,
        what: String,
        /// The last lines of its output.
        tail: Vec<String>,
        /// The whole output.
        log: Option<PathBuf>,
    },
    #[error("the environment `{environment}`: {what}")]
    Environment { environment: String, what: String },
    #[error("interrupted")]
    Interrupted,
}

impl ServiceError {
    fn failed(service: &str, what: impl Into<String>) -> Self {
        Self::Failed {
            service: service.to_owned(),
            what: what.into(),
            tail: Vec::new(),
            log: None,
        }
    }

    /// The message with the last lines the service printed, and where all of them are.
    #[must_use]
    pub fn whole(&self) -> String {
        let mut text = self.to_string();
        if let Self::Failed { tail, log, .. } = self {
            if !tail.is_empty() {
                text.push_str("\nits last lines:");
            }
            for line in tail {
                text.push_str("\n  | ");
                text.push_str(line);
            }
            if let Some(log) = log {
                text.push_str("\nits whole output: ");
                text.push_str(&log.display().to_string());
            }
        }
        text
    }

    fn with_log(self, path: &std::path::Path) -> Self {
        match self {
            Self::Failed { service, what, .. } => Self::Failed {
                service,
                what,
                tail: ready::tail(path, 20),
                log: Some(path.to_owned()),
            },
            other @ (Self::Environment { .. } | Self::Interrupted) => other,
        }
    }
}

/// Services a run can use: those that are up, and its own for the rest.
pub struct Lease {
    own: Running,
    facts: ServiceFacts,
    failed: BTreeMap<String, ServiceError>,
}

impl Lease {
    /// Services of an environment with all that they need, for a run with this mark. One that cannot be installed or
    /// started, or does not become ready, is in [`Lease::failed`] and keeps no other from starting.
    ///
    /// # Errors
    /// When folders cannot be made, or it was interrupted; all that were started are stopped.
    pub fn get(
        environment: &Environment,
        wanted: &BTreeSet<String>,
        site: &Site<'_>,
        states: &Path,
        run: &str,
    ) -> Result<Self, ServiceError> {
        let mut lease = Self::of_what_is_up(environment, wanted, &site.cache, states);
        let wanted = environment.with_needs(wanted.iter().cloned());
        for (name, _) in &lease.facts.dirs {
            (site.notify)(Progress {
                service: name.clone(),
                state: "ready",
                message: Some("it was up already".to_owned()),
            });
        }
        if lease.facts.dirs.len() < wanted.len() {
            let started = launch::start(&Order {
                environment,
                wanted: &wanted,
                up: lease.facts,
                site,
                mark: &|_| (super::RUN_MARK.to_owned(), run.to_owned()),
                life: Life::OfTheProcess,
            })?;
            lease = Self {
                own: started.running,
                facts: started.facts,
                failed: started.failed,
            };
        }
        Ok(lease)
    }

    /// Only what is up already.
    #[must_use]
    pub fn of_what_is_up(
        environment: &Environment,
        wanted: &BTreeSet<String>,
        cache: &Path,
        states: &Path,
    ) -> Self {
        let wanted = environment.with_needs(wanted.iter().cloned());
        let mut facts = ServiceFacts {
            cache: texts::absolute(cache),
            ..ServiceFacts::default()
        };
        for record in record::usable(environment, &wanted, cache, states).values() {
            record.add_to(&mut facts);
        }
        Self {
            own: Running::default(),
            facts,
            failed: BTreeMap::new(),
        }
    }

    /// Ports and folders, for the texts of the environment.
    #[must_use]
    pub const fn facts(&self) -> &ServiceFacts {
        &self.facts
    }

    /// Services that are not there, with the reason.
    #[must_use]
    pub const fn failed(&self) -> &BTreeMap<String, ServiceError> {
        &self.failed
    }

    /// Stops what is the run's own.
    pub fn end(mut self, notify: &dyn Fn(Progress)) {
        self.own.end(notify);
    }
}
