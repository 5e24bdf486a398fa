//! Programs: argv, never a shell; own process group; nothing outlives the run.
//!
//! A program sees few variables of the environment ([`INHERITED`]), reads nothing from the terminal, and is ended
//! with everything it started when it is done, too slow, or not wanted any more. What it prints is capped in memory
//! and redacted; the whole of it goes to a file when a folder is given.

mod capture;
mod group;
mod lookup;
mod run;
mod version;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Grants, Redactor};
use crate::value::Secret;

pub use capture::Captured;
pub use group::Group;
pub use lookup::find;
pub use version::first_version;

/// The variable that marks every program of a run; its value is the run's id.
pub const MARKER: &str = "SPECRUN_RUN";

/// Variables that a program sees without being asked for.
pub const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TERM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A program to run.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// A name to look up in `PATH`, or a path when it holds a `/` (relative to `dir`).
    pub program: String,
    pub args: Vec<String>,
    /// Variables besides the inherited ones; a secret may stand here, but never in the arguments, which every user of
    /// the machine can read.
    pub env: Vec<(String, EnvValue)>,
    pub dir: PathBuf,
    /// Text for its standard input; without one it reads nothing.
    pub stdin: Option<Vec<u8>>,
    /// Bytes of each of the two outputs that are kept in memory: half from its start, half from its end.
    pub keep: usize,
    /// Where the whole outputs go when they are longer: `DIR/stdout.txt`, `DIR/stderr.txt`.
    pub spill: Option<PathBuf>,
    /// Bytes of each output after which the program is ended.
    pub most: u64,
    /// How long a polite stop may take.
    pub grace: Duration,
}

impl Command {
    /// A program with arguments and the usual caps: 256 KiB of each output kept, 64 MiB at most, 5 s grace.
    #[must_use]
    pub fn new(program: impl Into<String>, args: impl IntoIterator<Item = String>) -> Self {
        Self {
            program: program.into(),
            args: args.into_iter().collect(),
            keep: 256 << 10,
            most: 64 << 20,
            grace: Duration::from_secs(5),
            ..Self::default()
        }
    }
}

/// The value of a variable.
#[derive(Clone, Debug)]
pub enum EnvValue {
    Plain(String),
    Secret(Secret),
}

/// What became of a program.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    pub stdout: Captured,
    pub stderr: Captured,
    pub elapsed: Duration,
    /// `cosign verify --key ...`, for messages; secrets masked.
    pub shown: String,
}

/// Runs programs.
pub struct Processes {
    grants: Arc<Grants>,
    redactor: Arc<Redactor>,
    /// The run's id, the value of [`MARKER`].
    marker: String,
}

impl Processes {
    #[must_use]
    pub fn new(grants: Arc<Grants>, redactor: Arc<Redactor>, run: impl Into<String>) -> Self {
        Self {
            grants,
            redactor,
            marker: run.into(),
        }
    }
}

#[cfg(test)]
mod tests;
