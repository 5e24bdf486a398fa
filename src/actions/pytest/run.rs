//! `pytest.run`

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Instant, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::junit::{self, Case, Ended, Report};
use crate::action::{Action, Class, Context, Failure, OwnCheck, ParamProblem};
use crate::actions::exec::{Line, given_twice, reach};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;
use crate::tools::Capability;
use crate::tools::http::Until;
use crate::tools::process::Finished;
use crate::value::Duration;

/// A report is at most so long.
const LONGEST: u64 = 256 << 20;
/// Lines of a failure that its check shows.
const SHOWN: usize = 30;

/// Runs a suite of tests that exists already. Each test becomes a check of the step, with its own message; a test that was
/// skipped is shown and weighs nothing. A suite that collected no test, or skipped all, is inconclusive; one that broke
/// before its end, or left no report, is errored.
///
/// pytest is told to write JUnit's XML (`--junitxml`). Any other runner that writes it does as well: name the file as
/// `junit`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    #[serde(flatten)]
    line: Line,
    /// The file, relative to `dir`, to which the command writes its report, when it is not told to by `--junitxml`. It
    /// must be written by this run.
    #[serde(default)]
    junit: Option<String>,
    /// What a skipped test is: `shown`, or `inconclusive` where nothing may be left out.
    #[serde(default = "shown")]
    skipped: Skipped,
    /// How long it may take; the step's timeout also holds.
    #[serde(default)]
    timeout: Option<Duration>,
}

/// What a skipped test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Skipped {
    /// A line in the report.
    Shown,
    /// A check that says nothing either way.
    Inconclusive,
}

/// What became of the tests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// How many tests there are, skipped ones among them.
    tests: usize,
    /// How many passed.
    passed: usize,
    /// How many failed.
    failed: usize,
    /// How many could not be run to their end.
    errored: usize,
    /// How many were skipped.
    skipped: usize,
    /// Each test, in the order of the report.
    cases: Vec<CaseOutput>,
    /// The exit code of the command.
    exit_code: i32,
    /// How long it took.
    elapsed: Duration,
    /// The report.
    junit: String,
}

/// One test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseOutput {
    /// `tests.test_rows.TestCsv.test_count[3]`.
    id: String,
    /// `passed`, `failed`, `errored` or `skipped`.
    outcome: String,
    /// The assertion, or the reason of the skip; empty for a test that passed.
    message: String,
    /// How long it took.
    elapsed: Duration,
}

pub(super) struct Run;

impl Action for Run {
    const NAME: &'static str = "pytest.run";
    type Params = Params;
    type Output = Output;

    /// What tests do nobody knows.
    const IDEMPOTENT: bool = false;

    fn capabilities(&self, params: &Json) -> Vec<Capability> {
        reach(params)
    }

    fn validate(&self, params: &Json) -> Vec<ParamProblem> {
        given_twice(params)
    }

    async fn run(&self, params: Params, cx: &Context) -> Result<Output, Failure> {
        let own = cx
            .artifact("junit.xml")
            .map_err(|e| Failure::new(Class::Internal, format!("making the step's folder: {e}")))?;
        // A second attempt must not read the first one's report.
        let _ = std::fs::remove_file(&own);
        let mut command = params.line.command(cx)?;
        let dir = command.dir.clone();
        if params.junit.is_none() {
            command.args.push(format!("--junitxml={}", own.display()));
        }
        let limit = params.timeout.and_then(|d| {
            let limit = std::time::Duration::try_from_secs_f64(d.0.max(0.0)).ok()?;
            Instant::now().checked_add(limit)
        });
        let until = Until {
            deadline: limit.map_or(cx.deadline, |t| t.min(cx.deadline)),
            cancel: cx.cancel.clone(),
        };
        let begun = Begun {
            at: SystemTime::now(),
            report: params.junit.as_ref().and_then(|file| written(&dir.join(file))),
        };
        let done = cx.tools.process.run(command, &until).await?;
        let report = match &params.junit {
            None => read_own(&own, cx)?,
            Some(file) => read_theirs(&dir, file, &begun, &own, cx)?,
        };
        let Some(report) = report else {
            return Err(without_report(&done, params.junit.as_deref()));
        };
        for case in &report.cases {
            cx.checks.add(check(case, params.skipped));
        }
        let code = broken(&report, &done, params.junit.is_none())?;
        let count = |ended: Ended| report.cases.iter().filter(|c| c.ended == ended).count();
        if report.cases.is_empty() || count(Ended::Skipped) == report.cases.len() {
            cx.checks.add(nothing(&report));
        }
        Ok(Output {
            tests: report.cases.len(),
            passed: count(Ended::Passed),
            failed: count(Ended::Failed),
            errored: count(Ended::Errored),
            skipped: count(Ended::Skipped),
            exit_code: code,
            elapsed: Duration(done.elapsed.as_secs_f64()),
            junit: own.display().to_string(),
            cases: report.cases.into_iter().map(told).collect(),
        })
    }
}

