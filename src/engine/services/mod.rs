//! Services of an environment: installed once, started, waited for until they answer, stopped.
//!
//! A run that finds them up (`env up`) uses them and leaves them alone; otherwise it starts its own, on ports and in
//! folders of their own, so that any number of runs can use one environment side by side. Only installing is shared:
//! it happens once, and who comes second waits. Services that a run started die with it, even when it is killed;
//! those of `env up` stay, and are known again by a mark in their environment, never by a process number alone.
//!
//! Not here: what an environment file says (`spec::environment`).

mod guard;
mod install;
mod launch;
mod ready;
mod state;
mod texts;

use std::path::PathBuf;

pub use launch::Services;
pub use state::{ServiceState, down, status, up};

use crate::spec::environment::{Environment, ServiceFacts};

/// Where services live, and who hears of them.
pub struct Site<'a> {
    /// specrun's cache folder: what is installed stays here.
    pub cache: PathBuf,
    /// For data and logs of the services: a folder of the run, or of the environment that is up.
    pub home: PathBuf,
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

/// Services a run can use: its own, or those that are up.
pub enum Lease {
    /// They are stopped when this is dropped, or by [`Lease::end`].
    Own(Services),
    /// Somebody keeps them up.
    Shared(ServiceFacts),
}

impl Lease {
    /// The services of an environment, for a run with this mark: those that are up, else its own.
    ///
    /// # Errors
    /// When one cannot be installed, started, or does not become ready; all that were started are stopped.
    pub fn get(
        environment: &Environment,
        site: &Site<'_>,
        states: &std::path::Path,
        run: &str,
    ) -> Result<Self, ServiceError> {
        if environment.services.is_empty() {
            return Ok(Self::Shared(ServiceFacts {
                cache: site.cache.clone(),
                ..ServiceFacts::default()
            }));
        }
        if let Some(facts) = state::usable(environment, site, states)? {
            return Ok(Self::Shared(facts));
        }
        let mark = (super::RUN_MARK.to_owned(), run.to_owned());
        Services::start(environment, site, mark, launch::Life::OfTheRun).map(Self::Own)
    }

    /// Ports and folders, for the texts of the environment.
    #[must_use]
    pub const fn facts(&self) -> &ServiceFacts {
        match self {
            Self::Own(services) => services.facts(),
            Self::Shared(facts) => facts,
        }
    }

    /// Stops what is the run's own.
    pub fn end(self, notify: &dyn Fn(Progress)) {
        match self {
            Self::Own(services) => services.stop(notify),
            Self::Shared(_) => {}
        }
    }
}
