//! The rules of the house that the compiler does not know: which module may name which, where input and output may
//! happen, what code may not do, and how large a file may grow. Read as text, without comments and string contents.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Each module may name those before it.
const ORDER: [&str; 12] = [
    "source", "diag", "value", "stats", "check", "event", "tools", "action", "spec", "plan", "engine",
    "evidence",
];
/// Modules beside the order, with all they may name.
const BESIDE: [(&str, &[&str]); 3] = [
    (
        "evidence",
        &[
            "source", "diag", "value", "stats", "check", "event", "action", "spec", "plan",
        ],
    ),
    (
        "actions",
        &["diag", "value", "stats", "check", "event", "tools", "action"],
    ),
    ("report", &["diag", "value", "check", "event"]),
];
/// Modules that never wait: no runtime in them.
const WITHOUT_RUNTIME: [&str; 10] = [
    "source", "diag", "value", "stats", "check", "event", "spec", "plan", "evidence", "report",
];
/// Modules that reach nothing outside at all.
const PURE: [&str; 7] = ["source", "diag", "value", "stats", "check", "event", "plan"];
/// The longest file, in lines.
const LONGEST: usize = 800;

/// A source file with what the rules look at.
struct File {
    path: PathBuf,
    /// `src/<module>`: the top-level module it belongs to.
    module: String,
    /// Module path from the crate's root: `["check", "decide", "shown"]`.
    place: Vec<String>,
    raw: String,
    /// Without comments and contents of strings, and without what is only compiled for tests.
    code: String,
}

impl File {
    fn at(&self, offset: usize) -> String {
        let line = self.code[..offset].matches('\n').count() + 1;
        format!("{}:{line}", self.path.display())
    }
}

