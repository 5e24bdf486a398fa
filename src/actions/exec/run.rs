//! `exec.run`

use std::collections::BTreeMap;
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::{Until, parse_json};
use crate::tools::process::{Captured, Command, EnvValue};
use crate::value::{Bytes, Duration, Secret};

/// Arguments that say what a program is asked to do, as far as a capability shows them.
const FIRST_WORDS: usize = 2;
/// Longer timeouts are taken to be this long.
const LONGEST: std::time::Duration = std::time::Duration::from_hours(7 * 24);

/// Runs a program to its end. The words are given to it as they are: no shell reads them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The program and its arguments. A program is looked up in PATH; with a `/` in it, it is relative to the folder of
    /// the spec. The environment can give a name several words: `endpoints: {exec: {programs: {train: [...]}}}`, and
    /// with `train: {run: [...], env: {...}}` variables of its own.
    #[schemars(length(min = 1))]
    argv: Vec<Word>,
    /// Variables for the program. Of specrun's own it sees only `PATH`, `HOME`, the language and the folder for
    /// temporary files.
    #[serde(default)]
    env: BTreeMap<String, Word>,
    /// Variables whose values are secrets. An argument cannot be one: every user of the machine can read arguments.
    #[serde(default)]
    secret_env: BTreeMap<String, Secret>,
    /// The folder it starts in, relative to the spec's.
    #[serde(default)]
    dir: Option<String>,
    /// Text for its standard input.
    #[serde(default)]
    stdin: Option<String>,
    /// Exit codes that are an answer rather than a failure; `any` for all.
    #[serde(default = "zero")]
    accept: Vec<Accepted>,
    /// How much of each output is kept in memory; the whole goes to a file when it is more.
    #[serde(default = "kept")]
    keep_output: Bytes,
    /// How much it may print to each output before it is ended.
    #[serde(default = "most")]
    max_output: Bytes,
    /// How long it may run; the step's timeout also holds.
    #[serde(default)]
    timeout: Option<Duration>,
}

/// A word of a command line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl Word {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// An exit code that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Accepted {
    Code(u8),
    Any(Any),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Any {
    /// Every exit code.
    Any,
}

/// What a program said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The exit code.
    exit_code: i32,
    /// What it printed; with a gap in the middle when it was more than is kept.
    stdout: String,
    /// What it printed to the error output.
    stderr: String,
    /// The standard output as JSON, when it is an object or a list; else its last line, when that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Json>,
    /// How long it ran.
    elapsed: Duration,
    /// Whether `stdout` or `stderr` leaves something out.
    cut: bool,
    /// Where the whole standard output is, when `stdout` leaves something out.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_file: Option<String>,
    /// Where the whole error output is, when `stderr` leaves something out.
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_file: Option<String>,
}

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "exec.run";
    type Params = Params;
    type Output = Output;

    /// Whether a program may be run twice nobody knows.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let words: Vec<String> = params
            .get("argv")
            .and_then(Json::as_array)
            .map(|words| {
                words
                    .iter()
                    .map(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned))
                    .collect()
            })
            .unwrap_or_default();
        let known = |word: &&String| !word.contains("${{");
        let program = words
            .first()
            .filter(known)
            .cloned()
            .unwrap_or_else(|| "?".to_owned());
        // Flags name what is done as little as values do; the words before them do.
        let args = words
            .iter()
            .skip(1)
            .take_while(|w| known(w) && !w.starts_with('-'))
            .take(FIRST_WORDS)
            .cloned()
            .collect();
        vec![Capability::Exec { program, args }]
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        let names = |key: &str| {
            params
                .get(key)
                .and_then(Json::as_object)
                .map(|m| m.keys().cloned().collect::<Vec<_>>())
        };
        let plain = names("env").unwrap_or_default();
        names("secret_env")
            .unwrap_or_default()
            .into_iter()
            .filter(|name| plain.contains(name))
            .map(|name| ParamProblem {
                pointer: "/secret_env".to_owned(),
                message: format!("the variable `{name}` is given twice, in `env` and in `secret_env`"),
                key: Some(name),
                help: None,
            })
            .collect()
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let accept = params.accept.clone();
        let until = Until {
            deadline: params
                .timeout
                .map_or(cx.deadline, |d| cx.deadline.min(Instant::now() + seconds(d))),
            cancel: cx.cancel.clone(),
        };
        let done = cx.tools.process.run(command(params, cx)?, &until).await?;
        let Some(exit_code) = done.code else {
            return Err(done.failure());
        };
        let accepted = accept.iter().any(|a| match a {
            Accepted::Any(Any::Any) => true,
            Accepted::Code(code) => i32::from(*code) == exit_code,
        });
        if !accepted {
            return Err(done.failure());
        }
        let file = |c: &Captured| c.file.as_ref().map(|f| f.display().to_string());
        Ok(Output {
            exit_code,
            json: json(&done.stdout),
            elapsed: Duration(done.elapsed.as_secs_f64()),
            cut: done.stdout.cut || done.stderr.cut,
            stdout_file: file(&done.stdout),
            stderr_file: file(&done.stderr),
            stdout: done.stdout.text,
            stderr: done.stderr.text,
        })
    }
}

