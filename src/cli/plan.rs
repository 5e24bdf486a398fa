//! `specrun plan`: what would happen, in which order, and what it would reach.

use std::sync::Arc;

use serde_json::{Value, json};

use super::load;
use super::options::{Scope, Values};
use super::output::Output;
use super::site::root;
use super::{Exit, list};
use crate::action::Registry;
use crate::plan::{SpecPlan, rbac, show};
use crate::tools::Grants;
use crate::tools::files::Files;

/// The largest manifest that is looked at, in bytes.
const MANIFEST: u64 = 8 << 20;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// How to say it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// What the specs reach, as the flags that grant it.
    #[arg(long)]
    pub capabilities: bool,
    /// The roles that the specs need on a Kubernetes cluster, as manifests.
    #[arg(long, conflicts_with_all = ["capabilities", "format"])]
    pub rbac: bool,
    /// The specs come from a stranger. `plan` never runs anything, so nothing changes.
    #[arg(long)]
    pub untrusted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For Graphviz.
    Dot,
    /// For Markdown that draws.
    Mermaid,
    /// For programs.
    Json,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let loaded = match load::look(&args.scope, &args.values, registry) {
        Ok(loaded) => loaded,
        Err(refused) => return refused.say(output),
    };
    output.diagnostics(&loaded.warnings, &loaded.sources);
    let plan = &loaded.plan;
    let text = match args.format {
        Format::Json => {
            let specs: Vec<Value> = plan.specs.iter().map(|s| json_of(s)).collect();
            format!(
                "{:#}\n",
                json!({ "format": 1, "specs": specs, "capabilities": show::capabilities(plan) })
            )
        }
        Format::Text if args.capabilities => {
            let mut lines = show::capabilities(plan).join("\n");
            lines.push('\n');
            lines
        }
        Format::Text if args.rbac => {
            // Of the project alone, whoever wrote the specs.
            let files = Files::new(&[&root(&loaded.project)], &[], Arc::new(Grants::default()));
            rbac::roles(plan, &|spec, path| {
                let content = files.read(&spec.base_dir, path, MANIFEST).ok()?;
                String::from_utf8(content.bytes).ok()
            })
        }
        Format::Text => show::text(plan),
        Format::Dot => show::dot(plan),
        Format::Mermaid => show::mermaid(plan),
    };
    output.out(&text);
    Exit::Passed
}

fn json_of(spec: &SpecPlan) -> Value {
    let name = |ix: &usize| spec.steps.get(*ix).map(|s| s.id.to_string());
    let steps: Vec<Value> = spec
        .steps
        .iter()
        .map(|step| {
            json!({
                "id": step.id,
                "role": step.role,
                "action": step.action.name(),
                "after": step.after.iter().filter_map(name).collect::<Vec<_>>(),
                "background": step.background,
                "timeout": step.timeout.as_secs_f64(),
                "cleanup": step.cleanup.iter().map(|c| c.action.name()).collect::<Vec<_>>(),
                "locks": step.locks,
            })
        })
        .collect();
    let mut all = list::json_of(spec);
    all["steps"] = json!(steps);
    all["locks"] = json!(spec.locks);
    all["timeout"] = json!(spec.timeout.as_secs_f64());
    all["checks"] = json!(spec.check_infos());
    all["capabilities"] = json!(spec.capabilities);
    all["services"] = json!(spec.services);
    all
}
