//! What travels: the files of the project, as git would take them.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::engine::parts::Carried;

/// All files together.
const MOST: u64 = 64 << 20;
/// How many of the largest are named when it is too much.
const NAMED: usize = 3;

/// Every file below `root` but hidden ones, those that a `.gitignore` leaves out, and what lies below `without`; their paths
/// begin with `to`.
///
/// # Errors
/// When a file cannot be read, or there is too much of them.
pub(super) fn files(root: &Path, without: &Path, to: &Path) -> Result<Vec<Carried>, String> {
    let real = fs::canonicalize(root).map_err(|e| format!("reading {}: {e}", root.display()))?;
    let without = without.to_owned();
    let walk = WalkBuilder::new(root)
        .require_git(false)
        .git_global(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(move |entry| entry.path() != without)
        .build();
    let mut found: Vec<(PathBuf, u64)> = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|e| format!("looking for the files of the project: {e}"))?;
        // A link is followed when it stays in the project; a folder behind one is there under its own name.
        let Ok(target) = fs::canonicalize(entry.path()) else {
            continue;
        };
        match fs::metadata(&target) {
            Ok(meta) if meta.is_file() && target.starts_with(&real) => {
                found.push((entry.into_path(), meta.len()));
            }
            _ => {}
        }
    }
    let all: u64 = found.iter().map(|(_, size)| size).sum();
    if all > MOST {
        found.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
        let largest: Vec<String> = found
            .iter()
            .take(NAMED)
            .map(|(path, size)| format!("{} ({} MiB)", path.display(), size >> 20))
            .collect();
        return Err(format!(
            "the project is too large to be sent to pods: {} MiB, at most {} MiB; the largest files are {}. What a \
             `.gitignore` names is not sent; data belong in the image or on a server",
            all >> 20,
            MOST >> 20,
            largest.join(", ")
        ));
    }
    found
        .into_iter()
        .map(|(path, _)| carried(&path, root, to))
        .collect()
}

fn carried(path: &Path, root: &Path, to: &Path) -> Result<Carried, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrong = |e: std::io::Error| format!("reading {}: {e}", path.display());
    let bytes = fs::read(path).map_err(wrong)?;
    let mode = fs::metadata(path).map_err(wrong)?.permissions().mode();
    let mut file = Carried::new(to.join(path.strip_prefix(root).unwrap_or(path)), &bytes);
    file.executable = mode & 0o100 != 0;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_would_take_travels() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let root = folder.path();
        for path in [
            "specs/a.yaml",
            "specs/data/x.csv",
            "out/big.bin",
            ".specrun/runs/r/journal.jsonl",
            "runs/r/j",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), path).unwrap();
        }
        fs::write(root.join(".gitignore"), "out\n").unwrap();
        std::os::unix::fs::symlink("a.yaml", root.join("specs/link.yaml")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.join("specs/secret.yaml")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("specs/broken.yaml")).unwrap();
        let files = files(root, &root.join("runs"), Path::new("project")).unwrap();
        let paths: Vec<_> = files.iter().map(|f| f.path.display().to_string()).collect();
        assert_eq!(
            paths,
            [
                "project/specs/a.yaml",
                "project/specs/data/x.csv",
                "project/specs/link.yaml"
            ]
        );
    }

    #[test]
    fn too_much_is_refused_with_the_largest_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::File::create(folder.path().join("big.bin"))
            .unwrap()
            .set_len(MOST + 1)
            .unwrap();
        let refused = files(folder.path(), Path::new("/none"), Path::new("")).unwrap_err();
        assert!(refused.contains("big.bin (64 MiB)"), "{refused}");
    }
}
