//! The run itself: services, the engine, reports, the exit code.

use std::sync::Arc;

use super::prepare::{Prepared, Settings};
use super::reports;
use super::signals::Signals;
use crate::cli::Exit;
use crate::cli::output::Output;
use crate::engine::{self, Control, Options, RunDir};
use crate::event::{RunInfo, Summary, VERSION};
use crate::tools::{Endpoints, Tools};

/// Runs what was prepared.
pub(super) fn execute(prepared: Prepared, output: Output) -> Exit {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(e) => {
            output.error(&format!("starting: {e}"));
            return Exit::Internal;
        }
    };
    let control = Control::new();
    let signals = {
        let _inside = runtime.enter();
        Signals::forward(&control, output)
    };
    let _signals = match signals {
        Ok(signals) => signals,
        Err(e) => {
            output.error(&format!("listening for signals: {e}"));
            return Exit::Internal;
        }
    };
    let settings = prepared.settings.clone();
    let sinks = match reports::open(&settings, output) {
        Ok(sinks) => sinks,
        Err(e) => {
            output.error(&e.to_string());
            return Exit::ReportNotWritten;
        }
    };
    let id = engine::new_run_id(settings.seed);
    let dir = match RunDir::create(&settings.run_dir, id) {
        Ok(dir) => dir,
        Err(e) => {
            let place = settings.run_dir.display();
            output.error(&format!("making a directory for the run in {place}: {e}"));
            return Exit::ReportNotWritten;
        }
    };

    let endpoints = Endpoints::default();
    let tools = Arc::new(Tools::new(
        endpoints,
        prepared.grants.clone(),
        &prepared.secrets,
        &prepared.project_dir(),
        dir.path(),
        &dir.id().0,
    ));
    let info = info(&prepared, &dir, &tools);
    let plan = Arc::new(prepared.loaded.plan);
    let fail_on = settings.fail_on;
    let exit_code = move |summary: &Summary| {
        let ended = Summary {
            finished: true,
            ..summary.clone()
        };
        i32::from(Exit::of_run(&ended, fail_on, true).code())
    };
    let options = options(&settings, dir, Arc::new(exit_code));
    let outcome = engine::run(plan, tools, options, info, sinks, control);
    for error in &outcome.sink_errors {
        output.error(&error.to_string());
    }
    Exit::of_run(&outcome.summary, fail_on, outcome.sink_errors.is_empty())
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

fn info(prepared: &Prepared, dir: &RunDir, tools: &Tools) -> RunInfo {
    let settings = &prepared.settings;
    RunInfo {
        id: dir.id().clone(),
        format: VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        argv: std::env::args_os()
            .map(|word| tools.redactor.redact(&word.to_string_lossy()))
            .collect(),
        environment: prepared.loaded.environment.as_ref().map(|e| e.name.clone()),
        profile: settings.profile.clone(),
        seed: settings.seed,
        jobs: u32::try_from(settings.jobs).unwrap_or(u32::MAX),
        started: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
            .to_string(),
        pid: std::process::id(),
        specs: prepared.loaded.plan.specs.iter().map(|s| s.info()).collect(),
    }
}
