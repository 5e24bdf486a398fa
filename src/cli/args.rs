//! What can be written on the command line.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

use super::output::Color;
use super::{
    check, clean, env, explain, import, keep_log, list, matrix, new, plan, prove, replay, report, rerun, run,
    schema,
};

/// Runs declarative tests of machine-learning platforms, and cannot go green by accident.
#[derive(Debug, Parser)]
#[command(
    name = "specrun",
    version,
    max_term_width = 110,
    arg_required_else_help = true
)]
pub struct Cli {
    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs. Without one it is `run`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check everything, then run the specs; the default verb.
    Run(Box<run::Args>),
    /// Check specs without running anything: no network, no mistake overlooked.
    Check(check::Args),
    /// Show what would happen: order, graph, and what it would reach.
    Plan(plan::Args),
    /// List the selected specs, or the actions.
    List(list::Args),
    /// Show the test matrix as Markdown, with the rows that have no spec.
    Matrix(matrix::Args),
    /// Say what a code, an action, a function or the exit codes mean.
    Explain(explain::Args),
    /// Print checks of another tool as a spec.
    Import(import::Args),
    /// Write the first lines of a spec.
    New(new::Args),
    /// Print a JSON Schema: for editors, or of machine-readable output.
    Schema(schema::Args),
    /// Keep the services of an environment up between runs.
    Env(env::Args),
    /// Run again what did not pass in a recorded run.
    Rerun(rerun::Args),
    /// Make any report from a recorded run.
    Report(report::Args),
    /// Evaluate the checks, as they are now, on what a run recorded; nothing is sent.
    Replay(replay::Args),
    /// Make recorded values wrong, and see whether the checks notice.
    Prove(prove::Args),
    /// Remove what killed runs left behind.
    Clean(Box<clean::Args>),
    /// Started by specrun itself, for the log of a service.
    #[command(hide = true)]
    KeepLog(keep_log::Args),
}

/// Puts `run` in front of the first word that is no verb, so that `specrun specs/x.yaml` runs it.
#[must_use]
pub fn with_default_verb(mut words: Vec<OsString>) -> Vec<OsString> {
    let command = Cli::command();
    let is_verb = |word: &str| {
        word == "help"
            || command
                .get_subcommands()
                .any(|c| c.get_name() == word || c.get_all_aliases().any(|a| a == word))
    };
    let mut at = 1;
    while let Some(word) = words.get(at).map(|w| w.to_string_lossy().into_owned()) {
        match word.as_str() {
            "-h" | "--help" | "-V" | "--version" => return words,
            "--color" => at += 2,
            other if other.starts_with("--color=") => at += 1,
            other if is_verb(other) => return words,
            _ => break,
        }
    }
    if at < words.len() && is_verb("run") {
        words.insert(at, OsString::from("run"));
    }
    words
}

/// The names of all verbs.
#[must_use]
pub fn verbs() -> Vec<String> {
    let command = Cli::command();
    command
        .get_subcommands()
        .filter(|c| !c.is_hide_set())
        .map(|c| c.get_name().to_owned())
        .collect()
}
