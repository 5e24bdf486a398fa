//! Common Test Report Format (ctrf.io): a test for each spec, a step for each of its checks.
//!
//! The format knows `passed`, `failed`, `skipped`, `pending` and `other`. Failed and errored specs are `failed`,
//! blocked ones `skipped`, inconclusive and cancelled ones `other`; `rawStatus` has our own word.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::explain;
use super::model::{CheckReport, Report, SpecReport};
use super::text::plain;
use crate::check::Verdict;

/// The version of the CTRF specification that is written.
const SPEC_VERSION: &str = "0.0.0";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    report_format: &'static str,
    spec_version: &'static str,
    generated_by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    timestamp: String,
    results: Results,
}

#[derive(Serialize)]
struct Results {
    tool: Tool,
    summary: Summary,
    tests: Vec<Test>,
    extra: Json,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: String,
}

/// Times are in milliseconds since the epoch.
#[derive(Default, Serialize)]
struct Summary {
    tests: u64,
    passed: u64,
    failed: u64,
    pending: u64,
    skipped: u64,
    other: u64,
    flaky: u64,
    start: i64,
    stop: i64,
    extra: Json,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    name: String,
    status: &'static str,
    /// Milliseconds.
    duration: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<i64>,
    suite: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    raw_status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    file_path: String,
    line: u32,
    retries: u32,
    flaky: bool,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: Map<String, Json>,
    steps: Vec<Step>,
    extra: Json,
}

#[derive(Serialize)]
struct Step {
    name: String,
    status: &'static str,
    extra: Json,
}

/// The run as CTRF.
///
/// # Errors
/// Never in practice: every part has a JSON form.
pub fn render(report: &Report) -> io::Result<String> {
    let start = report
        .run
        .started
        .parse::<jiff::Timestamp>()
        .map_or(0, jiff::Timestamp::as_millisecond);
    let mut summary = Summary {
        start,
        stop: start + millis(report.duration),
        flaky: report.counts.flaky,
        extra: json!({
            "finished": report.finished,
            "exitCode": report.exit_code,
            "specs": report.counts.specs,
            "checks": report.counts.checks,
        }),
        ..Summary::default()
    };
    let tests: Vec<_> = report.specs.iter().map(|s| test(s, start)).collect();
    for t in &tests {
        summary.tests += 1;
        match t.status {
            "passed" => summary.passed += 1,
            "failed" => summary.failed += 1,
            "skipped" => summary.skipped += 1,
            _ => summary.other += 1,
        }
    }
    let document = Document {
        report_format: "CTRF",
        spec_version: SPEC_VERSION,
        generated_by: "specrun".to_owned(),
        timestamp: report.run.started.clone(),
        results: Results {
            tool: Tool {
                name: "specrun",
                version: report.run.version.clone(),
            },
            summary,
            tests,
            extra: json!({"runId": report.run.id, "seed": report.run.seed}),
        },
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn test(spec: &SpecReport, start: i64) -> Test {
    let began = spec.started.map(|s| start + millis(s));
    Test {
        name: plain(&format!("{} {}", spec.id, spec.title)).into_owned(),
        status: status(spec.verdict),
        duration: millis(spec.duration),
        start: began,
        stop: began.map(|s| s + millis(spec.duration)),
        suite: spec
            .category
            .iter()
            .cloned()
            .chain([spec.stem().to_owned()])
            .collect(),
        message: message(spec),
        trace: trace(spec),
        raw_status: spec.verdict.word(),
        tags: spec.tags.clone(),
        file_path: spec.place.file.clone(),
        line: spec.place.line,
        retries: spec.attempt.saturating_sub(1),
        flaky: spec.flaky,
        parameters: spec
            .inputs
            .iter()
            .map(|i| (i.name.clone(), i.value.clone()))
            .collect(),
        steps: spec.checks.iter().map(step).collect(),
        extra: json!({"severity": spec.severity, "digest": spec.digest}),
    }
}

fn step(check: &CheckReport) -> Step {
    Step {
        name: plain(&format!("{}: {}", check.check.id, check.check.text)).into_owned(),
        status: if check.skipped {
            "skipped"
        } else {
            status(check.outcome.verdict)
        },
        extra: json!({
            "verdict": check.outcome.verdict,
            "severity": check.check.severity,
            "message": check.outcome.message,
            "line": check.check.place.line,
            "statistics": check.outcome.statistics,
        }),
    }
}

fn message(spec: &SpecReport) -> Option<String> {
    let first = || {
        spec.checks
            .iter()
            .find(|c| c.is_bad() && c.evaluated)
            .map(explain::check_headline)
    };
    if spec.verdict == Verdict::Passed {
        return None;
    }
    explain::reason(spec).or_else(first)
}

fn trace(spec: &SpecReport) -> Option<String> {
    let mut lines = Vec::new();
    for s in spec.unexplained_steps() {
        lines.push(explain::step_name(s));
        lines.extend(explain::step(s));
    }
    for c in spec.checks.iter().filter(|c| c.is_bad() && c.evaluated) {
        lines.push(explain::check_headline(c));
        lines.extend(explain::check(spec, c));
    }
    (!lines.is_empty()).then(|| plain(&lines.join("\n")).into_owned())
}

const fn status(v: Verdict) -> &'static str {
    match v {
        Verdict::Passed => "passed",
        Verdict::Failed | Verdict::Errored => "failed",
        Verdict::Blocked => "skipped",
        Verdict::Inconclusive | Verdict::Cancelled => "other",
    }
}

fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
