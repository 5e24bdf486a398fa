//! Everything before the first request: files, selection, environment, values, powers, reports. One mistake and nothing
//! runs.

use std::path::PathBuf;
use std::time::Duration;

use super::args::{Args, Place};
use crate::action::Registry;
use crate::cli::Exit;
use crate::cli::load::{self, Loaded, Purpose, Refused, Wanted, count};
use crate::cli::options::Partition;
use crate::cli::output::Output;
use crate::cli::verbs;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::event::Severity;
use crate::report;
use crate::spec::files;
use crate::tools::capability::UNKNOWN;
use crate::tools::kube::remote;
use crate::tools::{Capability, Grants};
use crate::value::{Secret, Value};

/// A run that can begin.
pub struct Prepared {
    pub args: Args,
    pub loaded: Loaded,
    pub grants: Grants,
    /// Of the environment and of inputs, each once.
    pub secrets: Vec<Secret>,
    pub settings: Settings,
}

/// Options after the command line, the profile and the defaults were joined.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
#[derive(Clone, Debug)]
pub struct Settings {
    pub jobs: usize,
    /// As many jobs as somebody asked for; none: as many as there are processors.
    pub jobs_asked: Option<usize>,
    /// In how many pods it runs; none: here.
    pub pods: Option<usize>,
    pub retries: u32,
    pub max_fail: Option<usize>,
    pub shuffle: bool,
    pub seed: u64,
    pub deadline: Option<Duration>,
    pub cleanup_grace: Duration,
    pub reports: Vec<report::Spec>,
    pub fail_on: Severity,
    pub strict: bool,
    pub run_dir: PathBuf,
    pub profile: Option<String>,
    pub verbose: bool,
    pub quiet: bool,
}

/// Prepares a run.
///
/// # Errors
/// The exit code, after everything that is wrong was said.
pub fn prepare(args: &Args, registry: &Registry, output: Output) -> Result<Prepared, Exit> {
    if args.powers.untrusted {
        output.error("specs that are not trusted are not run; `specrun check` and `specrun plan` show what they would do");
        return Err(Exit::NotGranted);
    }
    let loaded = load::load(Wanted {
        scope: &args.scope,
        values: &args.values,
        purpose: if args.on.is_some() {
            Purpose::RunInParts
        } else {
            Purpose::Run
        },
        registry,
    })
    .map_err(|refused| {
        let exit = refused.say(output);
        if let Some(help) = args
            .scope
            .paths
            .iter()
            .find_map(|path| files::verb_meant(path, &verbs()))
        {
            output.err(&format!("help: perhaps a verb was meant: {help}\n"));
        }
        exit
    })?;
    let mut out = Diagnostics::new();
    let grants = args.powers.grants(&loaded.sources, &mut out);
    let settings = settings(args, &loaded, &mut out);
    if out.has_errors() {
        let refused = Refused {
            exit: Exit::Invalid,
            sources: loaded.sources.clone(),
            diagnostics: out.sorted(),
            message: None,
            files: loaded.files,
        };
        return Err(refused.say(output));
    }
    output.diagnostics(&loaded.warnings, &loaded.sources);
    if settings.pods.is_some() && settings.max_fail.is_some() {
        output.error("with `--on` there is no `max_fail`: the parts do not know of each other");
        return Err(Exit::Usage);
    }
    granted(&loaded, &settings, &grants, output)?;
    let secrets = secrets(&loaded);
    Ok(Prepared {
        args: args.clone(),
        loaded,
        grants,
        secrets,
        settings,
    })
}

/// What is known to be refused is refused before anything begins.
fn granted(loaded: &Loaded, settings: &Settings, grants: &Grants, output: Output) -> Result<(), Exit> {
    let mut refused = Vec::new();
    let mut look = |who: &str, capability: &Capability| {
        if let Err(failure) = grants.check(capability) {
            let mut line = format!("{who}: {}", failure.message);
            if let Some(help) = &failure.help {
                line.push_str("\nhelp: ");
                line.push_str(help);
            }
            refused.push(line);
        }
    };
    if settings.pods.is_some() {
        for capability in remote::capabilities(UNKNOWN) {
            look("--on kubernetes", &capability);
        }
    }
    for spec in &loaded.plan.specs {
        for capability in &spec.capabilities {
            look(spec.id.as_str(), capability);
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    for line in &refused {
        output.error(line);
    }
    output.err(&format!(
        "{} not granted; nothing ran\n",
        count(refused.len(), "power")
    ));
    Err(Exit::NotGranted)
}

fn settings(args: &Args, loaded: &Loaded, out: &mut Diagnostics) -> Settings {
    let profile = loaded.profile.as_ref();
    let ci = std::env::var_os("CI").is_some_and(|v| !v.is_empty() && v != "false");
    let mut reports = args.reports.clone();
    for text in profile.map(|p| p.reports.as_slice()).unwrap_or_default() {
        match text.value.parse() {
            Ok(report) => reports.push(report),
            Err(e) => out.push(Diagnostic::error(Code::BadValue, e).label(text.span, "this report")),
        }
    }
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let jobs_asked = args.jobs.or(profile.and_then(|p| p.jobs));
    Settings {
        jobs: jobs_asked.unwrap_or(cores),
        jobs_asked,
        pods: args
            .on
            .map(|Place::Kubernetes| args.scope.partition.map_or(1, Partition::parts)),
        retries: args.retries.or(profile.and_then(|p| p.retries)).unwrap_or(0),
        max_fail: args.max_fail.or(profile.and_then(|p| p.max_fail)),
        shuffle: args.shuffle,
        // 32 bits, so that no reader of JSON rounds it.
        seed: args.seed.unwrap_or_else(new_seed),
        deadline: args.deadline.or(profile.and_then(|p| p.timeout)),
        cleanup_grace: args
            .cleanup_grace
            .unwrap_or(Duration::from_secs(if ci { 7 } else { 60 })),
        reports,
        fail_on: args
            .fail_on
            .map(Severity::from)
            .or(profile.and_then(|p| p.fail_on))
            .unwrap_or(Severity::Critical),
        strict: if args.no_strict {
            false
        } else {
            args.strict || profile.and_then(|p| p.strict).unwrap_or(ci)
        },
        run_dir: load::run_dir(args.run_dir.as_deref(), &loaded.project),
        profile: args.scope.profile.clone(),
        verbose: args.verbose,
        quiet: args.quiet,
    }
}

/// Unlike any other: the standard library's hashers are keyed by the system's randomness.
fn new_seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one(std::process::id()) & 0xffff_ffff
}

fn secrets(loaded: &Loaded) -> Vec<Secret> {
    let mut all = loaded.secrets.clone();
    for input in loaded.plan.specs.iter().flat_map(|s| &s.inputs) {
        if let Value::Secret(secret) = &input.value
            && !all.contains(secret)
        {
            all.push(secret.clone());
        }
    }
    all
}
