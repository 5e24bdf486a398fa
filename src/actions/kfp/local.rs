//! The SDK, asked through a small Python program: the question on its standard input, the answer in a file, what the
//! steps print in a log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::action::{Class, Context, Failure};
use crate::actions::exec::{Line, Word};
use crate::diag::did_you_mean;
use crate::tools::http::Until;
use crate::tools::process::Command;
use crate::value::{Duration, Secret};

/// The interpreter when neither the step nor the environment names one.
pub(super) const PYTHON: &str = "python3";
const DRIVER: &str = include_str!("driver.py");
/// Lines of the end of the log that a failure shows.
const SHOWN: usize = 20;

/// How the SDK is run: what the verbs' parameters have in common.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Runner {
    /// The interpreter, which must have the package `kfp`: a path, or a program that the environment names
    /// (`endpoints: {exec: {programs: ...}}`). Without it the one of the environment (`endpoints: {kfp: {python: ...}}`),
    /// else `python3`.
    #[serde(default)]
    python: Option<String>,
    /// Variables for the interpreter and what it runs; the environment's (`endpoints: {kfp: {env: ...}}`) come before
    /// these.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// Variables whose values are secrets.
    #[serde(default)]
    secret_env: BTreeMap<String, Secret>,
    /// How long it may take; the step's timeout also holds.
    #[serde(default)]
    timeout: Option<Duration>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Job {
    Compile,
    Run,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Pipeline,
    Component,
}

/// A question to the program.
pub(super) struct Question {
    pub job: Job,
    pub what: What,
    /// The pipeline's or component's name; none for the only one.
    pub name: Option<String>,
    /// The Python file, as the spec names it.
    pub file: String,
    pub arguments: Map<String, Json>,
    pub artifacts: BTreeMap<String, Json>,
    /// Whether each step gets a virtual environment with its packages.
    pub install: bool,
}

/// An answer, and where things are.
pub(super) struct Answered<T> {
    pub done: T,
    /// The compiled pipeline.
    pub ir: PathBuf,
    /// What the steps printed.
    pub log: PathBuf,
    /// The last lines of it.
    pub last_lines: Vec<String>,
    pub elapsed: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer<T> {
    Done(T),
    Refused(Refused),
}

/// Why the program did not do it.
#[derive(Debug, Deserialize)]
struct Refused {
    kind: String,
    message: String,
    line: Option<u64>,
    column: Option<u64>,
    text: Option<String>,
    #[serde(default)]
    known: Vec<String>,
}

impl Runner {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// `missing` without an interpreter or without the SDK in it; `invalid` for a file that cannot be read as Python
    /// or that kfp refuses, with the line; `bad_parameter` for a name or an argument that is not there.
    pub(super) async fn ask<T: DeserializeOwned>(
        self,
        question: Question,
        cx: &Context,
    ) -> Result<Answered<T>, Failure> {
        let file = cx.tools.files.readable(&cx.base_dir, &question.file)?;
        let place = |name: &str| {
            cx.artifact(name)
                .map_err(|e| Failure::new(Class::Internal, format!("making the step's folder: {e}")))
        };
        let (driver, answer, ir, log) = (
            place("driver.py")?,
            place("answer.json")?,
            place("pipeline.yaml")?,
            place("kfp.log")?,
        );
        let written = |path: &Path, e: std::io::Error| {
            Failure::new(Class::Internal, format!("writing {}: {e}", path.display()))
        };
        std::fs::write(&driver, DRIVER).map_err(|e| written(&driver, e))?;
        // A second attempt must not read the first one's answer.
        let _ = std::fs::remove_file(&answer);
        let words = serde_json::json!({
            "do": question.job, "what": question.what, "name": question.name, "file": file,
            "arguments": question.arguments, "artifacts": question.artifacts, "install": question.install,
            "answer": answer, "ir": ir, "root": place("root")?, "workspace": place("workspace")?,
        });
        let mut command = self.command(&driver, cx)?;
        command.stdin = Some(words.to_string().into_bytes());
        let until = Until {
            deadline: self.timeout.map_or(cx.deadline, |d| {
                let limit =
                    std::time::Duration::try_from_secs_f64(d.0.max(0.0)).unwrap_or(std::time::Duration::MAX);
                Instant::now()
                    .checked_add(limit)
                    .map_or(cx.deadline, |t| t.min(cx.deadline))
            }),
            cancel: cx.cancel.clone(),
        };
        (cx.progress)(format!("running {}", question.file));
        let finished = cx.tools.process.run(command, &until).await?;
        let text = plain(&finished.stdout.text);
        std::fs::write(&log, &text).map_err(|e| written(&log, e))?;
        let Ok(bytes) = std::fs::read(&answer) else {
            return Err(finished.failure());
        };
        // It may repeat what a step said, and so a secret.
        let _ = std::fs::remove_file(&answer);
        let said = cx.tools.redactor.redact(&String::from_utf8_lossy(&bytes));
        let answer: Answer<T> = serde_json::from_str(&said).map_err(|e| {
            Failure::new(
                Class::Internal,
                format!("the answer of the program that runs kfp cannot be read: {e}"),
            )
        })?;
        match answer {
            Answer::Done(done) => Ok(Answered {
                done,
                ir,
                log,
                last_lines: last(&text),
                elapsed: Duration(finished.elapsed.as_secs_f64()),
            }),
            Answer::Refused(refused) => Err(refused.failure(&question, &self.interpreter(cx))),
        }
    }

