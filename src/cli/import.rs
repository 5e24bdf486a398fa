//! `specrun import`: checks of another tool as a spec. Nothing is left out quietly: what cannot be said is an error.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::Exit;
use super::output::Output;
use crate::actions::data::suite::great_expectations;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the file is.
    #[arg(value_enum)]
    format: Format,
    /// The file.
    file: PathBuf,
    /// The table the checks are for, as the spec names it.
    #[arg(long, value_name = "PATH")]
    table: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A suite of Great Expectations, JSON.
    Gx,
}

pub fn run(args: &Args, output: Output) -> Exit {
    let Format::Gx = args.format;
    let shown = args.file.display();
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(e) => {
            output.error(&format!("reading {shown}: {e}"));
            return Exit::Usage;
        }
    };
    match spec(&text, &args.file, &args.table) {
        Ok(spec) => {
            output.out(&spec);
            Exit::Passed
        }
        Err(wrong) => {
            output.error(&format!("{shown} cannot be imported:\n  {}", wrong.join("\n  ")));
            Exit::Invalid
        }
    }
}

/// The spec, or everything that cannot be said in one.
fn spec(text: &str, file: &Path, table: &str) -> Result<String, Vec<String>> {
    let (mut checks, mut wrong) = (Vec::new(), Vec::new());
    for (i, one) in great_expectations(text)
        .map_err(|why| vec![why])?
        .into_iter()
        .enumerate()
    {
        match one.checks {
            Ok(several) => checks.extend(several.into_iter().map(readable)),
            Err(why) => wrong.push(format!("expectation {i}, {}: {why}", one.name)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let name = file.file_stem().map_or("suite".into(), |s| s.to_string_lossy());
    let id: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let spec = json!({
        "specrun": 1,
        "id": id,
        "title": format!("The table keeps the suite {name}"),
        "category": "data",
        "tools": ["data"],
        "steps": [{"id": "table", "data.check": {"table": {"path": table}, "checks": checks}}],
        "expect": ["table.failed == 0", "table.inconclusive == 0"],
    });
    serde_yaml::to_string(&spec).map_err(|e| vec![e.to_string()])
}

/// A check without what is as it would be anyway.
fn readable(check: Json) -> Json {
    match check {
        Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, trimmed(v))).collect()),
        other => other,
    }
}

fn trimmed(params: Json) -> Json {
    const DEFAULTS: [(&str, &str); 7] = [
        ("strict_min", "false"),
        ("strict_max", "false"),
        ("strictly", "false"),
        ("all", "false"),
        ("ties_okay", "false"),
        ("both_sides", "false"),
        ("ignore_row_if", "\"all_null\""),
    ];
    let default = |key: &str, value: &Json| {
        let text = value.to_string();
        DEFAULTS.contains(&(key, text.as_str()))
    };
    match params {
        Json::Object(map) => Json::Object(
            map.into_iter()
                .filter(|(key, value)| !default(key, value))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}
