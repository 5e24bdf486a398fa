//! `specrun replay`: what the checks, as they are now, say of what was recorded.

use std::fmt::Write as _;

use super::Exit;
use super::output::Output;
use super::recorded::Which;
use crate::action::Registry;
use crate::check::Verdict;
use crate::evidence::{SpecReplay, replay};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub which: Which,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let (journal, loaded) = match args.which.open(registry, output) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let all = replay(&loaded.plan, &journal.events);
    let mut text = String::new();
    for spec in &all {
        text.push_str(&spec.to_string());
    }
    let changed = all
        .iter()
        .filter(|s| s.after.is_some() && s.before != s.after)
        .count();
    let specs = super::load::count(all.len(), "spec");
    let _ = writeln!(
        text,
        "
{specs}: {changed} with another verdict; nothing was sent"
    );
    output.out(&text);
    exit(&all)
}

/// As a run with these verdicts would end; 4 when the run has none of the specs.
fn exit(all: &[SpecReplay]) -> Exit {
    let worst = all.iter().filter_map(|s| s.after).reduce(Verdict::worst);
    match worst {
        None => Exit::NothingSelected,
        Some(Verdict::Passed) if all.iter().any(|s| s.after.is_none()) => Exit::Errored,
        Some(Verdict::Passed) => Exit::Passed,
        Some(Verdict::Failed) => Exit::Failed,
        Some(Verdict::Inconclusive) => Exit::Inconclusive,
        Some(Verdict::Errored | Verdict::Blocked | Verdict::Cancelled) => Exit::Errored,
    }
}