/// The report that the command was told to write.
fn read_own(own: &Path, cx: &Context) -> Result<Option<Report>, Failure> {
    match std::fs::metadata(own) {
        Ok(meta) if meta.len() > LONGEST => {
            Err(Failure::new(Class::TooLarge, "the report is larger than 256 MiB"))
        }
        Ok(_) => {
            let bytes = std::fs::read(own).map_err(|e| {
                Failure::new(Class::UnreadableAnswer, format!("the report cannot be read: {e}"))
            })?;
            parsed(&bytes, own, cx).map(Some)
        }
        Err(_) => Ok(None),
    }
}

/// The report of a runner that knows itself where to write it.
fn read_theirs(
    dir: &Path,
    file: &str,
    begun: &Begun,
    own: &Path,
    cx: &Context,
) -> Result<Option<Report>, Failure> {
    let content = match cx.tools.files.read(dir, file, LONGEST) {
        Ok(content) => content,
        Err(failure) if failure.class == Class::Missing => return Ok(None),
        Err(failure) => return Err(failure),
    };
    // Clocks of file systems tick in steps.
    let early = begun.at - std::time::Duration::from_secs(2);
    let old = std::fs::metadata(&content.path).and_then(|m| m.modified());
    let same = begun.report.is_some() && begun.report == written(&content.path);
    if same || old.is_ok_and(|at| at < early) {
        return Err(Failure::new(
            Class::UnreadableAnswer,
            format!("the report `{file}` is of an earlier run: the command did not write it"),
        ));
    }
    parsed(&content.bytes, own, cx).map(Some)
}

/// When the command was begun, and the report that lay there then.
struct Begun {
    at: SystemTime,
    report: Option<Written>,
}

/// What tells a file that was written from one that was not: its number, its length, the time of its last change.
type Written = (u64, u64, i64, i64);

fn written(path: &Path) -> Option<Written> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec()))
}

/// Reads a report, and keeps it without secrets.
fn parsed(bytes: &[u8], own: &Path, cx: &Context) -> Result<Report, Failure> {
    let text = cx.tools.redactor.redact(&String::from_utf8_lossy(bytes));
    std::fs::write(own, &text)
        .map_err(|e| Failure::new(Class::Internal, format!("writing the report: {e}")))?;
    junit::read(&text).map_err(|why| {
        Failure::new(
            Class::UnreadableAnswer,
            format!("the JUnit report cannot be read: {why}"),
        )
    })
}

fn without_report(done: &Finished, junit: Option<&str>) -> Failure {
    let mut failure = done.failure();
    failure.message = format!("`{}` left no JUnit report ({})", done.shown, done.how());
    failure.class = if done.code == Some(0) {
        Class::UnreadableAnswer
    } else {
        Class::ExitCode
    };
    match junit {
        None => {
            failure.help("is it pytest? Another runner must write JUnit's XML to a file that `junit` names")
        }
        Some(file) => failure.help(format!("let it write its report to `{file}`")),
    }
}

