//! From paths, folders and patterns to spec files.
//!
//! Whoever names something means it: a path that does not exist, a folder without a spec and a pattern without a match
//! are mistakes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::diag::{Code, Diagnostic, Diagnostics, closest};

/// The name of the project file, which is no spec wherever it stands.
pub const PROJECT_FILE: &str = "specrun.yaml";

/// The spec files that `wanted` names, each once: in the order of `wanted`, below one of them in the order of paths.
///
/// A file that is named is taken whatever it is. Below folders and patterns, environment files and Kubernetes manifests
/// are left out; everything else in YAML must be a spec.
pub fn find(wanted: &[PathBuf], out: &mut Diagnostics) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    for path in wanted {
        let found = if path.is_file() {
            vec![path.clone()]
        } else if path.is_dir() {
            walk(path, out, |_| true)
        } else if is_pattern(path) {
            pattern(path, out)
        } else {
            missing(path, out);
            continue;
        };
        if found.is_empty() && !out.has_errors() {
            let what = if path.is_dir() {
                "the folder"
            } else {
                "the pattern"
            };
            out.push(
                Diagnostic::error(
                    Code::NoSuchPath,
                    format!("{what} `{}` holds no spec", path.display()),
                )
                .path(path)
                .help("a spec is a file that ends in .yaml or .yml and begins with `specrun: 1`"),
            );
        }
        for file in found {
            let same = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(same) {
                all.push(file);
            }
        }
    }
    all
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '[', '{'])
}

fn missing(path: &Path, out: &mut Diagnostics) {
    let folder = match path.parent() {
        Some(p) if p.as_os_str().is_empty() => Path::new("."),
        Some(p) => p,
        None => Path::new("."),
    };
    let siblings: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let near = closest(&name, siblings.iter().map(String::as_str));
    out.push(
        Diagnostic::error(Code::NoSuchPath, format!("there is no `{}`", path.display()))
            .path(path)
            .maybe_help(near.map(|n| format!("did you mean `{}`?", path.with_file_name(n).display()))),
    );
}

fn pattern(path: &Path, out: &mut Diagnostics) -> Vec<PathBuf> {
    let text = path.to_string_lossy();
    let matcher: GlobMatcher = match GlobBuilder::new(&text).literal_separator(true).build() {
        Ok(glob) => glob.compile_matcher(),
        Err(e) => {
            out.push(
                Diagnostic::error(
                    Code::NoSuchPath,
                    format!("`{text}` is not a pattern: {}", e.kind()),
                )
                .path(path),
            );
            return Vec::new();
        }
    };
    let mut start = PathBuf::new();
    for part in path.components() {
        if is_pattern(Path::new(part.as_os_str())) {
            break;
        }
        start.push(part);
    }
    let here = start.as_os_str().is_empty();
    if !here && !start.is_dir() {
        missing(&start, out);
        return Vec::new();
    }
    let from = if here { Path::new(".") } else { &start };
    walk(from, out, |found| matcher.is_match(found))
}

/// Spec files below a folder in the order of paths; hidden files and folders are left out.
fn walk(folder: &Path, out: &mut Diagnostics, takes: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let hidden = |e: &walkdir::DirEntry| e.depth() > 0 && e.file_name().to_string_lossy().starts_with('.');
    let mut found = Vec::new();
    for entry in WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|e| !hidden(e))
    {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().unwrap_or(folder).to_owned();
                let why = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                out.push(
                    Diagnostic::error(
                        Code::Unreadable,
                        format!("looking for specs in {}: {why}", folder.display()),
                    )
                    .path(path),
                );
                continue;
            }
        };
        let path = entry.path();
        let path = path.strip_prefix("./").unwrap_or(path);
        let ends_in = |known: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(known));
        if entry.file_type().is_file()
            && (ends_in("yaml") || ends_in("yml"))
            && takes(path)
            && entry.file_name() != PROJECT_FILE
            && may_be_spec(path)
        {
            found.push(path.to_owned());
        }
    }
    found
}

/// Whether a file found by looking around has to be a spec. Environment files and Kubernetes manifests say at the left
/// margin what they are; a file that cannot be read is left to the reader, which says why.
fn may_be_spec(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else {
        return true;
    };
    let has = |key: &str| {
        bytes
            .split(|b| *b == b'\n')
            .any(|line| line.starts_with(key.as_bytes()))
    };
    let spec = has("specrun:") || has("steps:") || has("expect:");
    spec || !(has("environment:") || has("apiVersion:"))
}

/// A hint for a name that is no path: perhaps a verb was meant.
#[must_use]
pub fn verb_meant(path: &Path, verbs: &[String]) -> Option<String> {
    let word = path.to_str()?;
    let like_a_verb = !word.contains(['/', '.', '*']) && !path.exists();
    like_a_verb
        .then(|| closest(word, verbs.iter().map(String::as_str)))?
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::diag::{Code, Diagnostics};
    use std::path::PathBuf;

    fn names(folder: &std::path::Path, wanted: &[&str]) -> (Vec<String>, Vec<Code>) {
        let mut out = Diagnostics::new();
        let wanted: Vec<PathBuf> = wanted.iter().map(|w| folder.join(w)).collect();
        let found = find(&wanted, &mut out);
        let found = found
            .iter()
            .map(|p| p.strip_prefix(folder).unwrap().to_str().unwrap().to_owned())
            .collect();
        (found, out.sorted().iter().map(|d| d.code).collect())
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("b/two.yaml", "specrun: 1\n"),
            ("b/one.yml", "specrun: 1\n"),
            ("b/typo.yaml", "spcrun: 1\n"),
            ("b/lab.yaml", "environment: lab\n"),
            ("b/deploy.yaml", "apiVersion: v1\nkind: Pod\n"),
            ("b/notes.txt", ""),
            ("b/.hidden/x.yaml", "specrun: 1\n"),
            ("specrun.yaml", "specrun: 1\n"),
            ("empty/readme.md", ""),
            ("loud/T01.YAML", "specrun: 1\n"),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn folders_and_patterns_are_searched_in_order_and_each_file_comes_once() {
        let dir = folder();
        let all = ["b/one.yml", "b/two.yaml", "b/typo.yaml"];
        assert_eq!(names(dir.path(), &["."]).1, []);
        assert_eq!(names(dir.path(), &["b"]).0, all);
        assert_eq!(names(dir.path(), &["b/t*.yaml"]).0, ["b/two.yaml", "b/typo.yaml"]);
        assert_eq!(names(dir.path(), &["**/*.y*ml"]).0, all);
        assert_eq!(
            names(dir.path(), &["b/two.yaml", "b"]).0,
            ["b/two.yaml", "b/one.yml", "b/typo.yaml"]
        );
        // A spec that is passed over in silence would be missed by nobody.
        assert_eq!(names(dir.path(), &["loud"]).0, ["loud/T01.YAML"]);
        // Who names a file means it.
        assert_eq!(names(dir.path(), &["b/lab.yaml"]).0, ["b/lab.yaml"]);
    }

    #[test]
    fn naming_nothing_is_a_mistake() {
        let dir = folder();
        for wanted in [
            "nowhere",
            "b/onee.yml",
            "empty",
            "b/x*.yaml",
            "nowhere/*.yaml",
            "b/[.yaml",
        ] {
            assert_eq!(
                names(dir.path(), &[wanted]),
                (vec![], vec![Code::NoSuchPath]),
                "{wanted}"
            );
        }
    }
}
