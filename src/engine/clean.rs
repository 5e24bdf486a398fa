//! Removes what killed runs left behind: their processes, and the objects their ledgers say they created.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::control::{Control, Stop};
use super::journal::{self, Journal, Writer};
use super::ledger::{Ledger, Undoing};
use super::processes::{RUN_MARK, end_marked};
use super::recorder::stamp;
use super::run_dir::{self, journal_of};
use crate::action::Registry;
use crate::event::{CleanupInfo, Event, EventKind, RunId, mask};
use crate::tools::Tools;
use crate::value::SpecId;

/// What was found of one dead run, and what became of it.
#[derive(Debug)]
pub struct Cleaned {
    pub run: RunId,
    /// Processes that were ended.
    pub processes: usize,
    /// Cleanups that were done now.
    pub undone: Vec<CleanupInfo>,
    /// What could not be removed, and why.
    pub left: Vec<Left>,
}

/// Something that is still there, as far as is known.
#[derive(Debug)]
pub struct Left {
    /// `mlflow.delete_model of T18/create.cleanup[0]`, `3 processes`.
    pub what: String,
    pub why: String,
}

/// How to clean.
pub struct CleanOptions {
    /// How long one cleanup may take.
    pub timeout: Duration,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

impl Default for CleanOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(1),
            dry_run: false,
        }
    }
}

/// Cleans up after every dead run below `root` (`.specrun/runs`); runs that live are left alone, and so are those
/// with nothing to clean. What is done is written into their journals, so that doing it again finds nothing.
///
/// # Errors
/// When `root` cannot be listed. That a single run cannot be read is told in its [`Cleaned::left`].
pub fn clean(
    root: &Path,
    registry: &Registry,
    tools: &Arc<Tools>,
    options: &CleanOptions,
    control: &Control,
) -> io::Result<Vec<Cleaned>> {
    let mut dirs: Vec<PathBuf> = match fs::read_dir(root) {
        Ok(entries) => entries
            .filter_map(|e| Some(e.ok()?.path()))
            .filter(|p| p.is_dir())
            .collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    // The newest first: what was created last is undone first.
    dirs.sort_unstable();
    dirs.reverse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut all = Vec::new();
    for dir in dirs {
        if control.stopped() != Stop::No {
            break;
        }
        let Ok(Some(lock)) = run_dir::lock_dead(&dir) else {
            continue;
        };
        let run = Dead {
            dir: &dir,
            registry,
            tools,
            options,
            control,
            runtime: &runtime,
        };
        all.extend(run.clean());
        drop::<File>(lock);
    }
    runtime.shutdown_background();
    Ok(all)
}

struct Dead<'a> {
    dir: &'a Path,
    registry: &'a Registry,
    tools: &'a Arc<Tools>,
    options: &'a CleanOptions,
    control: &'a Control,
    runtime: &'a tokio::runtime::Runtime,
}

impl Dead<'_> {
    fn clean(&self) -> Option<Cleaned> {
        let run = RunId(self.dir.file_name()?.to_string_lossy().into_owned());
        let mut cleaned = Cleaned {
            run,
            processes: 0,
            undone: Vec::new(),
            left: Vec::new(),
        };
        if self.options.dry_run {
            cleaned.processes = super::processes::marked(RUN_MARK, &cleaned.run.0).len();
        } else {
            let (ended, left) = end_marked(RUN_MARK, &cleaned.run.0, Duration::from_secs(5));
            cleaned.processes = ended;
            if left > 0 {
                cleaned.left.push(Left {
                    what: format!("{left} processes"),
                    why: "they did not end when they were killed".to_owned(),
                });
            }
        }
        match journal::read(self.dir) {
            Ok(journal) => self.undo_all(&journal, &mut cleaned),
            // It was killed before it did anything.
            Err(journal::ReadError::Empty { .. }) => {}
            Err(journal::ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
            Err(e) => cleaned.left.push(Left {
                what: "what its ledger holds".to_owned(),
                why: e.to_string(),
            }),
        }
        let nothing = cleaned.processes == 0 && cleaned.undone.is_empty() && cleaned.left.is_empty();
        (!nothing).then_some(cleaned)
    }

    fn undo_all(&self, journal: &Journal, cleaned: &mut Cleaned) {
        let mut ledger = Ledger::default();
        journal.events.iter().for_each(|event| ledger.take(event));
        let open = ledger.last_first();
        if open.is_empty() {
            return;
        }
        let mut writer = match (
            self.options.dry_run,
            Writer::reopen(&journal_of(self.dir), journal.whole),
        ) {
            (false, Ok(writer)) => Some(writer),
            (false, Err(e)) => {
                cleaned.left.push(Left {
                    what: "a note of what is done".to_owned(),
                    why: format!("its journal cannot be written: {e}"),
                });
                None
            }
            (true, _) => None,
        };
        let mut seq = journal.events.last().map_or(0, |e| e.seq + 1);
        let elapsed = journal.events.last().map_or(0.0, |e| e.elapsed);
        let folders = folders(journal);
        let undoing = Undoing {
            registry: self.registry,
            tools: self.tools,
            artifacts: &self.dir.join("artifacts").join("clean"),
            timeout: self.options.timeout,
            control: self.control,
            ends_at: |stop| *stop != Stop::No,
        };
        for one in open {
            if self.options.dry_run {
                cleaned.undone.push(one.info);
                continue;
            }
            let folder = one
                .spec
                .as_ref()
                .and_then(|s| folders.get(s))
                .cloned()
                .unwrap_or_default();
            let result = self.runtime.block_on(undoing.undo(&one, folder));
            let failure = result.err();
            if let Some(writer) = &mut writer {
                let mut event = Event {
                    seq,
                    at: stamp(),
                    elapsed,
                    spec: one.spec.clone(),
                    step: one.step.clone(),
                    kind: EventKind::CleanupFinished {
                        id: one.info.id.clone(),
                        done: failure.is_none(),
                        failure: failure.clone(),
                    },
                };
                mask::apply(&mut event, &|text| self.tools.redactor.redact(text));
                writer.append(&event);
                seq += 1;
            }
            match failure {
                None => cleaned.undone.push(one.info),
                Some(failure) => cleaned.left.push(Left {
                    what: format!("{} of {}", one.info.action, one.info.id),
                    why: self.tools.redactor.redact(&failure.to_string()),
                }),
            }
        }
    }
}

/// The folders the specs of the run stand in.
fn folders(journal: &Journal) -> HashMap<SpecId, PathBuf> {
    let specs = journal.events.iter().find_map(|e| match &e.kind {
        EventKind::RunStarted { run } => Some(&run.specs),
        _ => None,
    });
    specs
        .into_iter()
        .flatten()
        .map(|s| {
            let folder = Path::new(&s.place.file)
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default();
            (s.id.clone(), folder)
        })
        .collect()
}
