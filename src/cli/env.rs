//! `specrun env`: the services of an environment, kept up between runs.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::Exit;
use super::load::open_project;
use super::output::Output;
use super::run::heard;
use super::site::{cache, states, tell, tell_error};
use crate::action::Registry;
use crate::diag::Diagnostics;
use crate::engine::Stop;
use crate::engine::services::{self, Progress, ServiceError, Site};
use crate::source::Sources;
use crate::spec::Project;
use crate::spec::environment::{self, Environment};
use crate::tools::Redactor;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Install and start the services, wait until they answer, and leave them running.
    Up(Named),
    /// Stop them.
    Down(Named),
    /// Say which are up.
    Status(Named),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The environment: a name the project file knows, or the path of an environment file.
    #[arg(long = "env", value_name = "NAME|FILE")]
    env: Option<String>,
    /// The same, without the option's name.
    #[arg(value_name = "ENV", conflicts_with = "env", required_unless_present = "env")]
    name: Option<String>,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let (Verb::Up(named) | Verb::Down(named) | Verb::Status(named)) = &args.verb;
    let name = named.env.as_deref().or(named.name.as_deref()).unwrap_or_default();
    let (project, environment) = match open(name, registry, output) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let states = states(&project);
    if environment.services.is_empty() {
        output.error(&format!(
            "the environment `{}` has no services; there is nothing to do",
            environment.name
        ));
        return Exit::Usage;
    }
    // A secret without a value cannot be shown either.
    let secrets = environment
        .secret_values(&|name| std::env::var(name).ok())
        .unwrap_or_default();
    let redactor = &Redactor::new(&secrets);
    heard(output, |control, _| {
        let site = Site {
            cache: cache(&project),
            home: PathBuf::new(),
            notify: &|progress: Progress| tell(&progress, redactor, output),
            interrupted: &|| control.stopped() != Stop::No,
        };
        let done = match &args.verb {
            Verb::Up(_) => services::up(&environment, &site, &states).map(|_| ()),
            Verb::Down(_) => services::down(&environment, &site, &states).map(|n| {
                if n == 0 {
                    output.err("specrun: nothing was up\n");
                }
            }),
            Verb::Status(_) => return status(&environment, &states, redactor, output),
        };
        match done {
            Ok(()) => Exit::Passed,
            Err(ServiceError::Interrupted) => match control.stopped() {
                Stop::Gracefully { why } | Stop::Now { why } if why == "SIGTERM" => Exit::Terminated,
                Stop::Gracefully { why } | Stop::Now { why } if why == "SIGHUP" => Exit::HungUp,
                _ => Exit::Interrupted,
            },
            Err(e) => {
                tell_error(&e, redactor, output);
                Exit::Errored
            }
        }
    })
}

/// 0 when all are up, else 5.
fn status(environment: &Environment, states: &std::path::Path, redactor: &Redactor, output: Output) -> Exit {
    let all = match services::status(environment, states) {
        Ok(all) => all,
        Err(e) => {
            tell_error(&e, redactor, output);
            return Exit::Errored;
        }
    };
    let mut text = String::new();
    for service in &environment.services {
        let Some(state) = all.iter().find(|s| s.name == service.name) else {
            let _ = writeln!(text, "{}: not started", service.name);
            continue;
        };
        let ports: Vec<String> = state
            .ports
            .iter()
            .map(|(name, port)| format!("{name} {port}"))
            .collect();
        let pid = state.pid.map_or(String::new(), |pid| format!(", process {pid}"));
        let ports = if ports.is_empty() {
            String::new()
        } else {
            format!(", {}", ports.join(", "))
        };
        let _ = writeln!(
            text,
            "{}: {}{ports}{pid}, log {}",
            state.name,
            state.state,
            state.log.display()
        );
    }
    output.out(&text);
    let up = |name: &str| all.iter().any(|s| s.name == name && s.state == "up");
    if environment.services.iter().all(|s| up(&s.name)) {
        Exit::Passed
    } else {
        Exit::Errored
    }
}

fn open(name: &str, registry: &Registry, output: Output) -> Result<(Project, Environment), Exit> {
    let sources = Sources::new();
    let mut out = Diagnostics::new();
    let project = open_project(&sources, &mut out);
    let environment = project.as_ref().and_then(|project| {
        let file = project.environment(name, &mut out)?;
        environment::read(&sources, &file, registry, &mut out)
    });
    match (project, environment) {
        (Some(project), Some(environment)) if !out.has_errors() => Ok((project, environment)),
        _ => {
            output.diagnostics(&out.sorted(), &sources);
            Err(Exit::Invalid)
        }
    }
}
