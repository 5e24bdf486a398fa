//! From a command line to a plan: the project, the profile, the files, the selection, the environment. All mistakes are
//! collected, and there is a plan only when there is none.

mod project;
mod selection;

pub use project::{open as open_project, run_dir};

use std::path::PathBuf;

use super::Exit;
use super::options::{Partition, Scope, Values};
use super::output::Output;
use crate::action::Registry;
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::plan::{Given, Plan, Request, compile};
use crate::source::Sources;
use crate::spec::environment::{self, Environment};
use crate::spec::{Profile, Project, Spec, SpecDefaults, files};
use crate::value::Secret;

/// What is wanted.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub scope: &'a Scope,
    pub values: &'a Values,
    pub purpose: Purpose,
    pub registry: &'a Registry,
}

/// What is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing runs: inputs and secrets may be without a value.
    Look,
    Run,
    /// It may run in several parts.
    RunInParts,
}

/// Everything was right.
pub struct Loaded {
    pub sources: Sources,
    pub project: Project,
    pub profile: Option<Profile>,
    pub environment: Option<Environment>,
    /// The secrets of the environment that have a value.
    pub secrets: Vec<Secret>,
    pub plan: Plan,
    /// Spec files that were read, selected or not.
    pub files: usize,
    pub warnings: Vec<Diagnostic>,
}

/// Why there is no plan.
pub struct Refused {
    pub exit: Exit,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
    /// What is not about a place in a file.
    pub message: Option<String>,
    pub files: usize,
}

/// Loads what a verb looks at that runs nothing.
///
/// # Errors
/// As [`load`].
pub fn look(scope: &Scope, values: &Values, registry: &Registry) -> Result<Loaded, Box<Refused>> {
    load(Wanted {
        scope,
        values,
        purpose: Purpose::Look,
        registry,
    })
}

/// Reads, checks, selects and compiles.
///
/// # Errors
/// Everything that is wrong, with the exit code for it.
pub fn load(wanted: Wanted<'_>) -> Result<Loaded, Box<Refused>> {
    let sources = Sources::new();
    let mut out = Diagnostics::new();
    let refuse = |out: Diagnostics, files| Box::new(refused(&sources, out, files));

    if matches!(wanted.scope.partition, Some(Partition::All { .. })) && wanted.purpose != Purpose::RunInParts
    {
        let message =
            "only `run --on` takes a number of parts; write `--partition 1/4` for the first of four";
        return Err(Box::new(Refused {
            exit: Exit::Usage,
            message: Some(message.to_owned()),
            ..*refuse(out, 0)
        }));
    }
    let Some(project) = open_project(&sources, &mut out) else {
        return Err(refuse(out, 0));
    };
    let profile = match &wanted.scope.profile {
        Some(name) => project.profile(name, &mut out).cloned(),
        None => None,
    };
    let environment = environment_of(wanted, &project, profile.as_ref(), &sources, &mut out);
    let paths: Vec<PathBuf> = if wanted.scope.paths.is_empty() {
        project.specs.clone()
    } else {
        wanted.scope.paths.clone()
    };
    if paths.is_empty() {
        if out.has_errors() {
            return Err(refuse(out, 0));
        }
        return Err(Box::new(Refused {
            exit: Exit::Usage,
            sources: sources.clone(),
            diagnostics: out.sorted(),
            message: Some(
                "no path was given, and no project file `specrun.yaml` here says where specs are".to_owned(),
            ),
            files: 0,
        }));
    }

    let found = files::find(&paths, &mut out);
    let defaults = SpecDefaults {
        confidence: project.confidence.unwrap_or(SpecDefaults::default().confidence),
        ..SpecDefaults::default()
    };
    let mut specs: Vec<Spec> = Vec::with_capacity(found.len());
    for file in &found {
        specs.extend(crate::spec::read(
            &sources,
            file,
            wanted.registry,
            defaults,
            &mut out,
        ));
    }
    let chosen = selection::read(wanted.scope, profile.as_ref(), &sources, &mut out);
    let specs = chosen.specs(specs, &mut out);

    let variable = |name: &str| std::env::var(name).ok();
    let secrets = secrets_of(wanted, environment.as_ref(), &mut out);
    let (plan, more) = compile(&Request {
        sources: &sources,
        registry: wanted.registry,
        specs: &specs,
        given: Given {
            set: &wanted.values.set,
            environment: environment.as_ref(),
            secrets: &secrets,
            variable: &variable,
            complete: wanted.purpose != Purpose::Look,
        },
        defaults,
    });
    out.extend(more);
    let Some(mut plan) = plan else {
        return Err(refuse(out, found.len()));
    };
    chosen.rows(&mut plan.specs, &mut out);
    if out.has_errors() {
        return Err(refuse(out, found.len()));
    }
    if let Some(partition) = wanted.scope.partition {
        let mut index = 0;
        plan.specs.retain(|_| {
            index += 1;
            partition.takes(index - 1)
        });
    }
    if plan.specs.is_empty() {
        return Err(Box::new(Refused {
            exit: Exit::NothingSelected,
            sources: sources.clone(),
            diagnostics: out.sorted(),
            message: Some(format!("nothing is selected of {} spec files", found.len())),
            files: found.len(),
        }));
    }
    Ok(Loaded {
        sources: sources.clone(),
        project,
        profile,
        environment,
        secrets,
        plan,
        files: found.len(),
        warnings: out.sorted(),
    })
}

impl Refused {
    /// Says it on standard error and gives the exit code.
    #[must_use]
    pub fn say(&self, output: Output) -> Exit {
        output.diagnostics(&self.diagnostics, &self.sources);
        if let Some(message) = &self.message {
            output.error(message);
        }
        if self.exit == Exit::Invalid {
            let errors = self.diagnostics.iter().filter(|d| d.severity == Severity::Error);
            output.err(&format!("{}; nothing ran\n", count(errors.count(), "mistake")));
        }
        self.exit
    }
}

/// `1 mistake`, `2 mistakes`.
#[must_use]
pub fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

fn refused(sources: &Sources, out: Diagnostics, files: usize) -> Refused {
    Refused {
        exit: Exit::Invalid,
        sources: sources.clone(),
        diagnostics: out.sorted(),
        message: None,
        files,
    }
}

fn environment_of(
    wanted: Wanted<'_>,
    project: &Project,
    profile: Option<&Profile>,
    sources: &Sources,
    out: &mut Diagnostics,
) -> Option<Environment> {
    let name = wanted.values.env.as_deref();
    let name = name.or_else(|| profile.and_then(|p| p.env.as_deref()))?;
    let file = project.environment(name, out)?;
    environment::read(sources, &file, wanted.registry, out)
}

/// The secrets that have a value; those that have none are a mistake only when it will run.
fn secrets_of(wanted: Wanted<'_>, environment: Option<&Environment>, out: &mut Diagnostics) -> Vec<Secret> {
    let Some(environment) = environment else {
        return Vec::new();
    };
    let variable = |name: &str| std::env::var(name).ok();
    if wanted.purpose != Purpose::Look
        && let Err(missing) = environment.secret_values(&variable)
    {
        out.extend(missing);
    }
    environment.known_secrets(&variable)
}
