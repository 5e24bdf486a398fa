//! A command line as a spec gives it, and as the environment completes it: for every action that runs a program of the
//! user's.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::action::{Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::parse_json;
use crate::tools::process::{Captured, Command, EnvValue};
use crate::value::Secret;

/// Arguments that say what a program is asked to do, as far as a capability shows them.
const FIRST_WORDS: usize = 2;

/// A word of a command line, or the value of a variable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::actions) enum Word {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl Word {
    pub(in crate::actions) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// The part of an action's parameters that says what to run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(in crate::actions) struct Line {
    /// The program and its arguments. A program is looked up in PATH; with a `/` in it, it is relative to the folder of
    /// the spec. The environment can give a name several words: `endpoints: {exec: {programs: {train: [...]}}}`, and
    /// with `train: {run: [...], env: {...}}` variables of its own.
    #[schemars(length(min = 1))]
    pub argv: Vec<Word>,
    /// Variables for the program; the environment's come before these. Of specrun's own it sees only `PATH`, `HOME`, the
    /// language and the folder for temporary files.
    #[serde(default)]
    pub env: BTreeMap<String, Word>,
    /// Variables whose values are secrets. An argument cannot be one: every user of the machine can read arguments.
    #[serde(default)]
    pub secret_env: BTreeMap<String, Secret>,
    /// The folder it starts in, relative to the spec's.
    #[serde(default)]
    pub dir: Option<String>,
}

impl Line {
    /// The command, with the program the environment gives for its name and the variables it gives everybody. A
    /// step's own variables win over the program's, and these over everybody's.
    pub(in crate::actions) fn command(&self, cx: &Context) -> Result<Command, Failure> {
        let settings = Settings::of(cx)?;
        let mut words = self.argv.iter().map(Word::text);
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
        let mut given = settings.env;
        given.extend(own);
        for (name, value) in given {
            if !self.env.contains_key(&name) && !self.secret_env.contains_key(&name) {
                command.env.push((name, EnvValue::Plain(value)));
            }
        }
        for (name, value) in &self.env {
            command.env.push((name.clone(), EnvValue::Plain(value.text())));
        }
        for (name, value) in &self.secret_env {
            command.env.push((name.clone(), EnvValue::Secret(value.clone())));
        }
        command.dir = match &self.dir {
            Some(dir) => cx.tools.files.readable(&cx.base_dir, dir)?,
            None => cx.base_dir.clone(),
        };
        command.spill = Some(cx.artifact_dir.clone());
        Ok(command)
    }
}

/// What running `argv` reaches.
pub(in crate::actions) fn reach(params: &Json) -> Vec<Capability> {
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

/// Variables that are given twice.
pub(in crate::actions) fn given_twice(params: &Json) -> Vec<ParamProblem> {
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
pub(in crate::actions) fn printed(stdout: &Captured) -> Option<Json> {
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
