//! How the outside is reached: HTTP, processes, files. Lazily opened, shared by all actions, and the only place
//! where capabilities are enforced.

mod capability;
pub mod endpoint;
pub mod files;
mod grants;
pub mod http;
pub mod process;
mod redact;

use std::path::Path;
use std::sync::Arc;

pub use capability::Capability;
pub use endpoint::{Auth, Endpoint, Endpoints};
pub use grants::{Grants, Rule};
pub use redact::{MASK, Redacting, Redactor};

use crate::value::Secret;

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
    /// Opens nothing yet. `project` is the folder whose tree specs may read, `run_dir` the one of this run, `run` its
    /// id.
    #[must_use]
    pub fn new(
        endpoints: Endpoints,
        grants: Grants,
        secrets: &[Secret],
        project: &Path,
        run_dir: &Path,
        run: &str,
    ) -> Self {
        let grants = Arc::new(grants);
        let redactor = Arc::new(Redactor::new(secrets));
        Self {
            endpoints,
            http: http::Http::new(Arc::clone(&grants), Arc::clone(&redactor)),
            process: process::Processes::new(Arc::clone(&grants), Arc::clone(&redactor), run),
            files: files::Files::new(project, run_dir, Arc::clone(&grants)),
            grants,
            redactor,
        }
    }
}
