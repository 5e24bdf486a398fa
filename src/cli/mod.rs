//! The command line: one file per verb. The only place that joins the table of actions, the engine and the reports,
//! and the only one that prints.

mod args;
pub mod check;
pub mod docs;
mod exit;
mod explain;
pub mod list;
pub mod load;
pub mod matrix;
mod new;
pub mod options;
mod output;

mod schema;
pub mod schemas;

pub use args::{Cli, Verb, with_default_verb};
pub use exit::Exit;
pub use output::{Color, Output};

use clap::Parser;

use crate::actions::REGISTRY;

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> std::process::ExitCode {
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
        Verb::Check(args) => check::run(args, &REGISTRY, output),
        Verb::List(args) => list::run(args, &REGISTRY, output),
        Verb::Matrix(args) => matrix::run(args, &REGISTRY, output),
        Verb::Explain(args) => explain::run(args, &REGISTRY, output),
        Verb::New(args) => new::run(args, output),
        Verb::Schema(args) => schema::run(args, &REGISTRY, output),
    }
}