fn command(params: Params, cx: &Context) -> Result<Command, Failure> {
    let settings = Settings::of(cx)?;
    let mut words = params.argv.iter().map(Word::text);
    let name = words
        .next()
        .ok_or_else(|| Failure::new(Class::BadParameter, "`argv` holds no program"))?;
    let mut own = BTreeMap::new();
    let mut command = match settings.programs.get(&name) {
        Some(program) => {
            let (Stand::Words(words) | Stand::Program { run: words, .. }) = program;
            if let Stand::Program { env, .. } = program {
                own.clone_from(env);
            }
            let mut stand_for = words.iter().cloned();
            let program = stand_for.next().ok_or_else(|| {
                Failure::new(
                    Class::BadParameter,
                    format!("the environment gives the program `{name}` no words"),
                )
            })?;
            Command::new(program, stand_for)
        }
        None => Command::new(name, []),
    };
    command.args.extend(words);
    // A step's own variables win over the program's, and these over everybody's.
    let mut given = settings.env;
    given.extend(own);
    for (name, value) in given {
        if !params.env.contains_key(&name) && !params.secret_env.contains_key(&name) {
            command.env.push((name, EnvValue::Plain(value)));
        }
    }
    for (name, value) in params.env {
        command.env.push((name, EnvValue::Plain(value.text())));
    }
    for (name, value) in params.secret_env {
        command.env.push((name, EnvValue::Secret(value)));
    }
    command.dir = match params.dir {
        Some(dir) => cx.tools.files.readable(&cx.base_dir, &dir)?,
        None => cx.base_dir.clone(),
    };
    command.stdin = params.stdin.map(String::into_bytes);
    command.keep = params.keep_output.0 as usize;
    command.most = params.max_output.0 as u64;
    command.spill = Some(cx.artifact_dir.clone());
    Ok(command)
}

/// What the environment says about programs.
#[derive(Debug, Default)]
struct Settings {
    programs: BTreeMap<String, Stand>,
    env: BTreeMap<String, String>,
}

/// What stands for the name of a program.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Stand {
    Words(Vec<String>),
    Program {
        run: Vec<String>,
        #[serde(default)]
        env: BTreeMap<String, String>,
    },
}

impl Settings {
    fn of(cx: &Context) -> Result<Self, Failure> {
        let Some(endpoint) = cx.tools.endpoints.get("exec") else {
            return Ok(Self::default());
        };
        Ok(Self {
            programs: setting(
                &endpoint.settings,
                "programs",
                "lists of words, or `{run: [...], env: {...}}`, by name",
            )?,
            env: setting(&endpoint.settings, "env", "texts by name")?,
        })
    }
}

fn setting<T: serde::de::DeserializeOwned + Default>(
    settings: &BTreeMap<String, Json>,
    key: &str,
    shape: &str,
) -> Result<T, Failure> {
    settings.get(key).map_or_else(
        || Ok(T::default()),
        |value| {
            serde_json::from_value(value.clone()).map_err(|e| {
                Failure::new(
                    Class::BadParameter,
                    format!("the environment's `endpoints.exec.{key}` must be {shape}: {e}"),
                )
            })
        },
    )
}

/// What programs print for other programs: the whole output, or a last line after lines for people.
fn json(stdout: &Captured) -> Option<Json> {
    let compound = |text: &str| {
        let text = text.trim();
        text.starts_with(['{', '['])
            .then(|| parse_json(text.as_bytes()).ok())
            .flatten()
    };
    let whole = (!stdout.cut).then(|| compound(&stdout.text)).flatten();
    whole.or_else(|| {
        stdout
            .text
            .lines()
            .rev()
            .find(|l| !l.trim().is_empty())
            .and_then(compound)
    })
}

fn seconds(d: Duration) -> std::time::Duration {
    std::time::Duration::try_from_secs_f64(d.0.max(0.0)).unwrap_or(LONGEST)
}

fn zero() -> Vec<Accepted> {
    vec![Accepted::Code(0)]
}

const fn kept() -> Bytes {
    Bytes(262_144.0)
}

const fn most() -> Bytes {
    Bytes(67_108_864.0)
}
