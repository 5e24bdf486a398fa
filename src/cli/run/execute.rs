//! The run itself: services, the engine, reports, the exit code.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::pods;
use super::prepare::{Prepared, Settings};
use super::reports;
use super::signals::heard;
use crate::action::Registry;
use crate::cli::Exit;
use crate::cli::load;
use crate::cli::output::Output;
use crate::cli::site;
use crate::diag::Diagnostic;
use crate::engine::parts::Whole;
use crate::engine::services::{Lease, Progress, ServiceError, Site};
use crate::engine::{self, Control, Options, RunDir, Stop};
use crate::event::{EventKind, RunInfo, Sink, Summary, VERSION};
use crate::spec::environment::{Resolved, ServiceFacts};
use crate::tools::{Redactor, Tools};
use crate::value::SpecId;

/// What every stage needs.
#[derive(Clone, Copy)]
struct Around<'a> {
    registry: Registry,
    control: &'a Control,
    output: Output,
}

/// Runs what was prepared.
pub(super) fn execute(prepared: Prepared, registry: Registry, output: Output) -> Exit {
    heard(output, |control, _| {
        let around = Around {
            registry,
            control,
            output,
        };
        with_outputs(prepared, around)
    })
}

/// Opens what the run writes to, so that it is known before anything is sent that it can be written.
fn with_outputs(prepared: Prepared, around: Around<'_>) -> Exit {
    let output = around.output;
    let settings = &prepared.settings;
    let sinks = match reports::open(settings, output) {
        Ok(sinks) => sinks,
        Err(e) => {
            output.error(&e.to_string());
            return Exit::ReportNotWritten;
        }
    };
    let id = engine::new_run_id(settings.seed);
    match RunDir::create(&settings.run_dir, id) {
        Ok(dir) => with_services(prepared, dir, sinks, around),
        Err(e) => {
            let place = settings.run_dir.display();
            output.error(&format!("making a directory for the run in {place}: {e}"));
            Exit::ReportNotWritten
        }
    }
}

fn with_services(prepared: Prepared, dir: RunDir, sinks: Vec<Box<dyn Sink>>, around: Around<'_>) -> Exit {
    let Around { control, output, .. } = around;
    let told = Mutex::new(Vec::new());
    let redactor = Redactor::new(&prepared.secrets);
    let notify = |progress: Progress| {
        site::tell(&progress, &redactor, output);
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(EventKind::from(progress));
    };
    let id = dir.id().clone();
    control.owns(&id);
    let lease = lease(&prepared, &dir, control, &notify);
    let mut blocked = HashMap::new();
    let resolved = match &lease {
        Ok(lease) => {
            let failed = lease.as_ref().map(Lease::failed).into_iter().flatten();
            for (name, e) in failed {
                site::tell_error(e, &redactor, output);
                for spec in prepared
                    .loaded
                    .plan
                    .specs
                    .iter()
                    .filter(|s| s.services.contains(name))
                {
                    blocked.entry(spec.id.clone()).or_insert_with(|| e.whole());
                }
            }
            resolve(&prepared, lease.as_ref().map(Lease::facts))
        }
        // Nothing is begun, and every report says why.
        Err(ServiceError::Interrupted) => Ok(Resolved::default()),
        Err(e) => {
            site::tell_error(e, &redactor, output);
            let why = e.whole();
            blocked.extend(
                prepared
                    .loaded
                    .plan
                    .specs
                    .iter()
                    .map(|s| (s.id.clone(), why.clone())),
            );
            Ok(Resolved::default())
        }
    };
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(wrong) => {
            output.diagnostics(&wrong, &prepared.loaded.sources);
            return Exit::Invalid;
        }
    };
    let preamble = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    let given = Given {
        resolved,
        preamble,
        blocked,
    };
    let exit = with_engine(prepared, dir, given, sinks, around);
    if let Ok(Some(lease)) = lease {
        lease.end(&|_: Progress| {});
    }
    match engine::end_strays(&id) {
        (0, _) => {}
        (found, 0) => output.err(&format!(
            "specrun: ended {} that steps had left running in the background\n",
            load::count(found, "program")
        )),
        (_, left) => output.error(&format!(
            "{} that steps had left running cannot be ended",
            load::count(left, "program")
        )),
    }
    exit
}

