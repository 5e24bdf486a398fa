//! A plan for people: text, Graphviz, Mermaid.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{ForEach, Plan, SpecPlan, StepPlan};
use crate::event::Role;
use crate::tools::Capability;
use crate::value::Value;

/// Every spec with its inputs, its steps in order and what each waits for.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    for spec in &plan.specs {
        spec_text(&mut out, spec);
    }
    out
}

/// Everything the specs reach, as the flags that grant it, each once.
#[must_use]
pub fn capabilities(plan: &Plan) -> Vec<String> {
    let all: BTreeSet<&Capability> = plan.specs.iter().flat_map(|s| &s.capabilities).collect();
    all.into_iter().map(Capability::flag).collect()
}

/// The graph in Graphviz' language.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut out = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (s, spec) in plan.specs.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_{s} {{\n    label={};",
            quoted(&title(spec))
        );
        for (i, step) in spec.steps.iter().enumerate() {
            let style = if step.background { ", style=dashed" } else { "" };
            let label = format!("{}\n{}", step.id, step.action.name());
            let _ = writeln!(out, "    s{s}_{i} [label={}{style}];", quoted(&label));
        }
        for (from, to, uses) in edges(spec) {
            let style = if uses { "" } else { " [style=dotted]" };
            let _ = writeln!(out, "    s{s}_{from} -> s{s}_{to}{style};");
        }
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

/// The graph in Mermaid's language: a full line is a value that is handed on, a dotted one only an order.
#[must_use]
pub fn mermaid(plan: &Plan) -> String {
    let mut out = String::from("flowchart LR\n");
    for (s, spec) in plan.specs.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{s} [{}]", entities(&title(spec)));
        for (i, step) in spec.steps.iter().enumerate() {
            let label = entities(&format!("{}: {}", step.id, step.action.name()));
            let (open, close) = if step.background { ("([", "])") } else { ("[", "]") };
            let _ = writeln!(out, "    s{s}_{i}{open}{label}{close}");
        }
        for (from, to, uses) in edges(spec) {
            let arrow = if uses { "-->" } else { "-.->" };
            let _ = writeln!(out, "    s{s}_{from} {arrow} s{s}_{to}");
        }
        out.push_str("  end\n");
    }
    out
}

fn spec_text(out: &mut String, spec: &SpecPlan) {
    let _ = writeln!(out, "{}", title(spec));
    for input in &spec.inputs {
        let value = match &input.value {
            Value::Null => "(no value)".to_owned(),
            value => plain(&value.to_json()),
        };
        let _ = writeln!(out, "  input {} = {value}", input.name);
    }
    for (name, value) in &spec.matrix {
        let _ = writeln!(out, "  matrix {name} = {}", plain(&value.to_json()));
    }
    if !spec.locks.is_empty() {
        let _ = writeln!(out, "  locks {}", spec.locks.join(", "));
    }
    if !spec.services.is_empty() {
        let _ = writeln!(out, "  services {}", spec.services.join(", "));
    }
    let width = spec
        .steps
        .iter()
        .map(|s| s.id.as_str().chars().count())
        .max()
        .unwrap_or(0);
    let mut role = None;
    for step in &spec.steps {
        if role != Some(step.role) {
            role = Some(step.role);
            let _ = writeln!(out, "  {}", heading(step.role));
        }
        let _ = write!(out, "    {:width$}  {}", step.id.as_str(), step.action.name());
        for word in rules(spec, step) {
            let _ = write!(out, "  {word}");
        }
        out.push('\n');
        for check in step
            .expect
            .iter()
            .chain(step.poll.iter().filter_map(|p| p.until.as_ref()))
        {
            let _ = writeln!(out, "    {:width$}    expects {}", "", check.info.text);
        }
        if let Some(f) = &step.expect_failure {
            let _ = writeln!(out, "    {:width$}    expects that it {}", "", f.info.text);
        }
        for cleanup in &step.cleanup {
            let _ = writeln!(out, "    {:width$}    cleanup {}", "", cleanup.action.name());
        }
    }
    if !spec.expect.is_empty() {
        out.push_str("  expect\n");
        for check in &spec.expect {
            let _ = writeln!(out, "    {}", check.info.text);
        }
    }
    if !spec.capabilities.is_empty() {
        out.push_str("  reaches\n");
        for c in &spec.capabilities {
            let _ = writeln!(out, "    {} {}", c.kind(), c.text());
        }
    }
}

/// The rules of a step that change when and how often it runs.
fn rules(spec: &SpecPlan, step: &StepPlan) -> Vec<String> {
    let names = |list: &[usize]| {
        let ids: Vec<&str> = list.iter().map(|i| spec.steps[*i].id.as_str()).collect();
        ids.join(", ")
    };
    let mut words = Vec::new();
    if !step.after.is_empty() {
        words.push(format!("after {}", names(&step.after)));
    }
    if let Some(ForEach { name, .. }) = &step.for_each {
        words.push(format!("for each {name}"));
    }
    if let Some(c) = &step.condition {
        words.push(format!("if {}", c.value));
    }
    if step.background {
        words.push("in the background".to_owned());
    }
    if !step.during.is_empty() {
        words.push(format!("during {}", names(&step.during)));
    }
    if let Some(p) = &step.poll {
        words.push(format!("within {}", seconds(p.within)));
    }
    if let Some(r) = &step.retry {
        words.push(format!("up to {} attempts", r.attempts));
    }
    if !step.locks.is_empty() {
        words.push(format!("locks {}", step.locks.join(", ")));
    }
    words
}

/// (from, to, whether a value is handed on), each pair once.
fn edges(spec: &SpecPlan) -> Vec<(usize, usize, bool)> {
    let mut all = Vec::new();
    for (to, step) in spec.steps.iter().enumerate() {
        for from in step.after.iter().chain(&step.during) {
            all.push((*from, to, step.uses.contains(from)));
        }
    }
    all
}

fn title(spec: &SpecPlan) -> String {
    format!("{} {}", spec.id, spec.title)
}

const fn heading(role: Role) -> &'static str {
    match role {
        Role::Precondition => "preconditions",
        Role::Step => "steps",
        Role::OnFailure => "on failure",
        Role::Cleanup => "cleanup",
    }
}

fn seconds(d: std::time::Duration) -> String {
    crate::value::Quantity {
        value: d.as_secs_f64(),
        dimension: crate::value::Dimension::Duration,
    }
    .to_string()
}

fn plain(json: &serde_json::Value) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

fn entities(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('&', "#amp;")
            .replace('"', "#quot;")
            .replace('<', "#lt;")
    )
}
