//! `specrun report`: any report, made from a recorded run.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::Exit;
use super::load::{open_project, run_dir};
use super::output::Output;
use super::recorded::journal;
use super::run::FailOn;
use crate::diag::Diagnostics;
use crate::engine::journal::Journal;
use crate::event::{Severity, Sink};
use crate::report::{self, Console, ConsoleOptions};
use crate::source::Sources;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run: its id, its directory, or `last`.
    #[arg(default_value = "last")]
    pub run: String,
    /// A report, as often as wanted: junit=FILE, html=FILE, json, ...; without one what the console showed.
    #[arg(long = "report", visible_alias = "format", value_name = "FORMAT[=FILE]")]
    pub reports: Vec<report::Spec>,
    /// The least severity that fails the run.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Blocked specs are errors in reports.
    #[arg(long)]
    pub strict: bool,
    /// Where runs are recorded; `.specrun/runs` without it.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Show also what passed.
    #[arg(short, long)]
    pub verbose: bool,
}

pub fn run(args: &Args, output: Output) -> Exit {
    let journal = match journal(&args.run, args.run_dir.as_deref(), output) {
        Ok(journal) => journal,
        Err(exit) => return exit,
    };
    match write(args, &journal, output) {
        Ok(()) => Exit::Passed,
        Err(e) => {
            output.error(&e.to_string());
            Exit::ReportNotWritten
        }
    }
}

/// Where runs are recorded.
///
/// # Errors
/// When the project file is wrong, which was said.
pub fn root(option: Option<&std::path::Path>, output: Output) -> Result<PathBuf, Exit> {
    let sources = Sources::new();
    let mut out = Diagnostics::new();
    let project = open_project(&sources, &mut out);
    match project {
        Some(project) if !out.has_errors() => Ok(run_dir(option, &project)),
        _ => {
            output.diagnostics(&out.sorted(), &sources);
            Err(Exit::Invalid)
        }
    }
}

fn write(args: &Args, journal: &Journal, output: Output) -> std::io::Result<()> {
    let mut sink: Box<dyn Sink> = if args.reports.is_empty() {
        Box::new(Console::new(ConsoleOptions {
            out: Box::new(std::io::stdout()),
            progress: None,
            color: output.stdout_colored() && std::io::stdout().is_terminal(),
            verbose: args.verbose,
            quiet: false,
            width: 100,
        }))
    } else {
        let options = report::Options {
            strict: args.strict,
            fail_on: args.fail_on.map_or(Severity::Critical, Severity::from),
            step_summary: None,
        };
        report::open_all(&args.reports, &options)?
    };
    for event in &journal.events {
        sink.event(event)?;
    }
    sink.finish()
}
