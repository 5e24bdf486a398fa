//! The readers of a run's events: the console and the reports that were asked for.

use std::io::IsTerminal;

use super::prepare::Settings;
use crate::cli::output::Output;
use crate::event::Sink;
use crate::report::{self, Console, ConsoleOptions, Target};

/// Opens them all; files are tried now rather than after an hour of running.
///
/// # Errors
/// When a report cannot be written where it shall go.
pub(super) fn open(settings: &Settings, output: Output) -> std::io::Result<Vec<Box<dyn Sink>>> {
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(console(settings, output))];
    if !settings.reports.is_empty() {
        sinks.push(report::open_all(&settings.reports, &options(settings))?);
    }
    Ok(sinks)
}

fn options(settings: &Settings) -> report::Options {
    report::Options {
        strict: settings.strict,
        fail_on: settings.fail_on,
        step_summary: std::env::var_os("GITHUB_STEP_SUMMARY")
            .filter(|v| !v.is_empty())
            .map(Into::into),
    }
}

/// A report on standard output has it for itself; the console then speaks on standard error.
fn console(settings: &Settings, output: Output) -> Console {
    let taken = settings.reports.iter().any(|r| r.target == Target::Stdout);
    let progress: Option<Box<dyn std::io::Write + Send>> = std::io::stderr()
        .is_terminal()
        .then(|| Box::new(std::io::stderr()) as _);
    Console::new(ConsoleOptions {
        out: if taken {
            Box::new(std::io::stderr())
        } else {
            Box::new(std::io::stdout())
        },
        progress,
        color: if taken {
            output.stderr_colored()
        } else {
            output.stdout_colored()
        },
        verbose: settings.verbose,
        quiet: settings.quiet,
        width: width(),
    })
}

/// Columns of the terminal, as shells tell them.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.filter(|c| *c >= 40).unwrap_or(100)
}
