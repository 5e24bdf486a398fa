//! `k6.run`

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::requests::Requests;
use super::summary::Summary;
use super::threshold::{Asked, Percentile};
use crate::action::{Action, Class, Context, Failure, ParamProblem};
use crate::actions::exec::Word;
use crate::actions::scripted::checks;
use crate::actions::scripted::command::{self, Folder, Prepared, Script};
use crate::actions::scripted::figures::Figures;
use crate::tools::Capability;
use crate::tools::process::{Command, EnvValue, Finished};
use crate::value::{Duration, Proportion, Ratio, Secret};

/// The exit code of a run whose thresholds were crossed; everything else but 0 is a run that broke.
const CROSSED: i32 = 99;
/// Arguments that specrun gives itself, or that would put the numbers elsewhere.
const REFUSED: &[&str] = &[
    "-o",
    "--out",
    "--summary-export",
    "--summary-trend-stats",
    "--summary-mode",
    "--no-summary",
    "--no-thresholds",
    "--log-output",
    "--log-format",
    "-q",
    "--quiet",
    "--system-tags",
    "--execution-segment",
    "--summary-time-unit",
];

/// Runs a k6 script and judges it by its numbers, request by request. Its exit code alone says nothing: k6 takes a
/// threshold on a metric without samples as kept, and drops iterations without a word when all virtual users are busy.
///
/// Besides the spec's checks these hold always: something was sent (else inconclusive), the script threw nothing (else
/// errored), no iteration was dropped (else inconclusive), and each threshold of the script is kept: percentiles and rates
/// with `confidence`, others by k6's word. When no answer came at all the step is errored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The script, relative to the spec's folder.
    #[schemars(length(min = 1))]
    script: String,
    /// The family whose endpoint's URL the script finds in `__ENV.TARGET`: `kserve`. Without it the URL of the endpoint
    /// `k6`, when it has one.
    #[serde(default)]
    #[schemars(length(min = 1))]
    target: Option<String>,
    /// The tag by which requests are told apart in `tags`: one of k6's own (`name`, `scenario`, `status`) or of the
    /// script's.
    #[serde(default = "by_name")]
    #[schemars(length(min = 1))]
    by: String,
    /// Virtual users, in place of the script's options.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    vus: Option<u32>,
    /// How long it runs, in place of the script's options.
    #[serde(default)]
    duration: Option<Duration>,
    /// How many iterations it makes, in place of the script's options.
    #[serde(default)]
    #[schemars(range(min = 1))]
    iterations: Option<u64>,
    /// The confidence that thresholds on percentiles and rates have to be kept with; `none` takes k6's word.
    #[serde(default)]
    confidence: Confidence,
    /// More arguments, as they are.
    #[serde(default)]
    args: Vec<String>,
    /// Variables for the script: `__ENV.NAME`.
    #[serde(default)]
    env: BTreeMap<String, Word>,
    /// Variables whose values are secrets.
    #[serde(default)]
    secret_env: BTreeMap<String, Secret>,
}

/// A confidence, or none.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Confidence {
    Level(Ratio),
    None(Nothing),
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Nothing {
    /// k6's word counts.
    None,
}

impl Default for Confidence {
    fn default() -> Self {
        Self::Level(Ratio(0.95))
    }
}

impl Confidence {
    fn level(self) -> Result<Option<f64>, Failure> {
        match self {
            Self::None(Nothing::None) => Ok(None),
            Self::Level(Ratio(level)) if (0.5..1.0).contains(&level) => Ok(Some(level)),
            Self::Level(level) => Err(Failure::new(
                Class::BadParameter,
                format!("a confidence is at least 50% and below 100%, not {level}"),
            )),
        }
    }
}

