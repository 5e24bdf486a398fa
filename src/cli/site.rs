//! Where things lie that outlive a run: the cache, and the state of services that are kept up.

use std::path::{Path, PathBuf};

use crate::engine::services::{Logs, Progress, ServiceError};
use crate::spec::Project;
use crate::tools::Redactor;
use crate::value::Secret;

use super::output::Output;
use crate::report::plain;

/// `$SPECRUN_CACHE`, else `$XDG_CACHE_HOME/specrun`, else `~/.cache/specrun`; in the project when there is no home.
#[must_use]
pub fn cache(project: &Project) -> PathBuf {
    let var = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let chosen = var("SPECRUN_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("specrun")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/specrun")))
        .unwrap_or_else(|| project.root.join(".specrun/cache"));
    absolute(&chosen)
}

/// The folder of services that are kept up: `$SPECRUN_SERVICES`, else the project's. Specs may touch it as they may the
/// project, wherever it lies.
#[must_use]
pub fn states(project: &Project) -> PathBuf {
    match std::env::var_os("SPECRUN_SERVICES").filter(|v| !v.is_empty()) {
        Some(chosen) => absolute(Path::new(&chosen)),
        None => absolute(&project.root.join(".specrun/services")),
    }
}

/// The folder whose tree specs may read.
#[must_use]
pub fn root(project: &Project) -> PathBuf {
    if project.root.as_os_str().is_empty() {
        absolute(Path::new("."))
    } else {
        absolute(&project.root)
    }
}

/// Tells what happens to a service; installing takes minutes, so this is said also without a terminal.
pub fn tell(progress: &Progress, redactor: &Redactor, output: Output) {
    let mut line = format!("specrun: service {}: {}", progress.service, progress.state);
    if let Some(message) = &progress.message {
        line.push_str(": ");
        line.push_str(&redactor.redact(message));
    }
    line.push('\n');
    output.err(&line);
}

/// Tells why services are not there, with the last of what they said: harmless to a terminal, and without secrets.
pub fn tell_error(error: &ServiceError, redactor: &Redactor, output: Output) {
    output.error(&plain(&redactor.redact(&error.to_string())));
    if let ServiceError::Failed { tail, log, .. } = error {
        // A secret may have several lines.
        for line in redactor.redact(&tail.join("\n")).lines() {
            output.err(&format!("  | {}\n", plain(line)));
        }
        if let Some(log) = log {
            output.err(&format!("  = whole output: {}\n", log.display()));
        }
    }
}

/// This very program.
#[must_use]
pub fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("specrun"))
}

/// How logs of services are kept free of secrets: by this very program.
#[must_use]
pub fn logs(secrets: &[Secret]) -> Logs {
    Logs {
        keeper: vec![program(), PathBuf::from("keep-log")],
        secrets: secrets.to_vec(),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
