//! The corpus of mistakes that must never end green: `tests/false_green/NAME.yaml` with what specrun says of it in
//! `NAME.stderr`. Adding a case needs no Rust; `tests/false_green/README.md` says how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use specrun::diag::Code;

/// Exit codes with which a spec is refused before anything runs: invalid, and nothing selected.
const REFUSED: [i32; 2] = [3, 4];

/// A case file taken apart.
struct Case {
    name: String,
    /// `run`, which checks everything before it sends anything.
    verb: String,
    args: Vec<String>,
    /// The exit code of a mistake that only shows while it runs; none for one that is refused before.
    exit: Option<i32>,
    /// Texts that the report of such a run holds.
    says: Vec<String>,
    /// File name and content; the first is the spec itself.
    files: Vec<(String, Vec<u8>)>,
    /// A link and where it leads: what cannot be read cannot be kept in a repository.
    links: Vec<(String, String)>,
}

#[test]
fn no_mistake_ends_green() {
    let update = std::env::var_os("UPDATE").is_some();
    let cases = cases();
    assert!(cases.len() >= 150, "only {} cases were found", cases.len());
    let mut wrong = Vec::new();
    for (case, said) in cases.iter().zip(run_all(&cases)) {
        if let Some(exit) = case.exit {
            assert_ne!(exit, 0, "{}: a mistake cannot end green", case.name);
            let missing: Vec<&String> = case.says.iter().filter(|p| !said.stdout.contains(*p)).collect();
            if said.code != Some(exit) || !missing.is_empty() {
                wrong.push(format!(
                    "{}: exit {:?}, not {exit}; without {missing:?}\n{}{}",
                    case.name, said.code, said.stdout, said.stderr
                ));
            }
            continue;
        }
        let path = folder().join(format!("{}.stderr", case.name));
        if !said.code.is_some_and(|c| REFUSED.contains(&c)) {
            wrong.push(format!("{}: exit {:?}\n{}", case.name, said.code, said.stderr));
        } else if update {
            std::fs::write(&path, &said.stderr).unwrap();
        } else {
            let wanted = std::fs::read_to_string(&path).unwrap_or_default();
            if wanted != said.stderr {
                let diff = similar::TextDiff::from_lines(&wanted, &said.stderr);
                wrong.push(format!("{}: changed\n{}", case.name, diff.unified_diff()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases (UPDATE=1 writes the texts anew; read them before you keep them):\n\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_code_is_met_by_a_case_and_no_text_is_left_over() {
    let names: Vec<String> = cases().into_iter().map(|c| c.name).collect();
    let mut said = String::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "stderr") {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(names.contains(&stem), "{} belongs to no case", path.display());
            said.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|c| c.id())
        .filter(|id| !said.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "no case shows these codes");
}

struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/false_green")
}

/// All cases, by name.
fn cases() -> Vec<Case> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            found.insert(name.clone(), case(name, &std::fs::read(&path).unwrap()));
        }
    }
    found.into_values().collect()
}

/// `# exit: 6` says that the mistake shows only while it runs, and `# says: TEXT` what the report holds then.
/// `# link: NAME TARGET` makes a link beside the files. `# args: ...` are more arguments, `# verb: check` another verb; `# file: NAME` begins another file.
fn case(name: String, bytes: &[u8]) -> Case {
    let mut files = vec![("case.yaml".to_owned(), Vec::new())];
    let mut links = Vec::new();
    let mut args = Vec::new();
    let mut exit = None;
    let mut says = Vec::new();
    let mut verb = "run".to_owned();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let text = String::from_utf8_lossy(line);
        if let Some(file) = text.strip_prefix("# file: ") {
            files.push((file.trim().to_owned(), Vec::new()));
            continue;
        }
        if let Some(more) = text.strip_prefix("# args: ") {
            args.extend(words(more));
        }
        if let Some((name, target)) = text
            .strip_prefix("# link: ")
            .and_then(|l| l.trim().split_once(' '))
        {
            links.push((name.to_owned(), target.to_owned()));
        }
        if let Some(code) = text.strip_prefix("# exit: ") {
            exit = Some(code.trim().parse().unwrap());
        }
        if let Some(part) = text.strip_prefix("# says: ") {
            says.push(part.trim().to_owned());
        }
        if let Some(other) = text.strip_prefix("# verb: ") {
            other.trim().clone_into(&mut verb);
        }
        let (_, content) = files.last_mut().expect("the first file is there from the start");
        content.extend_from_slice(line);
    }
    Case {
        name,
        verb,
        args,
        exit,
        says,
        files,
        links,
    }
}

/// Words at spaces; double quotes keep them together.
fn words(text: &str) -> Vec<String> {
    let parts = text.trim().split('"').enumerate();
    parts
        .flat_map(|(i, part)| {
            if i % 2 == 1 {
                vec![part.to_owned()]
            } else {
                part.split_whitespace().map(str::to_owned).collect()
            }
        })
        .collect()
}

fn run_all(cases: &[Case]) -> Vec<Said> {
    let half = cases.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = cases
            .chunks(half)
            .map(|part| scope.spawn(move || part.iter().map(run).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|p| p.join().unwrap()).collect()
    })
}

/// Runs specrun on a case in a folder of its own, with an environment that is the same everywhere.
fn run(case: &Case) -> Said {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in &case.files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    for (name, target) in &case.links {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }
    let out = Command::new(env!("CARGO_BIN_EXE_specrun"))
        .arg(&case.verb)
        .args(&case.args)
        .arg("case.yaml")
        .current_dir(dir.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir.path())
        .env("CASE_SECRET", "canary-7f3a")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stdout = String::from_utf8(out.stdout).unwrap();
    let stderr = String::from_utf8(out.stderr).unwrap();
    let stderr = stderr.replace(&dir.path().display().to_string(), "DIR");
    for text in [&stdout, &stderr] {
        assert!(
            !text.contains("canary-7f3a"),
            "{} shows a secret:
{text}",
            case.name
        );
    }
    Said {
        code: out.status.code(),
        stdout,
        stderr,
    }
}
