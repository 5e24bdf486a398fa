//! `specrun new`: the first lines of a spec, so that nobody starts from an empty file.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Exit;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to write: `specs/serving/T21_latency.yaml`. Its name gives id and title, its folder the category.
    path: PathBuf,
    /// The id, when it is not the first word of the file's name.
    #[arg(long)]
    id: Option<String>,
    /// The title, when it is not the rest of the file's name.
    #[arg(long)]
    title: Option<String>,
}

pub fn run(args: &Args, output: Output) -> Exit {
    let Some(text) = text(args) else {
        output.error(&format!("`{}` names no file to write", args.path.display()));
        return Exit::Usage;
    };
    match write(&args.path, &text) {
        Ok(()) => {
            output.out(&format!(
                "wrote {0}\nnext: edit it, then `specrun check {0}` and `specrun run {0}`\n",
                args.path.display()
            ));
            Exit::Passed
        }
        Err(e) => {
            output.error(&format!("writing {}: {e}", args.path.display()));
            Exit::Usage
        }
    }
}

/// Never replaces a file.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

fn text(args: &Args) -> Option<String> {
    let stem = args.path.file_stem()?.to_str()?;
    let (first, rest) = stem.split_once(['_', '-']).unwrap_or((stem, stem));
    let id = args.id.as_deref().unwrap_or(first);
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| rest.replace(['_', '-'], " "));
    let category = args
        .path
        .parent()
        .and_then(|p| p.file_name()?.to_str().map(str::to_owned));
    let schema = schema_of(&args.path)
        .map(|path| format!("# yaml-language-server: $schema={path}\n"))
        .unwrap_or_default();
    let category = category
        .map(|c| format!("category: {}\n", quoted(&c)))
        .unwrap_or_default();
    Some(format!(
        "{schema}specrun: 1
id: {}
title: {}
{category}tools: [http]

inputs:
  url: {{type: string, description: \"The service under test, for example http://127.0.0.1:8080.\"}}

steps:
  - id: answer
    http.request: {{url: \"${{{{ inputs.url }}}}/\"}}

expect:
  - answer.status == 200
",
        quoted(id),
        quoted(&title),
    ))
}

/// A JSON string is a YAML string, whatever is in it; plain words need no quotes.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ' ' || c == '-')
        && !text.ends_with(' ')
        && !["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// The way from the file to `schemas/spec.schema.json` of the project it is in, if the project has one.
fn schema_of(path: &Path) -> Option<String> {
    let full = std::path::absolute(path).ok()?;
    let mut way = String::new();
    for folder in full.parent()?.ancestors() {
        if folder.join("schemas/spec.schema.json").is_file() {
            return Some(format!("{way}schemas/spec.schema.json"));
        }
        way.push_str("../");
    }
    None
}
