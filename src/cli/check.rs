//! `specrun check`: everything that can be known before a run, without a network.

use serde_json::{Value, json};

use super::Exit;
use super::load::{self, count};
use super::options::{Scope, Values};
use super::output::Output;
use crate::action::Registry;
use crate::diag::{Diagnostic, Severity};
use crate::event::Place;
use crate::report::github::{Annotation, Level, annotations};
use crate::source::Sources;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// How to say it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Also as annotations of GitHub Actions, on standard output.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub report: Vec<Report>,
    /// Warnings are mistakes too.
    #[arg(long)]
    pub deny_warnings: bool,
    /// The specs come from a stranger. `check` never runs anything, so nothing changes.
    #[arg(long)]
    pub untrusted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// Annotations at the lines of the files.
    Github,
}

/// What was found, in whatever way it ended.
struct Found {
    exit: Exit,
    sources: Sources,
    diagnostics: Vec<Diagnostic>,
    message: Option<String>,
    files: usize,
    specs: usize,
    checks: usize,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let loaded = load::look(&args.scope, &args.values, registry);
    let mut found = match loaded {
        Ok(loaded) => Found {
            exit: Exit::Passed,
            checks: loaded.plan.specs.iter().map(|s| s.check_infos().len()).sum(),
            specs: loaded.plan.specs.len(),
            sources: loaded.sources,
            diagnostics: loaded.warnings,
            message: None,
            files: loaded.files,
        },
        Err(refused) => Found {
            exit: refused.exit,
            sources: refused.sources,
            diagnostics: refused.diagnostics,
            message: refused.message,
            files: refused.files,
            specs: 0,
            checks: 0,
        },
    };
    if args.deny_warnings && found.exit == Exit::Passed && !found.diagnostics.is_empty() {
        found.exit = Exit::Invalid;
    }
    match args.format {
        Format::Text => found.say(output),
        Format::Json => output.out(&format!("{:#}\n", found.json())),
    }
    if args.report.contains(&Report::Github) {
        output.out(&found.annotations());
    }
    found.exit
}

impl Found {
    fn say(&self, output: Output) {
        output.diagnostics(&self.diagnostics, &self.sources);
        if let Some(message) = &self.message {
            output.error(message);
        }
        let of = |severity| self.diagnostics.iter().filter(|d| d.severity == severity).count();
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        let mut parts = Vec::new();
        if errors > 0 {
            parts.push(count(errors, "mistake"));
        }
        if warnings > 0 {
            parts.push(count(warnings, "warning"));
        }
        let files = count(self.files, "file");
        if parts.is_empty() && self.exit == Exit::Passed {
            let (specs, checks) = (count(self.specs, "spec"), count(self.checks, "check"));
            output.out(&format!("{files}, {specs}, {checks}: no mistakes\n"));
        } else if !parts.is_empty() {
            output.out(&format!("{files}: {}\n", parts.join(", ")));
        }
    }

    fn json(&self) -> Value {
        json!({
            "format": 1,
            "ok": self.exit == Exit::Passed,
            "exit_code": self.exit.code(),
            "message": self.message,
            "files": self.files,
            "specs": self.specs,
            "checks": self.checks,
            "diagnostics": self.diagnostics.iter().map(|d| json_of(d, &self.sources)).collect::<Vec<_>>(),
        })
    }

    fn annotations(&self) -> String {
        let all: Vec<Annotation> = self
            .diagnostics
            .iter()
            .map(|d| Annotation {
                level: match d.severity {
                    Severity::Error => Level::Error,
                    Severity::Warning => Level::Warning,
                },
                place: place(d, &self.sources),
                title: format!("{}: {}", d.code.id(), d.code.title()),
                message: match &d.help {
                    Some(help) => format!("{}\nhelp: {help}", d.message),
                    None => d.message.clone(),
                },
            })
            .collect();
        annotations(&all)
    }
}

fn place(d: &Diagnostic, sources: &Sources) -> Option<Place> {
    let Some(label) = d.labels.first() else {
        return d.path.as_ref().map(|path| Place {
            file: path.display().to_string(),
            line: 1,
            col: 1,
        });
    };
    let at = sources.line_col(label.span);
    Some(Place {
        file: sources.path(label.span.source).display().to_string(),
        line: at.line,
        col: at.col,
    })
}

fn json_of(d: &Diagnostic, sources: &Sources) -> Value {
    let labels: Vec<Value> = d
        .labels
        .iter()
        .map(|label| {
            let at = sources.line_col(label.span);
            json!({
                "file": sources.path(label.span.source).display().to_string(),
                "line": at.line,
                "col": at.col,
                "start": label.span.start,
                "end": label.span.end,
                "text": label.text,
            })
        })
        .collect();
    json!({
        "code": d.code.id(),
        "severity": match d.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": d.message,
        "help": d.help,
        "path": d.path.as_ref().map(|p| p.display().to_string()),
        "labels": labels,
    })
}
