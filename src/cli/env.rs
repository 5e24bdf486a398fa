//! `specrun env`: the services of an environment, kept up between runs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Exit;
use super::load::open_project;
use super::output::Output;
use super::run::heard;
use super::site::{cache, logs, program, states, tell, tell_error};
use crate::action::Registry;
use crate::diag::{Diagnostics, did_you_mean};
use crate::engine::Stop;
use crate::engine::services::{self, Progress, ServiceError, ServiceState, Site};
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
    /// Services, each with all that it needs; without any all of them. Without `--env` the first word is the
    /// environment.
    #[arg(value_name = "SERVICE", required_unless_present = "env")]
    names: Vec<String>,
}

impl Named {
    /// The environment, and the services.
    fn split(&self) -> (&str, &[String]) {
        match (self.env.as_deref(), self.names.split_first()) {
            (Some(env), _) => (env, &self.names),
            (None, Some((env, names))) => (env, names),
            (None, None) => ("", &[]),
        }
    }
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let (Verb::Up(named) | Verb::Down(named) | Verb::Status(named)) = &args.verb;
    let (name, names) = named.split();
    let (project, environment) = match open(name, registry, output) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let known = environment.all_services();
    for name in names {
        if !known.contains(name) {
            output.error(&format!(
                "the environment `{}` has no service `{name}`",
                environment.name
            ));
            if let Some(help) = did_you_mean(name, known.iter().map(String::as_str)) {
                output.err(&format!("help: {help}\n"));
            }
            return Exit::Usage;
        }
    }
    let some: Option<BTreeSet<String>> = (!names.is_empty()).then(|| names.iter().cloned().collect());
    let wanted = some.as_ref().unwrap_or(&known);
    let states = states(&project);
    if environment.services.is_empty() {
        output.error(&format!(
            "the environment `{}` has no services; there is nothing to do",
            environment.name
        ));
        return Exit::Usage;
    }
    // A secret without a value cannot be shown either.
    let secrets = environment.known_secrets(&|name| std::env::var(name).ok());
    let redactor = &Redactor::new(&secrets);
    heard(output, |control, _| {
        let site = Site {
            cache: cache(&project),
            home: PathBuf::new(),
            program: program(),
            logs: logs(&secrets),
            notify: &|progress: Progress| tell(&progress, redactor, output),
            interrupted: &|| control.stopped() != Stop::No,
        };
        let done = match &args.verb {
            Verb::Up(_) => services::up(&environment, wanted, &site, &states).map(|up| {
                for error in up.failed.values() {
                    tell_error(error, redactor, output);
                }
                if up.failed.is_empty() {
                    Exit::Passed
                } else {
                    Exit::Errored
                }
            }),
            Verb::Down(_) => services::down(&environment, some.as_ref(), &site, &states).map(|n| {
                if n == 0 {
                    output.err("specrun: nothing was up\n");
                }
                Exit::Passed
            }),
            Verb::Status(_) => services::status(&environment, &site.cache, &states).map(|all| {
                status(
                    &all,
                    &environment.with_needs(wanted.iter().cloned()),
                    redactor,
                    output,
                )
            }),
        };
        match done {
            Ok(exit) => exit,
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

/// 0 when all that are asked for can be used, else 5.
fn status(all: &[ServiceState], wanted: &BTreeSet<String>, redactor: &Redactor, output: Output) -> Exit {
    let mut text = String::new();
    let asked: Vec<_> = all.iter().filter(|s| wanted.contains(&s.name)).collect();
    for service in &asked {
        let _ = write!(text, "{}: {}", service.name, redactor.redact(&service.state));
        for (name, port) in &service.ports {
            let _ = write!(text, ", {name} {port}");
        }
        if let Some(pid) = service.pid {
            let _ = write!(text, ", process {pid}");
        }
        if let Some(environment) = &service.kept_by {
            let _ = write!(text, ", kept up by `{environment}`");
        }
        if !service.log.as_os_str().is_empty() {
            let _ = write!(text, ", log {}", service.log.display());
        }
        text.push('\n');
    }
    output.out(&text);
    if asked.iter().all(|s| s.usable()) {
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
