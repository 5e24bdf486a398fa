//! `prometheus.test_rules`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::action::{Action, Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::Capability;
use crate::tools::process::Command;
use crate::value::Duration;

/// The program, looked up in `PATH` unless the environment says where it is.
const PROGRAM: &str = "promtool";
/// A test file is not larger than this, in bytes.
const LARGEST: u64 = 16 << 20;

/// Runs the unit tests of rules with the program `promtool`: series go in, alerts come out, no server is needed. A
/// file that compares nothing, of which promtool says SUCCESS, is inconclusive. The environment may say where the
/// program is: `endpoints: {prometheus: {promtool: /opt/prometheus/promtool}}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The test file, as `promtool test rules` reads it, relative to the spec's folder.
    #[schemars(length(min = 1))]
    file: String,
}

/// How the tests went.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Whether every test of the file passed.
    passed: bool,
    /// How many comparisons the file asks for.
    comparisons: usize,
    /// What promtool printed.
    output: String,
    /// How long it took.
    elapsed: Duration,
}

pub(super) struct TestRules;

impl Action for TestRules {
    const NAME: &'static str = "prometheus.test_rules";
    type Params = Params;
    type Output = Output;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        let file = params.get("file").and_then(Json::as_str);
        vec![
            Capability::Exec {
                program: PROGRAM.to_owned(),
                args: vec!["test".to_owned(), "rules".to_owned()],
            },
            Capability::Read {
                path: file.filter(|f| !f.contains("${{")).unwrap_or("?").to_owned(),
            },
        ]
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let file = cx.tools.files.readable(&cx.base_dir, &params.file)?;
        let words = ["test", "rules"].map(str::to_owned).into_iter();
        let mut command = Command::new(program(cx)?, words.chain([file.display().to_string()]));
        command.dir.clone_from(&cx.base_dir);
        let done = cx.tools.process.run(command, &cx.until()).await?;
        let comparisons = comparisons(cx, &params.file)?;
        let output = format!("{}{}", done.stdout.text, done.stderr.text);
        // promtool ends with 1 for a failed test and for a file it cannot read alike.
        let outcome = match done.code {
            Some(0) if comparisons == 0 => {
                CheckOutcome::new(Verdict::Inconclusive, "the file compares nothing")
            }
            Some(0) => CheckOutcome::new(Verdict::Passed, "promtool says SUCCESS"),
            Some(1) if output.contains("FAILED") && output.contains("got:") => {
                let mut outcome = CheckOutcome::new(Verdict::Failed, "promtool says FAILED");
                outcome.details = output.lines().map(str::to_owned).collect();
                outcome
            }
            _ => return Err(done.failure()),
        };
        let passed = outcome.verdict == Verdict::Passed;
        cx.checks.add(OwnCheck {
            id: "rules".to_owned(),
            text: format!("the rules pass the tests of `{}`", params.file),
            severity: Severity::Critical,
            outcome,
        });
        Ok(Output {
            passed,
            comparisons,
            output,
            elapsed: Duration(done.elapsed.as_secs_f64()),
        })
    }
}

/// How many alerts and expressions a test file compares.
fn comparisons(cx: &Context, file: &str) -> Result<usize, Failure> {
    let unreadable = |e: &dyn std::fmt::Display| {
        Failure::new(Class::UnreadableAnswer, format!("the rule tests `{file}`: {e}"))
    };
    let bytes = cx.tools.files.read(&cx.base_dir, file, LARGEST)?.bytes;
    let text = String::from_utf8(bytes).map_err(|e| unreadable(&e))?;
    let whole: Tests = serde_yaml::from_str(&text).map_err(|e| unreadable(&e))?;
    Ok(whole
        .tests
        .iter()
        .map(|t| t.alert_rule_test.len() + t.promql_expr_test.len())
        .sum())
}

#[derive(Deserialize)]
struct Tests {
    #[serde(default)]
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(default)]
    alert_rule_test: Vec<serde_yaml::Value>,
    #[serde(default)]
    promql_expr_test: Vec<serde_yaml::Value>,
}

/// The program, where the environment says it is: `endpoints: {prometheus: {promtool: /opt/prometheus/promtool}}`.
fn program(cx: &Context) -> Result<String, Failure> {
    let endpoint = cx.tools.endpoints.get("prometheus");
    match endpoint.and_then(|e| e.settings.get(PROGRAM)) {
        None => Ok(PROGRAM.to_owned()),
        Some(Json::String(path)) => Ok(path.clone()),
        Some(_) => Err(Failure::new(
            Class::BadParameter,
            "the environment's `endpoints.prometheus.promtool` must be the path of a program",
        )),
    }
}
