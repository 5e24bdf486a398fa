//! `locust.run`

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::report::Report;
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::exec::Word;
use crate::actions::scripted::checks;
use crate::actions::scripted::command::{self, Folder, Prepared, Script};
use crate::actions::scripted::figures::{Figures, Tally};
use crate::check::{CheckOutcome, Verdict};
use crate::tools::Capability;
use crate::tools::process::{Command, EnvValue};
use crate::value::{Duration, Moment, Ratio, Secret};

/// The listener that counts.
const LISTENER: &str = include_str!("report.py");
/// The share of a processor beyond which Python is the bottleneck; what Locust itself warns at.
const BUSY: f64 = 0.9;
/// Arguments that specrun gives itself, or that would put the numbers elsewhere.
const REFUSED: &[&str] = &[
    "-f",
    "--locustfile",
    "--headless",
    "--autostart",
    "-u",
    "--users",
    "-r",
    "--spawn-rate",
    "-t",
    "--run-time",
    "-H",
    "--host",
    "--json",
    "--json-file",
    "--exit-code-on-error",
    "--skip-log",
    "--master",
    "--worker",
    "--processes",
    "--reset-stats",
    "--config",
    "--headful",
    "--web-port",
];

/// Runs a locustfile without its web interface, and judges it by its numbers. Its exit code alone says nothing: Locust
/// ends with 1 for a single failed request, for a script that does not load, and for a dead server.
///
/// Besides the spec's checks these hold always: something was sent (else inconclusive), the script threw nothing (else
/// errored), it did not set a failing exit code itself (else failed), and Locust kept up (else inconclusive). When no
/// answer came at all the step is errored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The locustfile, relative to the spec's folder.
    #[schemars(length(min = 1))]
    script: String,
    /// The family whose endpoint is the script's `host`: `kserve`. Without it the URL of the endpoint `locust`, and
    /// without that what the script itself says.
    #[serde(default)]
    #[schemars(length(min = 1))]
    target: Option<String>,
    /// How many users, in all.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    users: u32,
    /// How many users start each second; all at once without it.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    spawn_rate: Option<u32>,
    /// How long it runs, the warm-up included.
    duration: Duration,
    /// Requests that end in this time are not counted; without it every one is.
    #[serde(default)]
    warmup: Option<Duration>,
    /// Only these user classes of the script.
    #[serde(default)]
    classes: Vec<String>,
    /// Only tasks with one of these tags.
    #[serde(default)]
    tags: Vec<String>,
    /// More arguments, as they are.
    #[serde(default)]
    args: Vec<String>,
    /// Variables for the script.
    #[serde(default)]
    env: BTreeMap<String, Word>,
    /// Variables whose values are secrets.
    #[serde(default)]
    secret_env: BTreeMap<String, Secret>,
}

/// What came of a locustfile. The warm-up is in none of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// All requests together.
    #[serde(flatten)]
    all: Figures,
    /// By the name that the script gives its requests: `names.valid`.
    names: BTreeMap<String, Figures>,
    /// When counting began.
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Moment>,
    /// From there to the end.
    elapsed: Duration,
    /// The share of the time in which Locust computed.
    cpu: Ratio,
    /// Exceptions that tasks threw.
    exceptions: u64,
    /// The exit code the script wanted; absent when it wanted none.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
}

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "locust.run";
    type Params = Params;
    type Output = Output;
    /// A load is not repeated behind the back of who asked for it.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        command::reach("locust", params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        command::problems(params, REFUSED)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let (command, folder) = params.command(params.script().prepare(cx)?)?;
        std::fs::write(folder.file("report.py"), LISTENER)
            .map_err(|e| Failure::new(Class::Internal, format!("the listener cannot be written: {e}")))?;
        let until = cx.until();
        let done = cx.tools.process.run(command, &until).await?;
        let (Some(ours), Some(locusts)) = (folder.read("report.json"), folder.read("stats.json")) else {
            // It never came to its end: a script that does not load, or a signal.
            return Err(done.failure());
        };
        folder.keep(cx, "stats.json");
        let report = Report::read(&ours, &locusts)?;
        if done.code.is_none() || report.exit_code.is_some_and(|wanted| done.code != Some(wanted)) {
            return Err(done.failure());
        }
        let names = report.tallies()?;
        let mut all = Tally::default();
        for tally in names.values() {
            all.add(tally);
        }
        checks::sent(cx, &all, report.sample.as_deref(), &done.shown)?;
        checks::sound(cx, report.thrown, report.exception.as_deref());
        checks::kept_up(cx, busy(&report));
        checks::add(
            cx,
            "exit_code",
            "the script itself does not fail the run",
            own_word(&report),
        );
        Ok(Output {
            all: all.figures(report.elapsed),
            names: names
                .iter()
                .map(|(name, t)| (name.clone(), t.figures(report.elapsed)))
                .collect(),
            started: report.began(),
            elapsed: Duration(report.elapsed),
            cpu: Ratio(report.cpu),
            exceptions: report.thrown,
            exit_code: report.exit_code,
        })
    }
}

