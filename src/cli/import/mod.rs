//! `specrun import`: checks of another tool as a spec. Nothing is left out quietly: what cannot be said is an error.

mod dbt;
mod foreign;
mod soda;
mod sql;
mod threshold;

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
    /// The table the checks are for, as the spec names it; with several tables `NAME=PATH` for each.
    #[arg(long = "table", value_name = "PATH", required = true)]
    tables: Vec<String>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// A suite of Great Expectations, JSON.
    Gx,
    /// A data contract of Soda 4, YAML.
    Soda,
    /// The generic tests of a `schema.yml` of dbt.
    Dbt,
}

/// The tables by the names the other tool has for them.
#[derive(Debug, Default)]
pub struct Tables {
    /// The only one.
    alone: Option<String>,
    named: Vec<(String, String)>,
}

impl Tables {
    fn new(given: &[String]) -> Result<Self, String> {
        let mut out = Self::default();
        for text in given {
            match text.split_once('=') {
                Some((name, path)) if !name.contains('/') => {
                    out.named.push((name.to_owned(), path.to_owned()));
                }
                _ if out.alone.is_some() => {
                    return Err(format!(
                        "`--table {text}`: of several tables each needs its name, NAME=PATH"
                    ));
                }
                _ => out.alone = Some(text.clone()),
            }
        }
        Ok(out)
    }

    /// The path of a table that was named.
    fn path_of(&self, name: &str) -> Result<String, String> {
        let known = self.named.iter().find(|(known, _)| known == name);
        known
            .map(|(_, path)| path.clone())
            .ok_or_else(|| format!("the table `{name}` is not known: give `--table {name}=PATH`"))
    }

    /// The path of a table, also when only one was given.
    fn path_or_only(&self, name: &str) -> Result<String, String> {
        match &self.alone {
            Some(path) => Ok(path.clone()),
            None => self.path_of(name),
        }
    }
}

/// Checks of one table: its name there, its path here.
struct Group {
    name: String,
    path: String,
    checks: Vec<Json>,
}

pub fn run(args: &Args, output: Output) -> Exit {
    let shown = args.file.display();
    let tables = match Tables::new(&args.tables) {
        Ok(tables) => tables,
        Err(why) => {
            output.error(&why);
            return Exit::Usage;
        }
    };
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(e) => {
            output.error(&format!("reading {shown}: {e}"));
            return Exit::Usage;
        }
    };
    let (mut notes, name) = (Vec::new(), args.file.display().to_string());
    let groups = match args.format {
        Format::Gx => expectations(&text, &args.file, &tables),
        Format::Soda => soda::contract(&name, &text, &tables).and_then(|(name, checks)| {
            let path = tables.path_or_only(&name).map_err(|why| vec![why])?;
            Ok(vec![Group { name, path, checks }])
        }),
        Format::Dbt => dbt::schema(&name, &text, &tables).and_then(|found| {
            notes = found.notes;
            if tables.alone.is_some() && found.tables.len() > 1 {
                let names: Vec<&str> = found.tables.iter().map(|(n, _)| n.as_str()).collect();
                return Err(vec![format!(
                    "there are several models, {}: give `--table NAME=PATH` for each",
                    names.join(", ")
                )]);
            }
            let group = |(name, checks): (String, Vec<Json>)| {
                let path = tables.path_or_only(&name)?;
                Ok(Group { name, path, checks })
            };
            let (good, bad): (Vec<_>, Vec<_>) = found.tables.into_iter().map(group).partition(Result::is_ok);
            let wrong: Vec<String> = bad.into_iter().filter_map(Result::err).collect();
            if wrong.is_empty() {
                Ok(good.into_iter().filter_map(Result::ok).collect())
            } else {
                Err(wrong)
            }
        }),
    };
    match groups.and_then(|groups| spec(&args.file, groups)) {
        Ok(spec) => {
            for note in notes {
                output.err(&format!("note: {note}\n"));
            }
            output.out(&spec);
            Exit::Passed
        }
        Err(wrong) => {
            output.error(&format!("{shown} cannot be imported:\n  {}", wrong.join("\n  ")));
            Exit::Invalid
        }
    }
}

/// The checks of a suite of Great Expectations, or everything that cannot be said.
fn expectations(text: &str, file: &Path, tables: &Tables) -> Result<Vec<Group>, Vec<String>> {
    let (mut checks, mut wrong) = (Vec::new(), Vec::new());
    for (i, one) in great_expectations(text)
        .map_err(|why| vec![why])?
        .into_iter()
        .enumerate()
    {
        match one.checks {
            Ok(several) => checks.extend(several),
            Err(why) => wrong.push(format!("expectation {i}, {}: {why}", one.name)),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let name = stem(file);
    let path = tables.path_or_only(&name).map_err(|why| vec![why])?;
    Ok(vec![Group {
        name: "table".to_owned(),
        path,
        checks,
    }])
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .map_or("suite".into(), |s| s.to_string_lossy())
        .into_owned()
}

/// The spec: a step for each table.
fn spec(file: &Path, groups: Vec<Group>) -> Result<String, Vec<String>> {
    let name = stem(file);
    let id: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let (mut steps, mut expect) = (Vec::new(), Vec::new());
    for group in groups {
        let step = step_id(&group.name, steps.len());
        let checks: Vec<Json> = group.checks.into_iter().map(readable).collect();
        steps.push(json!({"id": step, "data.check": {"table": {"path": group.path}, "checks": checks}}));
        expect.push(format!("{step}.failed == 0"));
        expect.push(format!("{step}.inconclusive == 0"));
    }
    let spec = json!({
        "specrun": 1,
        "id": id,
        "title": format!("The data keep what {name} says"),
        "category": "data",
        "tools": ["data"],
        "steps": steps,
        "expect": expect,
    });
    serde_yaml::to_string(&spec).map_err(|e| vec![e.to_string()])
}

/// A table's name as the id of a step.
fn step_id(name: &str, number: usize) -> String {
    let id: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let letter = id.starts_with(|c: char| c.is_ascii_lowercase());
    if letter {
        id
    } else {
        format!("table_{number}_{id}")
    }
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