#[test]
fn modules_name_only_what_stands_before_them() {
    let mut wrong = String::new();
    let files = sources();
    for file in &files {
        let Some(allowed) = allowed(&file.module) else {
            continue;
        };
        for (offset, named) in names(file) {
            if named != file.module && is_module(&files, &named) && !allowed.contains(named.as_str()) {
                let _ = writeln!(
                    wrong,
                    "{}: `{}` may not name `{named}`",
                    file.at(offset),
                    file.module
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn only_modules_with_io_know_the_runtime() {
    let mut wrong = String::new();
    for file in sources() {
        if WITHOUT_RUNTIME.contains(&file.module.as_str()) {
            for word in ["tokio::", "reqwest::", "async fn", "async move", ".await"] {
                if let Some(at) = file.code.find(word) {
                    let _ = writeln!(wrong, "{}: `{}` has `{word}`", file.at(at), file.module);
                }
            }
        }
        if PURE.contains(&file.module.as_str()) {
            for word in [
                "std::fs",
                "std::net",
                "std::process",
                "std::env",
                "SystemTime::now",
                "Instant::now",
            ] {
                if let Some(at) = file.code.find(word) {
                    let _ = writeln!(wrong, "{}: `{}` has `{word}`", file.at(at), file.module);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn nothing_prints_but_the_command_line_and_nothing_panics() {
    let mut wrong = String::new();
    for file in sources() {
        let mut banned = vec![".unwrap()", "panic!(", "dbg!(", "unimplemented!("];
        if file.module != "cli" {
            banned.extend(["println!(", "eprintln!(", "print!(", "eprint!("]);
        }
        for word in banned {
            for (at, _) in file.code.match_indices(word) {
                if !file.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    let _ = writeln!(wrong, "{}: `{word}`", file.at(at));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut wrong = String::new();
    for file in sources() {
        let lines = file.raw.lines().count();
        if lines >= LONGEST {
            let _ = writeln!(wrong, "{}: {lines} lines, split it", file.path.display());
        }
        let is_test = file.path.ends_with("tests.rs") || file.path.iter().any(|p| p == "tests");
        if !is_test && file.module != "main" && !file.raw.starts_with("//!") {
            let _ = writeln!(wrong, "{}: begins without `//!`", file.path.display());
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn names_say_what_a_thing_is() {
    let mut wrong = String::new();
    for file in sources() {
        for word in ["Manager", "Helper", "Util", "Utils"] {
            for kind in ["struct", "enum", "trait", "type"] {
                for (at, _) in file.code.match_indices(&format!("{kind} ")) {
                    let name: String = file.code[at + kind.len() + 1..]
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    if name.ends_with(word) {
                        let _ = writeln!(wrong, "{}: `{name}`", file.at(at));
                    }
                }
            }
        }
        let stem = file.path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if ["util", "utils", "helper", "helpers", "common", "misc"].contains(&stem) {
            let _ = writeln!(wrong, "{}: the name says nothing", file.path.display());
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The rules read text, so the reading is tested: a planted mistake is seen, a mention in words is not.
#[test]
fn a_planted_mistake_is_seen() {
    let file = |code: &str| File {
        path: PathBuf::from("src/check/decide/x.rs"),
        module: "check".to_owned(),
        place: ["check", "decide", "x"].map(str::to_owned).to_vec(),
        raw: code.to_owned(),
        code: strip(code),
    };
    let named = |code: &str| names(&file(code)).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
    assert_eq!(named("use crate::engine::run;"), ["engine"]);
    assert_eq!(
        named("use crate::{value::Value, plan::{self, Plan}};"),
        ["value", "plan"]
    );
    assert_eq!(named("use super::super::super::report::html;"), ["report"]);
    assert_eq!(named("use super::shown;"), ["check"]);
    assert_eq!(
        named("// crate::engine\n/* crate::plan */ let s = \"crate::cli\"; let c = '\"'; crate::spec::x()"),
        ["spec"]
    );
    assert_eq!(
        named("let r = r#\"crate::cli \" \"#; let l: &'a str = crate::value::x;"),
        ["value"]
    );
    assert_eq!(
        named("fn f() {}\n#[cfg(test)]\nmod tests { use crate::cli; }\nuse crate::stats;"),
        ["stats"]
    );
}

fn allowed(module: &str) -> Option<BTreeSet<&'static str>> {
    if let Some((_, names)) = BESIDE.iter().find(|(m, _)| *m == module) {
        return Some(names.iter().copied().collect());
    }
    match module {
        "main" => Some(BTreeSet::from(["cli"])),
        // The crate's root and the command line join everything.
        "lib" | "cli" => None,
        _ => {
            let at = ORDER.iter().position(|m| *m == module);
            assert!(at.is_some(), "src/{module} has no place in the order of modules");
            Some(ORDER[..at.unwrap_or(0)].iter().copied().collect())
        }
    }
}

fn is_module(files: &[File], name: &str) -> bool {
    files.iter().any(|f| f.module == name)
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<File> = walkdir::WalkDir::new(root.join("src"))
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.path().extension().is_some_and(|x| x == "rs"))
        .map(|e| read(root, e.path()))
        .collect();
    assert!(files.len() > 30, "only {} source files were found", files.len());
    files
}

fn read(root: &Path, path: &Path) -> File {
    let relative = path.strip_prefix(root).unwrap().to_owned();
    let mut place: Vec<String> = relative
        .with_extension("")
        .iter()
        .skip(1)
        .map(|p| p.to_string_lossy().into_owned())
        .collect();
    if place.last().is_some_and(|l| l == "mod") {
        place.pop();
    }
    let raw = std::fs::read_to_string(path).unwrap();
    let only_tests =
        relative.ends_with("tests.rs") || relative.iter().any(|p| p == "tests") || is_behind_test(path);
    File {
        module: place[0].clone(),
        code: if only_tests { String::new() } else { strip(&raw) },
        place,
        raw,
        path: relative,
    }
}

/// Whether the module above says that a file is only compiled for tests.
fn is_behind_test(path: &Path) -> bool {
    let above = std::fs::read_to_string(path.with_file_name("mod.rs")).unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    above.contains(&format!("#[cfg(test)]\nmod {name};"))
}

/// The top-level modules a file names, through `crate::` and through `super::`.
fn names(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in file.code.match_indices("crate::") {
        if file.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &file.code[at + "crate::".len()..];
        found.extend(heads(rest).into_iter().map(|name| (at, name)));
    }
    for (at, _) in file.code.match_indices("super::") {
        if file.code[..at].ends_with("::") || file.code[..at].ends_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let mut rest = &file.code[at..];
        let mut up = 0;
        while let Some(inner) = rest.strip_prefix("super::") {
            rest = inner;
            up += 1;
        }
        // A module inside the file may stand one deeper; naming its own module is no mistake either way.
        if up >= file.place.len() {
            found.extend(heads(rest).into_iter().map(|name| (at, name)));
        } else {
            found.push((at, file.module.clone()));
        }
    }
    found
}

/// The first names of a path or of a group in braces.
fn heads(path: &str) -> Vec<String> {
    let word = |s: &str| -> String {
        s.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![word(path)];
    };
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut fresh = true;
    for (i, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && depth == 0 && !c.is_whitespace() => {
                heads.push(word(&group[i..]));
                fresh = false;
            }
            _ => {}
        }
    }
    heads
}

/// Rust text without comments, contents of strings and items behind `#[cfg(test)]`; line breaks stay.
fn strip(text: &str) -> String {
    without_tests(&without_words(text))
}

fn without_words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    let breaks = |part: &[char]| -> String { part.iter().filter(|c| **c == '\n').collect() };
    while i < chars.len() {
        let rest = &chars[i..];
        let end = if rest.starts_with(&['/', '/']) {
            rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())
        } else if rest.starts_with(&['/', '*']) {
            rest.windows(2)
                .position(|w| w == ['*', '/'])
                .map_or(rest.len(), |p| p + 2)
        } else if let Some(len) = raw_string(&chars, i) {
            len
        } else if rest[0] == '"' {
            let mut j = 1;
            while j < rest.len() && rest[j] != '"' {
                j += if rest[j] == '\\' { 2 } else { 1 };
            }
            (j + 1).min(rest.len())
        } else if rest[0] == '\'' && rest.len() > 2 && (rest[1] == '\\' || rest[2] == '\'') {
            let from = if rest[1] == '\\' { 3 } else { 2 };
            rest[from..]
                .iter()
                .position(|c| *c == '\'')
                .map_or(1, |p| from + p + 1)
        } else {
            out.push(rest[0]);
            i += 1;
            continue;
        };
        let quoted = rest[0] == '"' || rest[0] == 'r' || rest[0] == 'b';
        if quoted {
            out.push('"');
        }
        out.push_str(&breaks(&rest[..end]));
        if quoted {
            out.push('"');
        }
        i += end;
    }
    out
}

/// The length of a raw string that begins at `i`.
fn raw_string(chars: &[char], i: usize) -> Option<usize> {
    if chars[i] != 'r'
        || (i > 0 && (chars[i - 1].is_alphanumeric() || chars[i - 1] == '_') && chars[i - 1] != 'b')
    {
        return None;
    }
    let hashes = chars[i + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(i + 1 + hashes) != Some(&'"') {
        return None;
    }
    let body = i + 2 + hashes;
    let mut end = body;
    while end < chars.len() {
        if chars[end] == '"'
            && chars[end + 1..]
                .iter()
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes
        {
            return Some(end + 1 + hashes - i);
        }
        end += 1;
    }
    Some(chars.len() - i)
}

fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let mut depth = 0;
        let mut end = item.len();
        for (i, c) in item.char_indices().skip(MARK.len()) {
            match c {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        end = i + 1;
                        break;
                    }
                }
                ';' if depth == 0 => {
                    end = i + 1;
                    break;
                }
                _ => {}
            }
        }
        out.extend(item[..end].chars().filter(|c| *c == '\n'));
        rest = &item[end..];
    }
    out.push_str(rest);
    out
}
