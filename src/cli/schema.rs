//! `specrun schema`: the JSON Schemas for editors and for readers of machine-readable output.

use std::fmt::Write as _;

use super::output::Output;
use super::{Exit, schemas};
use crate::action::Registry;
use crate::diag::did_you_mean;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// `spec`, `environment`, `project`, `event`, or an action (`http.request`); without one, the list of names.
    name: Option<String>,
}

pub fn run(args: &Args, registry: &Registry, output: Output) -> Exit {
    let Some(name) = args.name.as_deref() else {
        let mut text = String::new();
        for schema in schemas::PUBLISHED {
            let _ = writeln!(text, "{:<12} {}", schema.name, schema.about);
        }
        for action in registry.names() {
            let _ = writeln!(text, "{action}");
        }
        output.out(&text);
        return Exit::Passed;
    };
    let published = schemas::PUBLISHED.iter().find(|s| s.name == name);
    let schema = published
        .map(|s| (s.schema)(registry))
        .or_else(|| registry.get(name).map(schemas::action));
    if let Some(schema) = schema {
        output.out(&schemas::text(&schema));
        return Exit::Passed;
    }
    output.error(&format!("there is no schema called `{name}`"));
    let known = schemas::PUBLISHED.iter().map(|s| s.name).chain(registry.names());
    if let Some(help) = did_you_mean(name, known) {
        output.err(&format!("help: {help}\n"));
    }
    Exit::Usage
}
