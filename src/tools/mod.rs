//! How the outside is reached: HTTP, processes, files. Lazily opened, shared by all actions, and the only place
//! where capabilities are enforced.

mod capability;
pub mod endpoint;
pub mod files;
mod grants;
pub mod http;
pub mod process;
mod redact;

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
    pub process: process::Processes,
    pub files: files::Files,
}

impl Tools {
    /// The tools of one run, `run` its id; nothing is opened yet.
    #[must_use]
    pub fn new(endpoints: Endpoints, grants: Grants, redactor: Redactor, run: &str) -> Self {
        let (grants, redactor) = (Arc::new(grants), Arc::new(redactor));
        let _ = run;
        Self {
            endpoints,
            http: http::Http::new(Arc::clone(&grants), Arc::clone(&redactor)),
            process: process::Processes,
            files: files::Files,
            grants,
            redactor,
        }
    }
}
