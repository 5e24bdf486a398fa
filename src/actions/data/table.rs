//! A table as parameters name it.

use std::path::{Path, PathBuf};

use globset::GlobBuilder;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::object;
use crate::action::{Class, Context, Failure};
use crate::tools::Capability;
use crate::tools::objects::Place;
use crate::tools::tables::{Format, Opened, Source, open};

/// A table: one file, or several with the same columns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The file, relative to the spec's folder, or `s3://bucket/key` at the environment's endpoint `s3`; `*` and `**` stand
    /// for any names, in the order of the names.
    #[schemars(length(min = 1))]
    path: String,
    /// How to read it; without it the name's ending decides.
    #[serde(default)]
    format: Option<Format>,
    /// CSV: the sign between the fields; a comma unless the ending is `.tsv`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1))]
    delimiter: Option<String>,
    /// CSV: whether the first line holds the names.
    #[serde(default = "yes")]
    header: bool,
    /// CSV: texts that stand for null, besides the empty field.
    #[serde(default)]
    null_values: Vec<String>,
    /// CSV: whether columns that look like dates and times become such.
    #[serde(default)]
    parse_dates: bool,
    /// Only these columns are read; all when empty.
    #[serde(default)]
    columns: Vec<String>,
}

impl Table {
    /// The path or pattern, as it was given.
    pub(in crate::actions) fn path(&self) -> &str {
        &self.path
    }

    /// What to open, its files found and granted.
    fn source(&self, files: Vec<PathBuf>) -> Result<Source, Failure> {
        let delimiter = match self.delimiter.as_deref().map(str::as_bytes) {
            None => None,
            Some([one]) => Some(*one),
            Some(_) => {
                return Err(Failure::new(
                    Class::BadParameter,
                    "`delimiter` must be one ASCII character",
                ));
            }
        };
        Ok(Source {
            files,
            format: self.format,
            delimiter,
            header: self.header,
            null_values: self.null_values.clone(),
            parse_dates: self.parse_dates,
            columns: self.columns.clone(),
            ..Source::default()
        })
    }

    /// Opens it. Blocks.
    pub(in crate::actions) fn open(&self, cx: &Context) -> Result<Opened, Failure> {
        if Place::is_one(&self.path) {
            return self.open_objects(cx);
        }
        let mut found = Vec::new();
        for path in self.matching(&cx.base_dir)? {
            found.push(cx.tools.files.readable(&cx.base_dir, &path)?);
        }
        let mut opened = open(&self.source(found)?)?;
        if !self.path.contains('*') {
            opened.name.clone_from(&self.path);
        }
        Ok(opened)
    }

    fn open_objects(&self, cx: &Context) -> Result<Opened, Failure> {
        let brought = object::bring(&self.path, cx)?;
        let files = brought.files.iter().map(|(file, _)| file.clone()).collect();
        let mut opened = open(&self.source(files)?).map_err(|f| object::addressed(f, &brought.files))?;
        opened.name = match brought.files.as_slice() {
            [(_, address)] => address.clone(),
            several => format!("{} objects of {}", several.len(), self.path),
        };
        opened.kept = Some(brought.folder);
        Ok(opened)
    }

    /// The paths the pattern stands for.
    fn matching(&self, base: &Path) -> Result<Vec<String>, Failure> {
        if !self.path.contains('*') {
            return Ok(vec![self.path.clone()]);
        }
        let glob = GlobBuilder::new(&self.path)
            .literal_separator(true)
            .build()
            .map_err(|e| Failure::new(Class::BadParameter, format!("the path `{}`: {e}", self.path)))?
            .compile_matcher();
        let fixed: String = match self.path.split_once('*') {
            Some((before, _)) => before.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned(),
            None => String::new(),
        };
        let start = Path::new(".").join(base).join(&fixed);
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(&start).sort_by_file_name() {
            let entry = entry
                .map_err(|e| Failure::new(Class::Missing, format!("looking for `{}`: {e}", self.path)))?;
            if !entry.file_type().is_file() && !entry.path_is_symlink() {
                continue;
            }
            let below = entry.path().strip_prefix(&start).unwrap_or(entry.path());
            let relative = Path::new(&fixed).join(below);
            if glob.is_match(&relative) {
                found.push(relative.display().to_string());
            }
        }
        if found.is_empty() {
            let why = format!("no file matches `{}` below {}", self.path, base.display());
            return Err(Failure::new(Class::Missing, why));
        }
        Ok(found)
    }
}

/// The tables that parameters with a `table` (and further tables in checks) read.
pub(super) fn reads(params: &Json) -> Vec<Capability> {
    let mut all = Vec::new();
    collect(params, &mut all);
    if all.is_empty() {
        all.push(reach("?"));
    }
    all
}

/// What reading a table with this path needs, as far as it is known before the run.
pub(in crate::actions) fn reach(path: &str) -> Capability {
    if Place::is_one(path) {
        return Capability::Endpoint {
            family: "s3".to_owned(),
        };
    }
    let known = !path.contains("${{") && !path.contains('*');
    Capability::Read {
        path: if known { path } else { "?" }.to_owned(),
    }
}

fn collect(value: &Json, all: &mut Vec<Capability>) {
    match value {
        Json::Object(map) => {
            for (key, value) in map {
                if key == "table"
                    && let Some(path) = value.get("path").and_then(Json::as_str)
                {
                    let wanted = reach(path);
                    if !all.contains(&wanted) {
                        all.push(wanted);
                    }
                } else {
                    collect(value, all);
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, all)),
        _ => {}
    }
}

const fn yes() -> bool {
    true
}
