//! The log of a service, without secrets: what the service prints goes through a process that takes them out as it comes.
//!
//! A process, not a thread: a service that is kept up prints for longer than the specrun that started it lives, and of
//! one that was killed the last words shall be in the log as well. It ends when nobody can write to its pipe any more.
//! The secrets come first through that same pipe, since arguments and variables can be read by others. Without secrets
//! a service writes into the file itself.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::tools::{Redacting, Redactor};
use crate::value::Secret;

/// How logs are kept.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// A program and its first arguments: given the path of a log as one more, it does what [`keep`] does.
    pub keeper: Vec<PathBuf>,
    /// What no log may hold.
    pub secrets: Vec<Secret>,
}

/// Where a service writes to.
pub(super) struct Log {
    pub(super) to: File,
    /// The process that takes the secrets out.
    pub(super) keeper: Option<Keeper>,
}

pub(super) struct Keeper(Child);

impl Logs {
    /// Opens a log that goes on where an earlier one ended.
    pub(super) fn open(&self, path: &Path) -> io::Result<Log> {
        let file = append(path)?;
        let Some((program, arguments)) = self.keeper.split_first().filter(|_| !self.secrets.is_empty())
        else {
            return Ok(Log {
                to: file,
                keeper: None,
            });
        };
        let (reader, mut writer) = io::pipe()?;
        let child = Command::new(program)
            .args(arguments)
            .arg(path)
            .env_clear()
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal must not end it before the service.
            .process_group(0)
            .spawn()
            .map_err(|e| io::Error::new(e.kind(), format!("starting what keeps its log: {e}")))?;
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::expose).collect();
        let mut head = serde_json::to_vec(&secrets)?;
        head.push(b'\n');
        writer.write_all(&head)?;
        Ok(Log {
            to: File::from(OwnedFd::from(writer)),
            keeper: Some(Keeper(child)),
        })
    }
}

impl Keeper {
    /// Waits until everything that was printed is in the log, as long as somebody may still print, up to `within`.
    pub(super) fn drain(&mut self, within: Duration) {
        let until = Instant::now() + within;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Copies what comes into a log, without the secrets that its first line names.
///
/// # Errors
/// When there is no such line, or reading fails. When the log cannot be written any more the rest is read and dropped:
/// a service must not stand still because of its log.
pub fn keep(mut from: impl BufRead, path: &Path) -> io::Result<()> {
    let mut head = Vec::new();
    from.read_until(b'\n', &mut head)?;
    let secrets: Vec<String> = serde_json::from_slice(&head)?;
    let secrets: Vec<Secret> = secrets.into_iter().map(|s| Secret::new("log", s)).collect();
    let mut to = Redacting::new(append(path)?, Arc::new(Redactor::new(&secrets)));
    let mut good = true;
    loop {
        let bytes = from.fill_buf()?;
        if bytes.is_empty() {
            to.finish()?;
            return Ok(());
        }
        good = good && to.write_all(bytes).is_ok();
        let taken = bytes.len();
        from.consume(taken);
    }
}

/// Whatever a service says is for this user alone.
fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_has_no_secret_and_nothing_else_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        std::fs::write(&path, "earlier\n").unwrap();
        let text = b"[\"hunter22\", \"two\\nlines-of-it\"]\nup, token hunter22\nhunter2\nlines-of-it huntera";
        keep(io::BufReader::with_capacity(3, &text[..]), &path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "earlier\nup, token ***\nhunter2\n*** huntera"
        );
        assert!(keep(&b"no list\n"[..], &path).is_err());
    }
}