/// The services that the specs need: those that are up, and the run's own. None: there is no environment.
fn lease(
    prepared: &Prepared,
    dir: &RunDir,
    control: &Control,
    notify: &(dyn Fn(Progress) + Sync),
) -> Result<Option<Lease>, ServiceError> {
    let Some(environment) = &prepared.loaded.environment else {
        return Ok(None);
    };
    let project = &prepared.loaded.project;
    let site = Site {
        cache: site::cache(project),
        home: dir.path().join("services"),
        program: site::program(),
        logs: site::logs(&prepared.secrets),
        notify,
        interrupted: &|| control.stopped() != Stop::No,
    };
    let specs = &prepared.loaded.plan.specs;
    let mut wanted: BTreeSet<String> = specs.iter().flat_map(|s| s.services.iter().cloned()).collect();
    if prepared.settings.pods.is_some() {
        wanted.extend(environment.services_for(&pods::uses()));
    }
    Lease::get(environment, &wanted, &site, &site::states(project), &dir.id().0).map(Some)
}

fn resolve(prepared: &Prepared, facts: Option<&ServiceFacts>) -> Result<Resolved, Vec<Diagnostic>> {
    match (&prepared.loaded.environment, facts) {
        (Some(environment), Some(facts)) => environment.resolve(facts, &|name| std::env::var(name).ok()),
        _ => Ok(Resolved::default()),
    }
}

/// What the environment gave.
struct Given {
    resolved: Resolved,
    preamble: Vec<EventKind>,
    blocked: HashMap<SpecId, String>,
}

fn with_engine(
    prepared: Prepared,
    dir: RunDir,
    given: Given,
    sinks: Vec<Box<dyn Sink>>,
    around: Around<'_>,
) -> Exit {
    let mut given = given;
    let parts = match prepared.settings.pods {
        None => None,
        Some(_) => match pods::parts(&prepared, &given.resolved, &dir, &mut given.blocked) {
            Ok(parts) => Some(parts),
            Err(why) => {
                around.output.error(&why);
                return Exit::Invalid;
            }
        },
    };
    let settings = prepared.settings;
    let loaded = prepared.loaded;
    let redactor = Redactor::new(&prepared.secrets);
    let run_path = std::path::absolute(dir.path()).unwrap_or_else(|_| dir.path().to_owned());
    let project = site::root(&loaded.project);
    let cache = site::cache(&loaded.project);
    let specs = folders(&loaded.plan);
    let services = site::states(&loaded.project);
    let mut projects: Vec<&Path> = vec![&project, &services];
    projects.extend(specs.iter().map(std::path::PathBuf::as_path));
    let tools = Tools::new(given.resolved.endpoints, prepared.grants, redactor, &dir.id().0)
        .rooted(&projects, &[&run_path, &cache]);
    let info = RunInfo {
        id: dir.id().clone(),
        format: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        argv: std::env::args_os()
            .map(|word| tools.redactor.redact(&word.to_string_lossy()))
            .collect(),
        environment: loaded.environment.as_ref().map(|e| e.name.clone()),
        profile: settings.profile.clone(),
        seed: settings.seed,
        jobs: u32::try_from(settings.jobs).unwrap_or(u32::MAX),
        started: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string(),
        pid: std::process::id(),
        specs: loaded.plan.specs.iter().map(|s| s.info()).collect(),
    };
    let fail_on = settings.fail_on;
    let exit_code = move |summary: &Summary| {
        let ended = Summary {
            finished: true,
            ..summary.clone()
        };
        i32::from(Exit::of_run(&ended, fail_on, true).code())
    };
    let mut options = options(&settings, dir, Arc::new(exit_code));
    options.preamble = given.preamble;
    options.blocked = given.blocked;
    let plan = Arc::new(loaded.plan);
    let (tools, control) = (Arc::new(tools), around.control.clone());
    let outcome = match parts {
        None => engine::run(plan, tools, options, info, sinks, control),
        Some(parts) => {
            let whole = Whole {
                plan,
                tools,
                registry: around.registry,
                options,
                control,
            };
            engine::parts::run(parts, whole, info, sinks)
        }
    };
    for error in &outcome.sink_errors {
        around.output.error(&error.to_string());
    }
    Exit::of_run(&outcome.summary, fail_on, outcome.sink_errors.is_empty())
}

/// The folders of the spec files: each may read what lies beside it, wherever the project is.
fn folders(plan: &crate::plan::Plan) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = plan
        .specs
        .iter()
        .filter_map(|spec| std::path::absolute(&spec.base_dir).ok())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn options(
    settings: &Settings,
    dir: RunDir,
    exit_code: Arc<dyn Fn(&Summary) -> i32 + Send + Sync>,
) -> Options {
    Options {
        jobs: settings.jobs,
        retries: settings.retries,
        max_fail: settings.max_fail,
        deadline: settings.deadline,
        cleanup_grace: settings.cleanup_grace,
        shuffle: settings.shuffle,
        ..Options::new(dir, settings.seed, exit_code)
    }
}