/// Whether the suite came to its end, whatever its tests did: the exit code, when it fits the report.
///
/// # Errors
/// `exit_code` for a suite that broke, `unreadable_answer` for an exit code that contradicts the report.
fn broken(report: &Report, done: &Finished, is_pytest: bool) -> Result<i32, Failure> {
    let bad = report
        .cases
        .iter()
        .any(|c| matches!(c.ended, Ended::Failed | Ended::Errored));
    let contradiction = |why: &str| {
        let mut failure = done.failure();
        failure.class = Class::UnreadableAnswer;
        failure.message = format!("`{}` ended with {}, and {why}", done.shown, done.how());
        failure
    };
    if (report.cases.len() as u64) < report.claimed {
        return Err(contradiction(&format!(
            "its report has {} of the {} tests it says it has",
            report.cases.len(),
            report.claimed
        )));
    }
    if report.claimed_bad > 0 && !bad {
        return Err(contradiction(
            "its report says that tests failed, and shows none that did",
        ));
    }
    match done.code {
        Some(0) if bad => Err(contradiction("its report has tests that failed")),
        // pytest: 1 tests failed, 5 nothing was collected. Other runners have a number of their own for failed tests.
        Some(0) => Ok(0),
        Some(5) if report.cases.is_empty() => Ok(5),
        Some(code) if !is_pytest && bad => Ok(code),
        Some(1) if !bad => Err(contradiction("no test of its report failed")),
        Some(1) => Ok(1),
        // 2 interrupted (a file that cannot be imported), 3 an internal error, 4 a wrong command line, or a signal.
        _ => {
            let mut failure = done.failure();
            failure.message = format!("the suite broke before its end: {}", failure.message);
            Err(failure)
        }
    }
}

fn check(case: &Case, skipped: Skipped) -> OwnCheck {
    let (verdict, severity) = match case.ended {
        Ended::Passed => (Verdict::Passed, Severity::Critical),
        Ended::Failed => (Verdict::Failed, Severity::Critical),
        Ended::Errored => (Verdict::Errored, Severity::Critical),
        Ended::Skipped if skipped == Skipped::Inconclusive => (Verdict::Inconclusive, Severity::Critical),
        Ended::Skipped => (Verdict::Inconclusive, Severity::Info),
    };
    let first = case.message.lines().next().unwrap_or_default();
    let message = match case.ended {
        Ended::Passed => "passed".to_owned(),
        Ended::Skipped => format!("skipped: {first}"),
        Ended::Failed | Ended::Errored => first.to_owned(),
    };
    let mut outcome = CheckOutcome::new(verdict, message);
    if matches!(case.ended, Ended::Failed | Ended::Errored) {
        let lines: Vec<&str> = case.text.lines().filter(|l| !l.trim().is_empty()).collect();
        outcome.details = lines[lines.len().saturating_sub(SHOWN)..]
            .iter()
            .map(|l| l.chars().take(300).collect())
            .collect();
    }
    OwnCheck {
        id: case.id.clone(),
        text: case.id.clone(),
        severity,
        outcome,
    }
}

/// The check of a suite that tested nothing.
fn nothing(report: &Report) -> OwnCheck {
    let message = if report.cases.is_empty() {
        "the suite collected no test"
    } else {
        "every test of the suite was skipped"
    };
    OwnCheck {
        id: "collected".to_owned(),
        text: "the suite has tests".to_owned(),
        severity: Severity::Critical,
        outcome: CheckOutcome::new(Verdict::Inconclusive, message),
    }
}

fn told(case: Case) -> CaseOutput {
    let outcome = match case.ended {
        Ended::Passed => "passed",
        Ended::Failed => "failed",
        Ended::Errored => "errored",
        Ended::Skipped => "skipped",
    };
    CaseOutput {
        id: case.id,
        outcome: outcome.to_owned(),
        message: case.message,
        elapsed: Duration(case.seconds),
    }
}

const fn shown() -> Skipped {
    Skipped::Shown
}
