//! Finding a program.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::check::{Class, Failure};
use crate::diag;

/// The path of a program: a name is looked up in `path` (the variable's text), anything with a `/` is relative to
/// `dir`.
///
/// # Errors
/// Class `missing` when there is none, `bad_parameter` when what is there cannot be run.
pub fn find(program: &str, dir: &Path, path: Option<&OsStr>) -> Result<PathBuf, Failure> {
    if program.is_empty() || program.contains('\0') {
        return Err(Failure::new(Class::BadParameter, "the program has no name"));
    }
    if program.contains('/') {
        let whole = dir.join(program);
        return match std::fs::metadata(&whole) {
            Err(e) => Err(Failure::new(
                Class::Missing,
                format!(
                    "the program `{program}` cannot be found in {}: {e}",
                    dir.display()
                ),
            )),
            Ok(meta) if !meta.is_file() => Err(Failure::new(
                Class::BadParameter,
                format!("`{program}` is not a program but a folder or device"),
            )),
            Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
                Err(
                    Failure::new(Class::BadParameter, format!("`{program}` is not executable")).help(
                        format!("chmod +x {program}, or name its interpreter: [python3, {program}]"),
                    ),
                )
            }
            Ok(_) => Ok(whole),
        };
    }
    let folders: Vec<PathBuf> = path
        .map(|p| std::env::split_paths(p).filter(|f| f.is_absolute()).collect())
        .unwrap_or_default();
    let found = folders.iter().map(|folder| folder.join(program)).find(|file| {
        std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    });
    found.ok_or_else(|| {
        let failure = Failure::new(
            Class::Missing,
            format!("the program `{program}` is not installed: it is in no folder of PATH"),
        );
        let names: Vec<String> = folders
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten().take(5000))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        match diag::closest(program, names.iter().map(String::as_str)) {
            Some(near) => failure.help(format!(
                "did you mean `{near}`? Otherwise install it, or give its path"
            )),
            None => failure.help("install it, or give its path"),
        }
    })
}
