//! Blocks of the pages: YAML can be read, whole specs are checked, outputs are those of the program.
//!
//! A block of `yaml` with `specrun: 1` and an `id` is a whole spec and must have no mistake; `yaml wrong` must have one.
//! On one page, `<!-- output of: COMMAND -->` before a `text` block runs the command in a folder with the page's last spec
//! and compares; times, run ids and seeds may differ. `UPDATE=1` writes the outputs anew.

use std::fs;
use std::path::Path;

use specrun::source::{Sources, read};

use super::{pages, root};
use crate::support::specrun::Project;

#[test]
fn yaml_is_right_and_outputs_are_true() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    let (mut specs, mut outputs) = (0, 0);
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let shown = page.strip_prefix(root()).unwrap().to_owned();
        let mut told = Page {
            shown: &shown,
            project: Project::new(),
            place: None,
            spec: String::new(),
            wrong: &mut wrong,
            specs: 0,
            outputs: 0,
        };
        let new = told.go(&text);
        specs += told.specs;
        outputs += told.outputs;
        if new != text {
            if update {
                fs::write(&page, new).unwrap();
            } else {
                wrong.push(format!(
                    "{}: an output is not what is printed (UPDATE=1 writes it)",
                    shown.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        specs >= 4 && outputs >= 4,
        "{specs} specs and {outputs} outputs were found"
    );
}

struct Page<'a> {
    shown: &'a Path,
    project: Project,
    /// Where the next spec shall lie, and where the last one lies.
    place: Option<String>,
    spec: String,
    wrong: &'a mut Vec<String>,
    specs: usize,
    outputs: usize,
}

impl Page<'_> {
    /// The page with true outputs.
    fn go(&mut self, text: &str) -> String {
        let mut new = String::new();
        let mut lines = text.lines();
        let mut command: Option<String> = None;
        while let Some(line) = lines.next() {
            new.push_str(line);
            new.push('\n');
            if let Some(comment) = line.strip_prefix("<!-- output of: ") {
                command = comment.strip_suffix(" -->").map(str::to_owned);
            } else if let Some(comment) = line.strip_prefix("<!-- spec: ") {
                self.place = comment.strip_suffix(" -->").map(str::to_owned);
            } else if let Some(kind) = line.strip_prefix("```") {
                let body: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
                let body = body.join("\n");
                let body = if let Some(command) = command.take() {
                    self.output(&command, &body)
                } else {
                    self.block(kind, &body);
                    body
                };
                new.push_str(&body);
                if !body.is_empty() {
                    new.push('\n');
                }
                new.push_str("```\n");
            } else if line.starts_with('`') && line.ends_with(".yaml`:") {
                // `specs/D01_rows.yaml`:
                self.place = Some(line.trim_matches(['`', ':']).to_owned());
            }
        }
        new
    }

    fn block(&mut self, kind: &str, body: &str) {
        if kind != "yaml" && kind != "yaml wrong" {
            return;
        }
        let whole =
            body.lines().any(|l| l.starts_with("specrun: 1")) && body.lines().any(|l| l.starts_with("id:"));
        if !whole {
            let sources = Sources::new();
            let id = sources.add(self.shown, body);
            if let Err(e) = read(&sources, id) {
                self.wrong
                    .push(format!("{}: {}\n{body}", self.shown.display(), e.message));
            }
            return;
        }
        self.specs += 1;
        if let Some(place) = self.place.take() {
            if !self.spec.is_empty() && self.spec != place {
                fs::remove_file(self.project.path().join(&self.spec)).unwrap();
            }
            self.spec = place;
        } else if self.spec.is_empty() {
            "specs/page.yaml".clone_into(&mut self.spec);
        }
        self.project.file(&self.spec.clone(), &format!("{body}\n"));
        let ran = self.project.run(&["check", &self.spec]);
        let want = if kind == "yaml" { 0 } else { 3 };
        if ran.code != want {
            let message = format!(
                "{}: check ends with {}:\n{}",
                self.shown.display(),
                ran.code,
                ran.stderr
            );
            self.wrong.push(message);
        }
    }

    /// What the command prints, or what the page says when they differ in times only.
    fn output(&mut self, command: &str, written: &str) -> String {
        self.outputs += 1;
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let ran = self.project.run(&words);
        let printed = format!("{}{}", ran.stderr, ran.stdout);
        let printed = printed.trim_end().to_owned();
        if timeless(&printed) == timeless(written) {
            written.to_owned()
        } else {
            printed
        }
    }
}

/// Without durations, run ids and seeds.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if line.starts_with("run ") && line.contains(", seed ") {
            out.push_str("run\n");
            continue;
        }
        let words: Vec<&str> = line
            .split(' ')
            .map(|w| if is_time(w) { "TIME" } else { w })
            .collect();
        out.push_str(&words.join(" "));
        out.push('\n');
    }
    out
}

fn is_time(word: &str) -> bool {
    let number = word.strip_suffix("ms").or_else(|| word.strip_suffix('s'));
    number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit() || c == '.'))
}
