//! How the outside is reached: HTTP, loads, Kubernetes, processes, files, object stores, tables. Lazily opened, shared by
//! all actions, and the only place where capabilities are enforced.

mod awake;
pub mod capability;
pub mod endpoint;
pub mod files;
mod grants;
pub mod http;
pub mod kube;
pub mod load;
pub mod objects;
pub mod process;
mod redact;
pub mod tables;

use std::path::Path;
use std::sync::Arc;

pub use capability::Capability;
pub use endpoint::{Auth, Endpoint, Endpoints};
pub use grants::{Grants, Rule};
pub use redact::{MASK, Redacting, Redactor};

/// Everything an action may reach the outside with.
pub struct Tools {
    pub endpoints: Endpoints,
    pub grants: Arc<Grants>,
    pub redactor: Arc<Redactor>,
    pub http: http::Http,
    pub kube: kube::Kube,
    pub process: process::Processes,
    pub files: files::Files,
}

impl Tools {
    /// The tools of one run, `run` its id; nothing is opened yet. Without [`Tools::rooted`] no file may be read or
    /// written that is not granted by name.
    #[must_use]
    pub fn new(endpoints: Endpoints, grants: Grants, redactor: Redactor, run: &str) -> Self {
        let (grants, redactor) = (Arc::new(grants), Arc::new(redactor));
        Self {
            endpoints,
            http: http::Http::new(Arc::clone(&grants), Arc::clone(&redactor)),
            kube: kube::Kube::new(Arc::clone(&grants), Arc::clone(&redactor)),
            process: process::Processes::new(Arc::clone(&grants), Arc::clone(&redactor), run),
            files: files::Files::new(&[], &[], Arc::clone(&grants)),
            grants,
            redactor,
        }
    }

    /// With the folders whose trees specs may read, and write while no policy says otherwise (the project), and those
    /// they may always read and write (the run directory).
    #[must_use]
    pub fn rooted(mut self, projects: &[&Path], run_dirs: &[&Path]) -> Self {
        self.files = files::Files::new(projects, run_dirs, Arc::clone(&self.grants));
        self
    }
}
