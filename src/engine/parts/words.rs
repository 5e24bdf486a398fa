//! What a run and its parts say to each other: one line of JSON each.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::event::Event;

/// A part says no more before what it said was heard up to this much, in bytes: that much it can say again.
pub(super) const MOST_UNHEARD: usize = 1 << 20;

/// What a part is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// A file it needs; all come before the start.
    File(Carried),
    Start(Start),
    /// The first time it is to end in good order, the second time at once.
    Stop,
    /// So many of its words were heard.
    Heard(u64),
    /// It shall say its words from this one on again, because the log that they come through has lost them.
    Again(u64),
}

/// How a part runs its specs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Where it starts, below the folder that the files came to.
    pub folder: PathBuf,
    /// The arguments of `specrun`, its verb first.
    pub args: Vec<String>,
    /// Variables it gets.
    pub env: BTreeMap<String, String>,
    /// Where the run keeps its own files: what a part says of its own run directory is said of this one.
    pub run_dir: String,
}

/// What a part says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// The first word.
    Hello { version: String },
    /// Nothing happened for a while.
    Live,
    /// The next event of its journal.
    Event(Box<Event>),
    /// A file that a step left.
    File(Carried),
    /// The last word.
    Ended(Ended),
}

/// How a part ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ended {
    /// The exit code; none when it never began, or was killed.
    pub(super) code: Option<i32>,
    /// The last lines it wrote to standard error.
    pub(super) said: Vec<String>,
    /// Files of steps that were too large to be sent.
    pub(super) left: Vec<String>,
}

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Below the folder it is carried to.
    pub path: PathBuf,
    /// Base64.
    data: String,
    #[serde(default)]
    pub executable: bool,
    /// Nobody else may read it.
    #[serde(default)]
    pub private: bool,
}

impl Carried {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, bytes: &[u8]) -> Self {
        Self {
            path: path.into(),
            data: STANDARD.encode(bytes),
            executable: false,
            private: false,
        }
    }

    /// Puts it below `folder`.
    ///
    /// # Errors
    /// When its path leads elsewhere, or it cannot be written.
    pub fn put(&self, folder: &Path) -> std::io::Result<()> {
        use std::io::Write as _;
        use std::os::unix::fs::OpenOptionsExt as _;
        let plain = self.path.components().all(|c| matches!(c, Component::Normal(_)));
        if !plain || self.path.as_os_str().is_empty() {
            let what = format!("the path {} leads elsewhere", self.path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
        }
        let bytes = STANDARD.decode(&self.data).map_err(std::io::Error::other)?;
        let path = folder.join(&self.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mode = if self.private { 0o600 } else { 0o644 } | if self.executable { 0o100 } else { 0 };
        let mut file = std::fs::File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.write_all(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_arrives_as_it_was_and_nowhere_else() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mut file = Carried::new("a/b.sh", b"\x00\xff#!");
        file.executable = true;
        file.private = true;
        let line = serde_json::to_string(&Order::File(file)).unwrap();
        assert!(!line.contains('\n'));
        let Order::File(file) = serde_json::from_str(&line).unwrap() else {
            panic!("{line}")
        };
        file.put(folder.path()).unwrap();
        let there = folder.path().join("a/b.sh");
        assert_eq!(std::fs::read(&there).unwrap(), b"\x00\xff#!");
        let mode = std::fs::metadata(&there).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
        for elsewhere in ["../x", "/x", "a/../../x", "", "./x"] {
            assert!(
                Carried::new(elsewhere, b"").put(folder.path()).is_err(),
                "{elsewhere}"
            );
        }
    }
}
