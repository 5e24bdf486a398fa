//! The command line: one file per verb. The only place that joins the table of actions, the engine and the reports,
//! and the only one that prints.

mod args;
mod check;
mod clean;
pub mod docs;
mod env;
mod exit;
mod explain;
mod import;
mod keep_log;
mod list;
mod load;
mod matrix;
mod new;
mod options;
mod output;
pub mod panics;
mod plan;
mod prove;
mod recorded;
mod replay;
mod report;
mod rerun;
mod run;
mod runs;
mod schema;
pub mod schemas;
mod site;
mod tables;
mod worker;

pub use args::{Cli, Verb, verbs, with_default_verb};
pub use exit::Exit;
pub use output::{Color, Output};

use clap::Parser;

use crate::actions::REGISTRY;

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> std::process::ExitCode {
    tables::read_less_ahead();
    panics::install();
    // Whatever is wrong with specrun itself has its own exit code, not that of a failed check.
    std::panic::catch_unwind(from_words).unwrap_or_else(|_| Exit::Internal.into())
}

fn from_words() -> std::process::ExitCode {
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    if let Some(exit) = worker::asked(&arguments) {
        return exit.into();
    }
    let words = with_default_verb(std::env::args_os().collect());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(e) => {
            let exit = if e.use_stderr() { Exit::Usage } else { Exit::Passed };
            // Fails only when the terminal has gone away.
            let _ = e.print();
            return exit.into();
        }
    };
    dispatch(&cli).into()
}

fn dispatch(cli: &Cli) -> Exit {
    let output = Output::new(cli.color);
    match &cli.verb {
        Verb::Run(args) => run::run(args, &REGISTRY, output),
        Verb::Check(args) => check::run(args, &REGISTRY, output),
        Verb::Plan(args) => plan::run(args, &REGISTRY, output),
        Verb::List(args) => list::run(args, &REGISTRY, output),
        Verb::Matrix(args) => matrix::run(args, &REGISTRY, output),
        Verb::Explain(args) => explain::run(args, &REGISTRY, output),
        Verb::Import(args) => import::run(args, output),
        Verb::New(args) => new::run(args, output),
        Verb::Schema(args) => schema::run(args, &REGISTRY, output),
        Verb::Env(args) => env::run(args, &REGISTRY, output),
        Verb::Rerun(args) => rerun::run(args, &REGISTRY, output),
        Verb::Report(args) => report::run(args, output),
        Verb::Replay(args) => replay::run(args, &REGISTRY, output),
        Verb::Prove(args) => prove::run(args, &REGISTRY, output),
        Verb::Clean(args) => clean::run(args, &REGISTRY, output),
        Verb::KeepLog(args) => keep_log::run(args),
    }
}