    fn interpreter(&self, cx: &Context) -> String {
        let setting = || {
            let endpoint = cx.tools.endpoints.get("kfp")?;
            endpoint.settings.get("python")?.as_str().map(str::to_owned)
        };
        self.python
            .clone()
            .or_else(setting)
            .unwrap_or_else(|| PYTHON.to_owned())
    }

    fn command(&self, driver: &Path, cx: &Context) -> Result<Command, Failure> {
        let mut env: BTreeMap<String, Word> = [("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONUNBUFFERED", "1")]
            .map(|(k, v)| (k.to_owned(), Word::Text(v.to_owned())))
            .into();
        if let Some(setting) = cx.tools.endpoints.get("kfp").and_then(|e| e.settings.get("env")) {
            let of_environment: BTreeMap<String, String> =
                serde_json::from_value(setting.clone()).map_err(|e| {
                    Failure::new(
                        Class::BadParameter,
                        format!("the environment's `endpoints.kfp.env` must be texts by name: {e}"),
                    )
                })?;
            env.extend(of_environment.into_iter().map(|(k, v)| (k, Word::Text(v))));
        }
        env.extend(self.env.iter().map(|(k, v)| (k.clone(), Word::Text(v.clone()))));
        let line = Line {
            argv: [self.interpreter(cx), driver.display().to_string()]
                .map(Word::Text)
                .into(),
            env,
            secret_env: self.secret_env.clone(),
            dir: None,
        };
        line.command(cx)
    }
}

impl Refused {
    fn failure(&self, question: &Question, python: &str) -> Failure {
        let file = &question.file;
        let at = match (self.line, self.column) {
            (Some(line), Some(column)) => format!("`{file}` line {line} column {column}"),
            (Some(line), None) => format!("`{file}` line {line}"),
            _ => format!("`{file}`"),
        };
        let message = &self.message;
        let mut failure = match self.kind.as_str() {
            "no_kfp" => Failure::new(Class::Missing, message.clone()).help(
                "name a Python that has the package kfp: `endpoints: {kfp: {python: .venv/bin/python}}` in the \
                 environment file, or `python` in the step",
            ),
            "syntax" => Failure::new(Class::Invalid, format!("{at} is not Python: {message}")),
            "import" => Failure::new(Class::Missing, format!("{at} cannot be imported: {message}"))
                .help(format!("install it for the interpreter `{python}`")),
            "load" => Failure::new(Class::Invalid, format!("{at} cannot be imported: {message}")),
            "compile" => Failure::new(Class::Invalid, format!("{at} cannot be compiled: {message}")),
            "collision" => Failure::new(Class::Invalid, format!("{at}: {message}")),
            "output" => Failure::new(Class::UnreadableAnswer, format!("{at}: {message}")),
            _ => Failure::new(Class::BadParameter, format!("{at}: {message}")),
        };
        failure.reason = Some(self.kind.clone());
        if let Some(text) = self.text.as_deref().filter(|t| !t.trim().is_empty()) {
            failure = failure.detail(text.to_owned());
            if let Some(column) = self.column {
                failure = failure.detail(format!(
                    "{}^",
                    " ".repeat(column.saturating_sub(1).min(500) as usize)
                ));
            }
        }
        if !self.known.is_empty() {
            failure = failure.detail(format!("it has: {}", self.known.join(", ")));
        }
        let near = question.name.as_deref().filter(|_| self.kind == "unknown");
        match near.and_then(|name| did_you_mean(name, self.known.iter().map(String::as_str))) {
            Some(text) => failure.help(text),
            None => failure,
        }
    }
}

/// A text without the colours that kfp puts into it.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.strip_prefix('m').unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

fn last(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| !l.trim_matches(['-', ' ']).is_empty())
        .collect();
    lines[lines.len().saturating_sub(SHOWN)..]
        .iter()
        .map(|l| l.chars().take(500).collect())
        .collect()
}
