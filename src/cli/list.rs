//! `specrun list`: the selected specs, or the actions there are.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Exit;
use super::check::Format;
use super::load;
use super::options::{Scope, Values};
use super::output::Output;
use crate::action::Registry;
use crate::plan::SpecPlan;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// How to say it.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// The actions a step can name, instead of specs.
    #[arg(long)]
    pub actions: bool,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    if args.actions {
        output.out(&actions(registry, args.format));
        return Exit::Passed;
    }
    let loaded = match load::look(&args.scope, &args.values, registry) {
        Ok(loaded) => loaded,
        Err(refused) => return refused.say(output),
    };
    let specs = &loaded.plan.specs;
    match args.format {
        Format::Json => {
            let all: Vec<Value> = specs.iter().map(|s| json_of(s)).collect();
            output.out(&format!("{:#}\n", json!({ "format": 1, "specs": all })));
        }
        Format::Text => {
            let width = specs
                .iter()
                .map(|s| s.id.as_str().chars().count())
                .max()
                .unwrap_or(0);
            let mut text = String::new();
            for spec in specs {
                let tags = spec.tags.join(", ");
                let about: Vec<&str> = [spec.category.as_deref().unwrap_or_default(), tags.as_str()]
                    .into_iter()
                    .filter(|w| !w.is_empty())
                    .collect();
                let about = if about.is_empty() {
                    String::new()
                } else {
                    format!("  [{}]", about.join("; "))
                };
                let _ = writeln!(text, "{:<width$}  {}{about}", spec.id, spec.title);
            }
            output.out(&text);
        }
    }
    Exit::Passed
}

/// A spec as other verbs show it too.
pub fn json_of(spec: &SpecPlan) -> Value {
    json!({
        "id": spec.id,
        "title": spec.title,
        "description": spec.description,
        "category": spec.category,
        "tags": spec.tags,
        "severity": spec.severity,
        "file": spec.place.file,
        "line": spec.place.line,
        "tools": spec.tools.iter().map(|t| &t.family.value).collect::<Vec<_>>(),
        "steps": spec.steps.len(),
        "checks": spec.check_infos().len(),
    })
}

fn actions(registry: &Registry, format: Format) -> String {
    let about = |name: &str| -> String {
        let schema = registry.get(name).map(|a| Value::from(a.params_schema()));
        let text = schema.and_then(|s| Some(s.get("description")?.as_str()?.to_owned()));
        text.unwrap_or_default()
            .split("\n\n")
            .next()
            .unwrap_or_default()
            .replace('\n', " ")
    };
    match format {
        Format::Json => {
            let all: Vec<Value> = registry
                .names()
                .map(|n| json!({ "name": n, "description": about(n) }))
                .collect();
            format!("{:#}\n", json!({ "format": 1, "actions": all }))
        }
        Format::Text => {
            let width = registry.names().map(str::len).max().unwrap_or(0);
            let mut text = String::new();
            for name in registry.names() {
                let _ = writeln!(text, "{name:<width$}  {}", about(name));
            }
            text
        }
    }
}
