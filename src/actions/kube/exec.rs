//! `kube.exec`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::pods::Which;
use super::session::{At, Session, on, reach};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::tools::Capability;
use crate::tools::kube::{Command, exec};

/// Runs a program in a container of a pod, to its end. The words are given to it as they are: no shell reads them. That
/// it ends with another code than 0 is a failure of class `exit_code`, unless `any_exit_code` is true.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    which: Which,
    /// The container; needed when the pod has several.
    #[serde(default)]
    #[schemars(length(min = 1))]
    container: Option<String>,
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    argv: Vec<String>,
    /// Text for its standard input.
    #[serde(default)]
    stdin: Option<String>,
    /// Take every exit code for an answer.
    #[serde(default)]
    any_exit_code: bool,
    #[serde(flatten)]
    at: At,
}

/// What it said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The exit code.
    exit_code: i32,
    /// What it printed.
    stdout: String,
    /// What it printed to the error output.
    stderr: String,
}

pub(super) struct Exec;

impl Action for Exec {
    const NAME: &'static str = "kube.exec";
    type Params = Params;
    type Output = Output;
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        // A web socket is opened with GET, which newer servers take for `create`.
        reach(
            params,
            on(params, "pods/exec", &["create", "get"]).chain(Which::power(params)),
        )
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        Which::problems(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let session = Session::open(cx, &params.at).await?;
        let kind = session.kind("Pod", Some("v1")).await?;
        let namespace = session.namespace();
        let pod = params.which.name(&session, &kind).await?;
        for verb in ["create", "get"] {
            cx.tools
                .kube
                .judge(&kind.power(verb, Some(namespace), Some("exec")))?;
        }
        let command = Command {
            namespace: namespace.to_owned(),
            pod,
            container: params.container,
            argv: params.argv,
            stdin: params.stdin,
        };
        let done = exec(&session.cluster, &session.identity, &command, &session.until).await?;
        if done.exit_code != 0 && !params.any_exit_code {
            let mut failure = Failure::new(
                Class::ExitCode,
                format!(
                    "{} in the pod {} of {namespace} ended with {}",
                    command.argv.join(" "),
                    command.pod,
                    done.exit_code
                ),
            );
            failure.exit_code = Some(done.exit_code);
            for line in done.stderr.lines().rev().take(5) {
                failure.details.insert(0, line.to_owned());
            }
            return Err(failure);
        }
        Ok(Output {
            exit_code: done.exit_code,
            stdout: done.stdout,
            stderr: done.stderr,
        })
    }
}
