//! The program, the script, the service it is pointed at, and the variables it gets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::action::{Class, Context, Failure, ParamProblem};
use crate::actions::exec::{Word, given_twice};
use crate::tools::Capability;
use crate::tools::process::{Command, EnvValue};
use crate::value::Secret;

/// A script that is to run.
pub struct Script<'a> {
    /// The generator's family, which is also the usual name of its program.
    pub family: &'static str,
    pub script: &'a str,
    pub target: Option<&'a str>,
    pub env: &'a BTreeMap<String, Word>,
    pub secret_env: &'a BTreeMap<String, Secret>,
}

/// A command without its arguments, and what they need.
pub struct Prepared {
    pub command: Command,
    /// The script, from the root.
    pub script: String,
    /// The URL of the service the script is pointed at.
    pub target: Option<String>,
    /// What the generator writes goes here.
    pub folder: Folder,
}

/// A folder for what a generator writes: outside of the run directory, because a script may write a secret. It is removed
/// in the end.
pub struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Result<Self, Failure> {
        tempfile::tempdir()
            .map(Self)
            .map_err(|e| Failure::new(Class::Internal, format!("a folder for the generator: {e}")))
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a file holds; none when there is none, or when it is larger than 64 MiB.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        const MOST: u64 = 64 << 20;
        let path = self.file(name);
        let small = std::fs::metadata(&path).is_ok_and(|m| m.is_file() && m.len() <= MOST);
        small.then(|| std::fs::read(path).ok()).flatten()
    }

    /// Keeps a file in the run directory, secrets masked.
    pub fn keep(&self, cx: &Context, name: &str) {
        if let (Some(bytes), Ok(path)) = (self.read(name), cx.artifact(name)) {
            // Evidence that cannot be kept changes no verdict.
            let _ = std::fs::write(path, cx.tools.redactor.redact_bytes(&bytes));
        }
    }
}

impl Script<'_> {
    /// The command as far as every generator has it.
    ///
    /// # Errors
    /// What is missing.
    pub fn prepare(&self, cx: &Context) -> Result<Prepared, Failure> {
        let script = cx.tools.files.readable(&cx.base_dir, self.script)?;
        let mut command = Command::new(cx.tools.endpoints.program(self.family, self.family)?, []);
        command.dir.clone_from(&cx.base_dir);
        command.spill = Some(cx.artifact_dir.clone());
        for (name, value) in self.env {
            command.env.push((name.clone(), EnvValue::Plain(value.text())));
        }
        for (name, value) in self.secret_env {
            command.env.push((name.clone(), EnvValue::Secret(value.clone())));
        }
        Ok(Prepared {
            command,
            script: script.display().to_string(),
            target: self.target(cx)?,
            folder: Folder::new()?,
        })
    }

    /// Where the script is pointed at: the endpoint of the family it names, else the generator's own.
    fn target(&self, cx: &Context) -> Result<Option<String>, Failure> {
        let endpoints = &cx.tools.endpoints;
        let Some(family) = self.target else {
            return Ok(endpoints.get(self.family).and_then(|e| e.url.clone()));
        };
        // The script's program reaches what specrun would have to be granted.
        cx.tools.grants.check(&Capability::Endpoint {
            family: family.to_owned(),
        })?;
        let url = endpoints.get(family).and_then(|e| e.url.clone());
        url.map(Some).ok_or_else(|| {
            Failure::new(
                Class::Missing,
                format!("the environment has no URL for `{family}`, which the script is pointed at"),
            )
            .help(format!(
                "add `endpoints: {{{family}: {{url: ...}}}}` to the environment file"
            ))
        })
    }
}

/// What a script's step reaches.
pub fn reach(program: &str, params: &Json) -> Vec<Capability> {
    let known = |key: &str| {
        let text = params.get(key)?.as_str()?;
        Some(if text.contains("${{") { "?" } else { text }.to_owned())
    };
    let mut all = vec![Capability::Exec {
        program: program.to_owned(),
        args: Vec::new(),
    }];
    all.extend(known("script").map(|path| Capability::Read { path }));
    all.extend(
        known("target")
            .filter(|t| t != "?")
            .map(|family| Capability::Endpoint { family }),
    );
    all
}

/// What is wrong with a script's step, as far as parameters tell.
pub fn problems(params: &Json, refused: &[&str]) -> Vec<ParamProblem> {
    let mut problems = refused_arguments(params, refused);
    problems.extend(given_twice(params));
    problems
}

/// Arguments that would take away what is measured.
fn refused_arguments(params: &Json, refused: &[&str]) -> Vec<ParamProblem> {
    let arguments = params.get("args").and_then(Json::as_array);
    arguments
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .filter_map(|argument| {
            let name = argument.split('=').next().unwrap_or(argument);
            refused.contains(&name).then(|| ParamProblem {
                pointer: "/args".to_owned(),
                key: None,
                message: format!(
                    "the argument `{name}` is given by specrun itself, or takes its numbers away"
                ),
                help: Some("take it out".to_owned()),
            })
        })
        .collect()
}
