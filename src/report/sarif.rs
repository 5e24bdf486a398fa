//! SARIF 2.1.0: findings of scanners, and what did not pass in specs of category `security`.
//!
//! A finding is an element of a list called `findings` at the top of a step's output: a mapping with `id` (or
//! `rule`), `severity` (or `level`), `message` (or `title`), and, when known, `file` (or `path`, `target`), `line`
//! and `url`. Any action whose output has that form is understood.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::explain;
use super::model::{Report, SpecReport, StepReport};
use super::text::{cut, plain};
use crate::check::Verdict;
use crate::event::{Place, Severity};

/// Results written; GitHub takes 25,000 and shows 5,000 of them.
const RESULTS: usize = 5000;
/// What a URI reference may not hold literally.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

struct Finding {
    rule: String,
    level: Level,
    message: String,
    file: String,
    line: u32,
    url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "critical" | "high" | "error" => Self::Error,
            "low" | "negligible" | "info" | "informational" | "note" | "none" => Self::Note,
            // `medium`, `warning`, and every word that is not known.
            _ => Self::Warning,
        }
    }
}

/// The run's findings as SARIF.
///
/// # Errors
/// Never in practice: every part has a JSON form.
pub fn render(report: &Report) -> io::Result<String> {
    let mut findings = Vec::new();
    for spec in &report.specs {
        for step in &spec.steps {
            findings.extend(of_output(spec, step));
        }
        if is_security(spec) {
            findings.extend(of_checks(spec));
        }
    }
    findings.sort_by_key(|f| f.level);
    let left_out = findings.len().saturating_sub(RESULTS);
    findings.truncate(RESULTS);

    let mut rules: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for f in &findings {
        let url = rules.entry(&f.rule).or_default();
        *url = url.or(f.url.as_deref());
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(i, r)| (*r, i)).collect();
    let results: Vec<_> = findings
        .iter()
        .map(|f| result(f, index[f.rule.as_str()]))
        .collect();
    let rules: Vec<_> = rules.iter().map(|(id, url)| rule(id, *url)).collect();

    let mut notifications = Vec::new();
    if left_out > 0 {
        notifications.push(notification(&format!(
            "{left_out} findings of the least severity are left out"
        )));
    }
    for spec in report.specs.iter().filter(|s| is_security(s)) {
        if !matches!(spec.verdict, Verdict::Passed | Verdict::Failed) {
            notifications.push(notification(&format!(
                "{} is {}: what it looks for may be there all the same",
                spec.id, spec.verdict
            )));
        }
    }
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "specrun",
                "semanticVersion": report.run.version,
                "rules": rules,
            }},
            "automationDetails": {"id": format!("specrun/{}", report.run.id)},
            "invocations": [{
                "executionSuccessful": report.finished && notifications.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn is_security(spec: &SpecReport) -> bool {
    spec.category.as_deref() == Some("security") || spec.tags.iter().any(|t| t == "security")
}

fn of_checks(spec: &SpecReport) -> Vec<Finding> {
    spec.checks
        .iter()
        .filter(|c| c.evaluated && c.outcome.verdict == Verdict::Failed)
        .map(|c| Finding {
            rule: format!("specrun/{}", spec.id),
            level: match c.check.severity.min(spec.severity) {
                Severity::Critical => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Info => Level::Note,
            },
            message: format!(
                "{}\n{}\n{}",
                spec.title,
                c.check.text,
                explain::check(spec, c).join("\n")
            ),
            file: c.check.place.file.clone(),
            line: c.check.place.line,
            url: None,
        })
        .collect()
}

fn of_output(spec: &SpecReport, step: &StepReport) -> Vec<Finding> {
    let Some(Json::Array(list)) = step.output.as_ref().and_then(|o| o.get("findings")) else {
        return Vec::new();
    };
    list.iter()
        .filter_map(Json::as_object)
        .map(|o| finding(o, step, &spec.place))
        .collect()
}

fn finding(o: &Map<String, Json>, step: &StepReport, place: &Place) -> Finding {
    let text = |keys: &[&str]| {
        keys.iter()
            .find_map(|k| o.get(*k).and_then(Json::as_str))
            .filter(|s| !s.is_empty())
            .map(|s| plain(s).into_owned())
    };
    let rule = text(&["id", "rule", "rule_id"]).unwrap_or_else(|| step.action.clone());
    // A finding without a file is shown at the spec that found it: viewers drop results without a place.
    let file = text(&["file", "path", "target"]);
    let line = o
        .get("line")
        .and_then(Json::as_u64)
        .and_then(|n| u32::try_from(n).ok());
    Finding {
        level: text(&["severity", "level"]).map_or(Level::Warning, |w| Level::of(&w)),
        message: text(&["message", "title", "description"]).unwrap_or_else(|| rule.clone()),
        line: if file.is_some() {
            line.unwrap_or(1).max(1)
        } else {
            place.line
        },
        file: file.unwrap_or_else(|| place.file.clone()),
        url: text(&["url"]).filter(|u| u.starts_with("https://") || u.starts_with("http://")),
        rule,
    }
}

fn result(f: &Finding, index: usize) -> Json {
    let mut hash = Sha256::new();
    for part in [&f.rule, &f.file, &f.message] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash = hash.finalize().iter().take(16).fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    });
    json!({
        "ruleId": f.rule,
        "ruleIndex": index,
        "level": f.level.word(),
        "message": {"text": cut(&plain(&f.message), 4000)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": utf8_percent_encode(f.file.trim_start_matches("./"), PATH).to_string()},
            "region": {"startLine": f.line},
        }}],
        // Without the line, so that a finding that moves stays the same finding.
        "partialFingerprints": {"primaryLocationLineHash": format!("{hash}:1")},
    })
}

fn rule(id: &str, url: Option<&str>) -> Json {
    let mut rule = json!({"id": id, "name": id});
    if let Some(url) = url {
        rule["helpUri"] = json!(url);
    }
    rule
}

fn notification(text: &str) -> Json {
    json!({"level": "warning", "message": {"text": text}})
}
