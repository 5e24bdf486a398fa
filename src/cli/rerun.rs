//! `specrun rerun`: what did not pass in a recorded run, once more, with the options of that run.

use std::path::PathBuf;

use super::options::Partition;
use super::output::Output;
use super::recorded::{given, info, journal};
use super::{Exit, run};
use crate::action::Registry;
use crate::engine::journal::Journal;
use crate::engine::not_passed;
use crate::tools::MASK;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run: its id, its directory, or `last`.
    #[arg(default_value = "last")]
    pub run: String,
    /// Where runs are recorded; `.specrun/runs` without it.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    /// Values for inputs, in place of those of the run.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let journal = match journal(&args.run, args.run_dir.as_deref(), output) {
        Ok(journal) => journal,
        Err(exit) => return exit,
    };
    match again(args, &journal) {
        Ok(None) => {
            output.error("every spec of that run passed; there is nothing to run again");
            Exit::NothingSelected
        }
        Ok(Some(again)) => run::run(&again, registry, output),
        Err(e) => {
            output.error(&e);
            Exit::Usage
        }
    }
}

/// The options of the run, with the specs that did not pass; none when all did.
fn again(args: &Args, journal: &Journal) -> Result<Option<run::Args>, String> {
    let info = info(journal).ok_or("the journal does not say what was run")?;
    let ids = not_passed(journal);
    if ids.is_empty() {
        return Ok(None);
    }
    let mut again = given(info);
    again.scope.paths = info
        .specs
        .iter()
        .filter(|spec| ids.contains(&spec.id))
        .map(|spec| PathBuf::from(&spec.place.file))
        .collect();
    again.scope.paths.dedup();
    let words: Vec<String> = ids.iter().map(|id| format!("id({id})")).collect();
    again.scope.select = Some(words.join(" | "));
    again.scope.partition = again
        .scope
        .partition
        .filter(|p| matches!(p, Partition::All { .. }));
    for text in &args.set {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` sets nothing; write name=value"))?;
        again.values.set.retain(|(n, _)| n != name);
        again.values.set.push((name.to_owned(), value.to_owned()));
    }
    if let Some((name, _)) = again.values.set.iter().find(|(_, value)| value.contains(MASK)) {
        return Err(format!(
            "the run does not record the secret `{name}`; give it again: --set {name}=..."
        ));
    }
    if args.run_dir.is_some() {
        again.run_dir.clone_from(&args.run_dir);
    }
    Ok(Some(again))
}
