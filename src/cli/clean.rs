//! `specrun clean`: removes what killed runs left behind.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Exit;
use super::load::{self, open_project, run_dir};
use super::options::{Powers, Values, duration};
use super::output::Output;
use super::run::heard;
use super::site::{cache, root, states};
use crate::action::Registry;
use crate::diag::Diagnostics;
use crate::engine::services::Lease;
use crate::engine::{CleanOptions, clean};
use crate::source::Sources;
use crate::spec::Project;
use crate::spec::environment::{self, Environment, Resolved};
use crate::tools::{Redactor, Tools};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub values: Values,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How long one cleanup may take; 60s without it.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Where runs are recorded; `.specrun/runs` without it.
    #[arg(long, value_name = "DIR")]
    pub run_dir: Option<PathBuf>,
    #[command(flatten)]
    pub powers: Powers,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let sources = Sources::new();
    let mut out = Diagnostics::new();
    let Some(project) = open_project(&sources, &mut out) else {
        output.diagnostics(&out.sorted(), &sources);
        return Exit::Invalid;
    };
    let environment = args.values.env.as_deref().and_then(|name| {
        let file = project.environment(name, &mut out)?;
        environment::read(&sources, &file, registry, &mut out)
    });
    let grants = args.powers.grants(&sources, &mut out);
    let resolved = environment
        .as_ref()
        .map(|e| resolve(e, &project, &mut out, output));
    if out.has_errors() {
        output.diagnostics(&out.sorted(), &sources);
        return Exit::Invalid;
    }
    let resolved = resolved.unwrap_or_default();
    let runs = run_dir(args.run_dir.as_deref(), &project);
    let tools = Tools::new(
        resolved.endpoints,
        grants,
        Redactor::new(&resolved.secrets),
        "clean",
    )
    .rooted(&[&root(&project), &states(&project)], &[&runs]);
    let options = CleanOptions {
        dry_run: args.dry_run,
        timeout: args.timeout.unwrap_or(CleanOptions::default().timeout),
    };
    heard(output, |control, _| {
        match clean(&runs, registry, &Arc::new(tools), &options, control) {
            Ok(all) => tell(&all, args.dry_run, output),
            Err(e) => {
                output.error(&format!("looking for runs in {}: {e}", runs.display()));
                Exit::Errored
            }
        }
    })
}

fn tell(all: &[crate::engine::Cleaned], dry_run: bool, output: Output) -> Exit {
    let mut left = 0;
    let would = if dry_run { "would be " } else { "" };
    for run in all {
        if run.processes > 0 {
            let processes = if run.processes == 1 {
                "process"
            } else {
                "processes"
            };
            output.out(&format!(
                "{}: {} {processes} {would}ended\n",
                run.run.0, run.processes
            ));
        }
        for undone in &run.undone {
            output.out(&format!(
                "{}: {would}undone: {} ({})\n",
                run.run.0, undone.id, undone.action
            ));
        }
        for thing in &run.left {
            left += 1;
            output.out(&format!("{}: LEFT: {}: {}\n", run.run.0, thing.what, thing.why));
        }
    }
    if all.is_empty() {
        output.out("nothing to clean\n");
    }
    if left > 0 {
        output.err(&format!(
            "specrun: {} could not be removed\n",
            load::count(left, "thing")
        ));
        return Exit::CleanupIncomplete;
    }
    Exit::Passed
}

/// Endpoints and secrets. Services are used when they are up; they are not started for cleaning, since those a run
/// started itself have gone with it.
fn resolve(environment: &Environment, project: &Project, out: &mut Diagnostics, output: Output) -> Resolved {
    let all = environment.all_services();
    let lease = Lease::of_what_is_up(environment, &all, &cache(project), &states(project));
    let facts = lease.facts();
    if facts.dirs.is_empty() && !all.is_empty() {
        output.error(&format!(
            "the services of `{}` are not up; what was created in them cannot be reached",
            environment.name
        ));
    }
    match environment.resolve(facts, &|name| std::env::var(name).ok()) {
        Ok(resolved) => resolved,
        Err(wrong) => {
            out.extend(wrong);
            Resolved::default()
        }
    }
}