/// What came of a script.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// All HTTP requests together.
    #[serde(flatten)]
    all: Figures,
    /// By the values of the tag that `by` names: `tags.valid`.
    tags: BTreeMap<String, Figures>,
    /// The script's checks, by name: those that failed of all.
    checks: BTreeMap<String, Proportion>,
    /// Iterations that were begun and ended.
    iterations: u64,
    /// Iterations that were due and not begun, because all virtual users were busy.
    dropped: u64,
    /// Thresholds that k6 itself calls crossed.
    crossed: Vec<String>,
    /// Exceptions that iterations threw.
    exceptions: u64,
    /// How long k6 ran.
    elapsed: Duration,
}

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "k6.run";
    type Params = Params;
    type Output = Output;
    /// A load is not repeated behind the back of who asked for it.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        command::reach("k6", params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        command::problems(params, REFUSED)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let confidence = params.confidence.level()?;
        let (command, folder) = params.command(params.script().prepare(cx)?);
        let until = cx.until();
        let done = cx.tools.process.run(command, &until).await?;
        let read = read(&folder, &params.by);
        folder.keep(cx, "summary.json");
        let Read {
            summary,
            percentiles,
            requests,
            thrown,
        } = match (read, done.code) {
            (Ok(read), Some(0 | CROSSED)) => read,
            (Err(failure), Some(0 | CROSSED)) => return Err(failure),
            _ => return Err(broken(&done, &folder)),
        };
        let crossed: Vec<String> = summary
            .thresholds()
            .filter(|(.., crossed)| *crossed)
            .map(|(metric, _, text, _)| format!("{metric}: {text}"))
            .collect();
        if crossed.is_empty() != (done.code != Some(CROSSED)) {
            return Err(done.failure().detail(format!(
                "its summary says that these thresholds were crossed: {crossed:?}"
            )));
        }
        let elapsed = done.elapsed.as_secs_f64();
        let dropped = summary.count("dropped_iterations");
        let iterations = summary.count("iterations");
        checks::sent(cx, &requests.all, requests.sample.as_deref(), &done.shown)?;
        checks::sound(cx, thrown.count, thrown.first.as_deref());
        checks::kept_up(
            cx,
            (dropped > 0).then(|| {
                format!(
                    "{dropped} of {} iterations were dropped, because all virtual users were busy (`maxVUs`)",
                    dropped + iterations
                )
            }),
        );
        for (n, (name, metric, text, crossed)) in summary.thresholds().enumerate() {
            let asked = Asked {
                metric,
                text,
                crossed,
                percentile: percentiles.get(n).and_then(Option::as_ref),
                confidence,
            };
            checks::add(
                cx,
                format!("thresholds[{n}]"),
                format!("{name}: {text}"),
                asked.outcome(),
            );
        }
        Ok(Output {
            all: requests.all.figures(elapsed),
            tags: requests
                .tags
                .iter()
                .map(|(tag, t)| (tag.clone(), t.figures(elapsed)))
                .collect(),
            checks: summary
                .checks
                .iter()
                .map(|c| {
                    let n = c.passes + c.fails;
                    (c.name.clone(), Proportion { k: c.fails, n })
                })
                .collect(),
            iterations,
            dropped,
            crossed,
            exceptions: thrown.count,
            elapsed: Duration(elapsed),
        })
    }
}

impl Params {
    fn script(&self) -> Script<'_> {
        Script {
            family: "k6",
            script: &self.script,
            target: self.target.as_deref(),
            env: &self.env,
            secret_env: &self.secret_env,
        }
    }

    fn command(&self, prepared: Prepared) -> (Command, Folder) {
        let Prepared {
            mut command,
            script,
            target,
            folder,
        } = prepared;
        let file = |name: &str| folder.file(name).display().to_string();
        let mut words = vec![
            "run".to_owned(),
            "--quiet".to_owned(),
            "--no-color".to_owned(),
            "--no-usage-report".to_owned(),
            format!("--summary-export={}", file("summary.json")),
            // `count`, without which a trend does not say that it has no samples.
            "--summary-trend-stats=min,avg,med,max,p(90),p(95),p(99),count".to_owned(),
            format!("--out=csv={}", file("samples.csv")),
            "--log-format=json".to_owned(),
            format!("--log-output=file={}", file("log.jsonl")),
        ];
        words.extend(self.vus.map(|n| format!("--vus={n}")));
        words.extend(
            self.duration
                .map(|d| format!("--duration={}ms", (d.0 * 1000.0).max(1.0) as u64)),
        );
        words.extend(self.iterations.map(|n| format!("--iterations={n}")));
        words.extend(self.args.iter().cloned());
        words.push(script);
        command.args = words;
        if let Some(url) = target {
            let url = url.trim_end_matches('/').to_owned();
            command.env.push(("TARGET".to_owned(), EnvValue::Plain(url)));
        }
        (command, folder)
    }
}

