//! A recorded run together with its specs as they are now.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::load::{self, Loaded};
use super::options::{Scope, Values};
use super::output::Output;
use super::report::root;
use super::{Cli, Exit, Verb, run, runs, with_default_verb};
use crate::action::Registry;
use crate::engine::journal::Journal;
use crate::event::{EventKind, RunInfo};
use crate::tools::MASK;

/// Which run, and which of its specs.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The run: its id, its directory, or `last`.
    #[arg(default_value = "last")]
    pub run: String,
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// Where runs are recorded; `.specrun/runs` without it.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
}

impl Which {
    /// The run and a plan of the specs as they are now; without paths those of the run, with the values it was given.
    ///
    /// # Errors
    /// The exit code, after everything that is wrong was said.
    pub fn open(&self, registry: &Registry, output: Output) -> Result<(Journal, Loaded), Exit> {
        let journal = journal(&self.run, self.run_dir.as_deref(), output)?;
        let info = info(&journal).ok_or_else(|| {
            output.error("the journal does not say what was run");
            Exit::Usage
        })?;
        let given = given(info);
        let mut scope = self.scope.clone();
        if scope.paths.is_empty() {
            scope.paths = info.specs.iter().map(|s| PathBuf::from(&s.place.file)).collect();
            scope.paths.dedup();
        }
        let mut values = self.values.clone();
        values.env = values.env.or(given.values.env);
        for (name, value) in given.values.set {
            let known = values.set.iter().any(|(n, _)| *n == name);
            if !known && !value.contains(MASK) {
                values.set.push((name, value));
            }
        }
        let loaded = load::look(&scope, &values, registry).map_err(|refused| refused.say(output))?;
        output.diagnostics(&loaded.warnings, &loaded.sources);
        Ok((journal, loaded))
    }
}

/// The journal of a run.
///
/// # Errors
/// The exit code, after it was said why there is none.
pub fn journal(run: &str, run_dir: Option<&Path>, output: Output) -> Result<Journal, Exit> {
    let root = root(run_dir, output)?;
    match runs::read(run, &root, output) {
        Ok((_, journal)) => Ok(journal),
        Err(e) => {
            output.error(&e);
            Err(Exit::Usage)
        }
    }
}

/// What the run says of itself.
#[must_use]
pub fn info(journal: &Journal) -> Option<&RunInfo> {
    journal.events.iter().find_map(|e| match &e.kind {
        EventKind::RunStarted { run } => Some(run),
        _ => None,
    })
}

/// The command line of a run, read again. A run that was itself a rerun has its environment at least.
#[must_use]
pub fn given(info: &RunInfo) -> run::Args {
    let words = with_default_verb(info.argv.iter().map(Into::into).collect());
    if let Ok(Cli {
        verb: Verb::Run(args),
        ..
    }) = Cli::try_parse_from(words)
    {
        return *args;
    }
    run::Args {
        values: Values {
            env: info.environment.clone(),
            set: Vec::new(),
        },
        ..run::Args::default()
    }
}
