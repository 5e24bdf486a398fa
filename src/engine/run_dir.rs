//! The directory of a run, `.specrun/runs/<run id>/`: journal, artifacts, and a lock that says whether it lives.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::event::RunId;
use crate::value::{AttemptNo, SpecId, StepId};

const LOCK: &str = "lock";

/// A run's own directory. The run counts as alive until this is dropped or the process is gone.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    id: RunId,
    /// Locked as a whole file; the kernel gives the lock back however the process ends.
    _lock: File,
}

impl RunDir {
    /// Makes the directory of a new run below `root` (`.specrun/runs`) and locks it.
    ///
    /// # Errors
    /// When `root` cannot be written to, or a run of this name exists.
    pub fn create(root: &Path, id: RunId) -> io::Result<Self> {
        std::fs::create_dir_all(root)?;
        let path = root.join(&id.0);
        std::fs::create_dir(&path)?;
        let lock = File::create_new(path.join(LOCK))?;
        lock.try_lock().map_err(io::Error::from)?;
        Ok(Self {
            path,
            id,
            _lock: lock,
        })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// `journal.jsonl`.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        journal_of(&self.path)
    }

    /// Where the files of one attempt of a step go, as a path that also means the same to programs that start in another
    /// folder; `try_no` counts the tries of the whole spec.
    pub(super) fn artifacts(&self, spec: &SpecId, step: &StepId, try_no: u32, attempt: AttemptNo) -> PathBuf {
        let mut dir = self.path.join("artifacts").join(file_name(spec.as_str()));
        dir.push(file_name(step.as_str()));
        if try_no > 1 {
            dir.push(format!("try-{try_no}"));
        }
        if attempt > 1 {
            dir.push(format!("attempt-{attempt}"));
        }
        std::path::absolute(&dir).unwrap_or(dir)
    }
}

/// A name for a run that starts now: UTC date, time, and four hex digits of `seed`.
#[must_use]
pub fn new_run_id(seed: u64) -> RunId {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let mixed = seed ^ (seed >> 32) ^ u64::from(std::process::id());
    RunId(format!("{now}-{:04x}", (mixed ^ (mixed >> 16)) & 0xffff))
}

/// The journal of the run in this directory.
pub(super) fn journal_of(dir: &Path) -> PathBuf {
    dir.join("journal.jsonl")
}

/// The lock of a run that is dead, held until the file is dropped; none while the run lives.
///
/// # Errors
/// When the directory is that of no run, or its lock cannot be opened.
pub(super) fn lock_dead(dir: &Path) -> io::Result<Option<File>> {
    let file = File::open(dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// A name of a spec or step as the name of a folder: `T07[model=iris]` stays readable, nothing leads elsewhere.
fn file_name(id: &str) -> String {
    let safe: String = id
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '=' | '[' | ']' | ',' => c,
            '.' => '.',
            _ => '_',
        })
        .take(120)
        .collect();
    // Two different names must not share a folder, and `..` must not climb.
    if safe == id && !safe.starts_with('.') {
        safe
    } else {
        format!(
            "{}-{:08x}",
            safe.trim_start_matches('.'),
            crc32fast::hash(id.as_bytes())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_alive_as_long_as_its_directory_is_held() {
        let root = tempfile::tempdir().unwrap();
        let dir = RunDir::create(root.path(), RunId("r1".into())).unwrap();
        let path = dir.path().to_owned();
        assert!(lock_dead(&path).unwrap().is_none());
        assert!(
            RunDir::create(root.path(), RunId("r1".into())).is_err(),
            "a name is given once"
        );
        drop(dir);
        assert!(lock_dead(&path).unwrap().is_some());
    }

    #[test]
    fn folder_names_are_safe_and_distinct() {
        assert_eq!(file_name("T07[model=iris]"), "T07[model=iris]");
        for bad in ["..", "../x", "a/b", ".", "a\0b", "é"] {
            let name = file_name(bad);
            assert!(
                !name.contains('/') && !name.starts_with('.'),
                "{bad:?} became {name:?}"
            );
            assert_ne!(name, bad);
        }
        assert_ne!(file_name("a/b"), file_name("a:b"));
    }
}
