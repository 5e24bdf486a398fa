//! `--on kubernetes`: what each pod is given, so that a specrun in it does what this one would.

mod bundle;
mod environment;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::prepare::Prepared;
use crate::actions::kube::OWNER;
use crate::cli::site;
use crate::engine::RunDir;
use crate::engine::parts::{Carried, Part, Parts, Start, split};
use crate::plan::SpecPlan;
use crate::spec::environment::{Resolved, Uses};
use crate::tools::Capability;
use crate::tools::kube::remote::Wanted;
use crate::value::SpecId;

/// The arguments with which specrun is what a pod runs.
pub const WORKER: [&str; 2] = ["run-worker", "framed"];
/// Where the project and what the run gives lie in a pod.
const PROJECT: &str = "project";
const GIVEN: &str = "given";
/// The cluster ends the pods of a run without a deadline after this, in seconds, if nobody else does.
const LONGEST: u64 = 24 * 3600;
/// What the pods get beyond the time of the run.
const LONGER: u64 = 600;

/// Takes a run apart. Specs that no pod can do go to `blocked`, with the reason.
///
/// # Errors
/// What is missing or wrong, for people.
pub(super) fn parts(
    prepared: &Prepared,
    resolved: &Resolved,
    dir: &RunDir,
    blocked: &mut HashMap<SpecId, String>,
) -> Result<Parts, String> {
    let (loaded, settings) = (&prepared.loaded, &prepared.settings);
    for spec in &loaded.plan.specs {
        let reason = spec
            .capabilities
            .iter()
            .find_map(|c| environment::out_of_reach(c, resolved));
        if let Some(reason) = reason {
            blocked.entry(spec.id.clone()).or_insert(reason);
        }
    }
    let specs: Vec<Arc<SpecPlan>> = loaded
        .plan
        .specs
        .iter()
        .filter(|spec| !blocked.contains_key(&spec.id))
        .cloned()
        .collect();
    let root = site::root(&loaded.project);
    let here = std::env::current_dir().map_err(|e| format!("finding the working directory: {e}"))?;
    let folder = Path::new(PROJECT).join(here.strip_prefix(&root).unwrap_or(Path::new("")));
    let base: PathBuf = folder.components().map(|_| "..").collect();
    let given = base.join(GIVEN);

    let runs = std::path::absolute(&settings.run_dir).unwrap_or_default();
    let mut files = bundle::files(&root, &runs, Path::new(PROJECT))?;
    let mut args = common(prepared, &given);
    let mut env = variables(&specs);
    if let Some(file) = prepared.args.powers.policy_file() {
        let bytes = std::fs::read(&file).map_err(|e| format!("reading {}: {e}", file.display()))?;
        files.push(Carried::new(Path::new(GIVEN).join("policy.yaml"), &bytes));
    }
    if let Some(environment) = &loaded.environment {
        let written = environment::write(environment, resolved, Path::new(GIVEN))?;
        args.push(format!("--env={}", given.join("environment.yaml").display()));
        files.extend(written.files);
        env.extend(written.variables);
    }
    let mut parts = Vec::new();
    for specs in split(&specs, settings.pods.unwrap_or(1)) {
        let mut args = args.clone();
        args.extend(own(prepared, &specs, &root, &here)?);
        parts.push(Part {
            specs,
            start: Start {
                folder: folder.clone(),
                args,
                env: env.clone(),
                run_dir: std::path::absolute(dir.path())
                    .unwrap_or_default()
                    .display()
                    .to_string(),
            },
        });
    }
    let wanted = wanted(prepared, resolved, dir, parts.len())?;
    Ok(Parts { wanted, files, parts })
}

/// What the pods themselves need of the environment, whatever the specs do.
pub(super) fn uses() -> Uses {
    Uses {
        families: ["kube".to_owned()].into(),
        ..Uses::default()
    }
}

/// The pods.
fn wanted(prepared: &Prepared, resolved: &Resolved, dir: &RunDir, pods: usize) -> Result<Wanted, String> {
    let endpoint = resolved
        .endpoints
        .get("kube")
        .ok_or("`--on kubernetes` needs an environment with the endpoint `kube`: `endpoints: {kube: {context: NAME, image: IMAGE}}`")?;
    let text = |key: &str| {
        endpoint
            .settings
            .get(key)
            .and_then(|v| v.as_str())
            .map(str::to_owned)
    };
    let image = text("image").ok_or(
        "no image is named for the pods: make one with the project's Dockerfile, and name it as `image` of the endpoint `kube`",
    )?;
    let prefix = dir.id().prefix(&SpecId::from("pods"), 1);
    let settings = &prepared.settings;
    Ok(Wanted {
        // That of the endpoint, once the cluster is known.
        namespace: String::new(),
        names: (1..=pods).map(|n| format!("{prefix}-{n}")).collect(),
        labels: vec![
            ("app.kubernetes.io/managed-by", "specrun".to_owned()),
            (OWNER, prefix),
            ("specrun.io/work", "run".to_owned()),
        ],
        image,
        args: WORKER.map(str::to_owned).to_vec(),
        resources: BTreeMap::new(),
        node_selector: BTreeMap::new(),
        account: text("service_account"),
        scratch: true,
        grace: settings.cleanup_grace.as_secs() + 5,
        seconds: settings.deadline.map_or(LONGEST, |d| d.as_secs()) + LONGER,
    })
}

/// The arguments of every part.
fn common(prepared: &Prepared, given: &Path) -> Vec<String> {
    let (args, settings) = (&prepared.args, &prepared.settings);
    let mut words: Vec<String> = ["run", "--quiet", "--no-strict"].map(str::to_owned).to_vec();
    words.push(format!("--seed={}", settings.seed));
    words.push(format!("--retries={}", settings.retries));
    words.push(format!(
        "--cleanup-grace={}s",
        settings.cleanup_grace.as_secs_f64()
    ));
    if let Some(jobs) = settings.jobs_asked {
        words.push(format!("--jobs={jobs}"));
    }
    if settings.shuffle {
        words.push("--shuffle".to_owned());
    }
    words.extend(
        args.powers
            .words(&given.join("policy.yaml").display().to_string()),
    );
    words
}

/// The arguments of one part: its specs, and the values for their inputs.
fn own(
    prepared: &Prepared,
    specs: &[Arc<SpecPlan>],
    root: &Path,
    here: &Path,
) -> Result<Vec<String>, String> {
    let mut words: Vec<String> = Vec::new();
    for spec in specs {
        let file = &spec.place.file;
        // Links are followed on both sides.
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if Path::new(file).is_absolute() || !real(&here.join(file)).starts_with(real(root)) {
            return Err(format!(
                "{file} does not lie in the project {}, whose files are what pods are given",
                root.display()
            ));
        }
        if !words.contains(file) {
            words.push(file.clone());
        }
    }
    let ids: Vec<String> = specs.iter().map(|spec| format!("id({})", spec.id)).collect();
    words.push(format!("--select={}", ids.join(" | ")));
    for (name, value) in &prepared.args.values.set {
        if specs
            .iter()
            .any(|spec| spec.inputs.iter().any(|input| input.name == *name))
        {
            words.push(format!("--set={name}={value}"));
        }
    }
    Ok(words)
}

/// The variables of this process that the specs read.
fn variables(specs: &[Arc<SpecPlan>]) -> BTreeMap<String, String> {
    let named = specs
        .iter()
        .flat_map(|spec| &spec.capabilities)
        .filter_map(|c| match c {
            Capability::Env { name } => Some(name),
            _ => None,
        });
    named
        .filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)))
        .collect()
}
