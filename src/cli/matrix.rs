//! `specrun matrix`: the test matrix as Markdown, with the rows that have no spec.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::Exit;
use super::load::{self, Loaded};
use super::options::{Scope, Values};
use super::output::Output;
use crate::action::Registry;
use crate::event::Role;
use crate::plan::SpecPlan;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub values: Values,
    /// End with 4 when a row of the project file has no spec.
    #[arg(long)]
    pub complete: bool,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let loaded = match load::look(&args.scope, &args.values, registry) {
        Ok(loaded) => loaded,
        Err(refused) => return refused.say(output),
    };
    let missing = missing(&loaded);
    output.out(&table(&loaded, &missing));
    if args.complete && !missing.is_empty() {
        return Exit::NothingSelected;
    }
    Exit::Passed
}

/// The rows of the project file without a spec.
fn missing(loaded: &Loaded) -> Vec<(String, String)> {
    let there: HashSet<&str> = loaded.plan.specs.iter().map(|s| base(s)).collect();
    let rows = loaded.project.matrix.iter();
    rows.filter(|(id, _)| !there.contains(id.as_str()))
        .cloned()
        .collect()
}

fn table(loaded: &Loaded, missing: &[(String, String)]) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut seen = HashSet::new();
    for spec in &loaded.plan.specs {
        let id = base(spec);
        if seen.insert(id) {
            let count = loaded.plan.specs.iter().filter(|s| base(s) == id).count();
            rows.push((id.to_owned(), row(spec, id, count)));
        }
    }
    for (id, title) in missing {
        rows.push((
            id.clone(),
            format!("| {} | {} | | | | | **no spec** |\n", cell(id), cell(title)),
        ));
    }
    // The rows of the project file give the order; specs that are no row come after them.
    let order = |id: &str| {
        let at = loaded.project.matrix.iter().position(|(row, _)| row == id);
        at.unwrap_or(usize::MAX)
    };
    rows.sort_by_key(|(id, _)| order(id));
    let mut text = String::from(
        "| id | title | category | preconditions | steps | expected | tools |\n|---|---|---|---|---|---|---|\n",
    );
    for (_, row) in &rows {
        text.push_str(row);
    }
    let wanted = loaded.project.matrix.len();
    if wanted > 0 {
        let _ = writeln!(text, "\n{} of {wanted} rows have a spec.", wanted - missing.len());
    }
    text
}

fn row(spec: &SpecPlan, id: &str, count: usize) -> String {
    let id = if count > 1 {
        format!("{id} (×{count})")
    } else {
        id.to_owned()
    };
    let steps = |role: Role| {
        let names = spec.steps.iter().filter(|s| s.role == role);
        let names: Vec<String> = names
            .map(|s| s.name.clone().unwrap_or_else(|| format!("`{}`", s.action.name())))
            .map(|n| cell(&n))
            .collect();
        names.join("<br>")
    };
    let expected: Vec<String> = spec
        .check_infos()
        .iter()
        .map(|c| format!("`{}`", cell(&c.text)))
        .collect();
    let tools: Vec<String> = spec.tools.iter().map(|t| cell(&t.family.value)).collect();
    let title = match &spec.description {
        Some(description) => format!("**{}**<br>{}", cell(&spec.title), cell(description)),
        None => format!("**{}**", cell(&spec.title)),
    };
    format!(
        "| [{}]({}) | {title} | {} | {} | {} | {} | {} |\n",
        cell(&id),
        cell(&spec.place.file),
        cell(spec.category.as_deref().unwrap_or_default()),
        steps(Role::Precondition),
        steps(Role::Step),
        expected.join("<br>"),
        tools.join(", "),
    )
}

fn base(spec: &SpecPlan) -> &str {
    spec.id.as_str().split('[').next().unwrap_or_default()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
