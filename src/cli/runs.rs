//! Recorded runs, by name.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::output::Output;
use crate::diag::did_you_mean;
use crate::engine::journal::{self, Journal};

/// The directory of a run: its path, its id, or `last`.
///
/// # Errors
/// When there is none; one line with the nearest name.
pub fn find(run: &str, root: &Path) -> Result<PathBuf, String> {
    let path = Path::new(run);
    if run.contains('/') || path.join("journal.jsonl").is_file() {
        return if path.exists() {
            Ok(path.to_owned())
        } else {
            Err(format!("there is no run at `{run}`"))
        };
    }
    let mut ids = recorded(root);
    if run == "last" {
        return match ids.pop() {
            Some(id) => Ok(root.join(id)),
            None => Err(format!("no run is recorded in `{}`", root.display())),
        };
    }
    if ids.iter().any(|id| id == run) {
        return Ok(root.join(run));
    }
    let help = did_you_mean(run, ids.iter().map(String::as_str)).map_or(String::new(), |h| format!("; {h}"));
    Err(format!(
        "no run `{run}` is recorded in `{}`{help}",
        root.display()
    ))
}

/// Reads the journal of a run; what is damaged is said, and the rest is used.
///
/// # Errors
/// One line: why there is no journal.
pub fn read(run: &str, root: &Path, output: Output) -> Result<(PathBuf, Journal), String> {
    let dir = find(run, root)?;
    let journal = journal::read(&dir).map_err(|e| e.to_string())?;
    for damage in &journal.damage {
        output.error(&format!(
            "the journal of `{}` is damaged: {damage}",
            dir.display()
        ));
    }
    if !journal.finished() {
        output.error(&format!(
            "the run `{}` did not come to its end; what it recorded holds",
            dir.display()
        ));
    }
    Ok((dir, journal))
}

/// The ids of recorded runs, the oldest first. Names tell the second only, so the time their lock was made decides.
fn recorded(root: &Path) -> Vec<String> {
    let mut ids: Vec<(Option<SystemTime>, String)> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            if !entry.path().join("journal.jsonl").is_file() {
                return None;
            }
            let made = std::fs::metadata(entry.path().join("lock")).and_then(|m| m.modified());
            Some((made.ok(), entry.file_name().into_string().ok()?))
        })
        .collect();
    ids.sort();
    ids.into_iter().map(|(_, id)| id).collect()
}
