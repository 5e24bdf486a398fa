//! `exec.run`

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::command::{Line, printed};
use crate::action::{Action, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::http::Until;
use crate::tools::process::Captured;
use crate::value::{Bytes, Duration};

/// Longer timeouts are taken to be this long.
const LONGEST: std::time::Duration = std::time::Duration::from_hours(7 * 24);

/// Runs a program to its end. The words are given to it as they are: no shell reads them.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    line: Line,
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
        super::reach(params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        super::given_twice(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let accept = params.accept.clone();
        let until = Until {
            deadline: params
                .timeout
                .map_or(cx.deadline, |d| cx.deadline.min(Instant::now() + seconds(d))),
            cancel: cx.cancel.clone(),
        };
        let mut command = params.line.command(cx)?;
        command.stdin = params.stdin.map(String::into_bytes);
        command.keep = params.keep_output.0 as usize;
        command.most = params.max_output.0 as u64;
        let done = cx.tools.process.run(command, &until).await?;
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
            json: printed(&done.stdout),
            elapsed: Duration(done.elapsed.as_secs_f64()),
            cut: done.stdout.cut || done.stderr.cut,
            stdout_file: file(&done.stdout),
            stderr_file: file(&done.stderr),
            stdout: done.stdout.text,
            stderr: done.stderr.text,
        })
    }
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