/// Everything that k6 wrote.
struct Read<'a> {
    summary: Summary,
    /// By the number of the threshold.
    percentiles: Vec<Option<Percentile>>,
    requests: Requests<'a>,
    thrown: Thrown,
}

/// What iterations threw.
#[derive(Default)]
struct Thrown {
    count: u64,
    first: Option<String>,
}

fn read<'a>(folder: &Folder, by: &'a str) -> Result<Read<'a>, Failure> {
    let unreadable = |what: &str, why: &str| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("k6's {what} cannot be read: {why}"),
        )
    };
    let text = folder
        .read("summary.json")
        .ok_or_else(|| unreadable("summary", "it is not there, or too large"))?;
    let json: Json = serde_json::from_slice(&text).map_err(|e| unreadable("summary", &e.to_string()))?;
    let summary = Summary::read(&json).map_err(|e| unreadable("summary", &e))?;
    let asked: Vec<Option<Percentile>> = summary
        .thresholds()
        .map(|(metric, _, text, _)| Percentile::of(metric, text))
        .collect();
    let known: Vec<bool> = asked.iter().map(Option::is_some).collect();
    let mut counted: Vec<Percentile> = asked.into_iter().flatten().collect();
    let samples =
        File::open(folder.file("samples.csv")).map_err(|e| unreadable("samples", &e.to_string()))?;
    let requests =
        Requests::read(BufReader::new(samples), by, &mut counted).map_err(|e| unreadable("samples", &e))?;
    let sent = summary.count("http_reqs");
    if sent != requests.all.sent() {
        let seen = requests.all.sent();
        return Err(unreadable(
            "numbers",
            &format!("its summary has {sent} requests, its samples {seen}"),
        ));
    }
    let mut counted = counted.into_iter();
    Ok(Read {
        percentiles: known
            .into_iter()
            .map(|k| if k { counted.next() } else { None })
            .collect(),
        summary,
        requests,
        thrown: thrown(&folder.file("log.jsonl")),
    })
}

/// What the log says of exceptions.
fn thrown(log: &Path) -> Thrown {
    let mut thrown = Thrown::default();
    for line in errors(log) {
        if line.get("source").and_then(Json::as_str) == Some("stacktrace") {
            thrown.count += 1;
            thrown
                .first
                .get_or_insert_with(|| line["msg"].as_str().unwrap_or_default().trim().to_owned());
        }
    }
    thrown
}

/// The lines of the log that are errors.
fn errors(log: &Path) -> impl Iterator<Item = Json> {
    File::open(log)
        .into_iter()
        .flat_map(|file| BufReader::new(file).lines().map_while(Result::ok))
        .filter_map(|line| serde_json::from_str::<Json>(&line).ok())
        .filter(|line| line.get("level").and_then(Json::as_str) == Some("error"))
}

/// A run that broke, with what its log says.
fn broken(done: &Finished, folder: &Folder) -> Failure {
    let mut failure = done.failure();
    let log = folder.file("log.jsonl");
    let said = errors(&log)
        .filter_map(|line| line["msg"].as_str().map(|m| m.trim().to_owned()))
        .take(5);
    failure.details.splice(0..0, said);
    failure
}

fn by_name() -> String {
    "name".to_owned()
}