impl Params {
    fn script(&self) -> Script<'_> {
        Script {
            family: "locust",
            script: &self.script,
            target: self.target.as_deref(),
            env: &self.env,
            secret_env: &self.secret_env,
        }
    }

    fn command(&self, prepared: Prepared) -> Result<(Command, Folder), Failure> {
        let Prepared {
            mut command,
            script,
            target,
            folder,
        } = prepared;
        if script.contains(',') {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{script}`: Locust reads a comma in a path as two files"),
            ));
        }
        let file = |name: &str| folder.file(name).display().to_string();
        let whole = |d: Duration| format!("{}", d.0.ceil().max(1.0) as u64);
        let mut words = vec![
            "--headless".to_owned(),
            "--only-summary".to_owned(),
            // What the script says with `process_exit_code` still counts.
            "--exit-code-on-error=0".to_owned(),
            format!("--locustfile={script},{}", file("report.py")),
            format!("--users={}", self.users),
            format!("--spawn-rate={}", self.spawn_rate.unwrap_or(self.users)),
            format!("--run-time={}s", whole(self.duration)),
            // Locust adds the ending itself.
            format!("--json-file={}", file("stats")),
        ];
        words.extend(target.map(|url| format!("--host={}", url.trim_end_matches('/'))));
        for (option, values) in [("--tags", &self.tags), ("", &self.classes)] {
            if !values.is_empty() {
                words.extend((!option.is_empty()).then(|| option.to_owned()));
                words.extend(values.iter().cloned());
                if !option.is_empty() {
                    // Ends the list of tags.
                    words.push("--only-summary".to_owned());
                }
            }
        }
        words.extend(self.args.iter().cloned());
        command.args = words;
        let warmup = self.warmup.map_or(0.0, |d| d.0.max(0.0));
        for (name, value) in [
            ("SPECRUN_LOCUST_REPORT", file("report.json")),
            ("SPECRUN_LOCUST_WARMUP", warmup.to_string()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ] {
            command.env.push((name.to_owned(), EnvValue::Plain(value)));
        }
        Ok((command, folder))
    }
}

/// What shows that Python was the bottleneck.
fn busy(report: &Report) -> Option<String> {
    if report.cpu >= BUSY {
        Some(format!("Locust computed {:.0} % of the time", report.cpu * 100.0))
    } else {
        report
            .busy
            .then(|| "Locust warned that its processor was busy".to_owned())
    }
}

/// What the script says of itself by `process_exit_code`.
fn own_word(report: &Report) -> CheckOutcome {
    match report.exit_code {
        None | Some(0) => CheckOutcome::new(Verdict::Passed, "it does not"),
        Some(code) => CheckOutcome::new(Verdict::Failed, format!("it wants the exit code {code}")),
    }
}

const fn one() -> u32 {
    1
}
