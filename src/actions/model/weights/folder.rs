//! A folder with a model: its files, but for what is written about it.

use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::{Bulk, Content, Format, Kind, Model, Tensor, detect, file_model, unknown};
use crate::action::{Class, Failure};
use crate::tools::files::Files;

/// What MLflow writes about a model: times, ids and versions, and examples of input.
const ABOUT: [&str; 8] = [
    "MLmodel",
    "conda.yaml",
    "python_env.yaml",
    "requirements.txt",
    "input_example.json",
    "serving_input_example.json",
    "registered_model_meta",
    "metadata",
];
/// A model has fewer files.
const MANY: usize = 10_000;

/// Which files are weights, and how they are read.
#[derive(Default)]
pub struct Rules {
    pub format: Option<Format>,
    ignore: GlobSet,
    raw: GlobSet,
}

impl Rules {
    /// # Errors
    /// `bad_parameter` for a pattern that is none.
    pub fn new(format: Option<Format>, ignore: &[String], raw: &[String]) -> Result<Self, Failure> {
        Ok(Self {
            format,
            ignore: globs(ignore)?,
            raw: globs(raw)?,
        })
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let wrong = |e: globset::Error| Failure::new(Class::BadParameter, format!("not a pattern: {e}"));
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(wrong)?);
    }
    set.build().map_err(wrong)
}

/// The files of a folder as one model; tensors are named `file:tensor`.
pub fn open(path: &Path, rules: &Rules, files: &Files) -> Result<Model, Failure> {
    let mut model = Model {
        format: "folder".to_owned(),
        canonical: true,
        tensors: Vec::new(),
    };
    for (seen, entry) in walkdir::WalkDir::new(path)
        .sort_by_file_name()
        .into_iter()
        .enumerate()
    {
        let entry = entry
            .map_err(|e| Failure::new(Class::Missing, format!("{} cannot be read: {e}", path.display())))?;
        if seen > MANY {
            return Err(Failure::new(
                Class::TooLarge,
                format!("{} has more than {MANY} files", path.display()),
            ));
        }
        let inside = entry.path().strip_prefix(path).unwrap_or(entry.path());
        let first = inside.iter().next().unwrap_or_default();
        if entry.file_type().is_dir() || ABOUT.iter().any(|a| first == *a) || rules.ignore.is_match(inside) {
            continue;
        }
        let name = inside.display().to_string();
        let (_, file) = files.open(path, &name)?;
        let bulk = Bulk::of(file, &name)?;
        if rules.raw.is_match(inside) {
            model.canonical = false;
            model.tensors.push(Tensor {
                name,
                kind: Kind::other("bytes"),
                shape: vec![bulk.len()],
                content: Content::all(bulk),
            });
            continue;
        }
        let format = match rules.format {
            Some(format) => format,
            None => detect(&bulk, &name)?,
        };
        if format == Format::Raw && rules.format.is_none() {
            return Err(unknown(&name, "it is of no known format"));
        }
        let one = file_model(bulk, format, entry.path(), files).map_err(|f| Failure {
            message: format!("{name}: {}", f.message),
            ..f
        })?;
        model.canonical &= one.canonical;
        model.tensors.extend(one.tensors.into_iter().map(|t| Tensor {
            name: format!("{name}:{}", t.name),
            ..t
        }));
    }
    Ok(model)
}
