//! Why a check or a step did not pass, in lines of plain text: the same words in the console, JUnit, annotations
//! and Markdown.
//!
//! Lines are made harmless for terminals; places with other rules escape once more.

use super::model::{CheckReport, SpecReport, StepReport};
use super::text::{cut, kind, line, plain, plural, seconds, value};
use crate::check::{Failure, Verdict};
use crate::event::{Place, Severity};

/// Polls shown of a history: the first ones and the last ones.
const POLLS: usize = 10;
/// Lines shown of a difference.
const DIFF: usize = 40;
/// Bytes shown of one detail line of a failure.
const DETAIL: usize = 2000;

/// `specs/T07.yaml:31:9`.
#[must_use]
pub fn place(at: &Place) -> String {
    format!("{}:{}:{}", line(&at.file), at.line, at.col)
}

/// One line: the verdict with its reason.
#[must_use]
pub fn check_headline(c: &CheckReport) -> String {
    let step = match &c.step {
        Some(step) if c.check.id.starts_with(&format!("{step}.")) => String::new(),
        Some(step) => format!(" [{}]", line(step.as_str())),
        None => String::new(),
    };
    format!("{}{step}: {}", c.outcome.verdict, line(&c.check.text))
}

/// Everything known about one check, the place first.
#[must_use]
pub fn check(spec: &SpecReport, c: &CheckReport) -> Vec<String> {
    let mut lines = vec![format!("at {} ({})", place(&c.check.place), line(&c.check.id))];
    let o = &c.outcome;
    // A message that begins so has both already; their kinds matter when they differ.
    let told = o.message.starts_with("actual ");
    if let (Some(actual), Some(expected)) = (&o.actual, &o.expected)
        && o.details.is_empty()
        && (!told || kind(actual) != kind(expected))
    {
        lines.push(format!("actual:   {}", value(actual)));
        lines.push(format!("expected: {}", value(expected)));
    }
    if !o.message.is_empty() {
        lines.extend(plain(&o.message).lines().map(str::to_owned));
    }
    for l in o.details.iter().take(DIFF) {
        lines.push(format!("  {}", cut(&line(l), 200)));
    }
    if !o.statistics.is_empty() {
        let pairs: Vec<_> = o
            .statistics
            .iter()
            .map(|(k, v)| format!("{} = {}", line(k), line(&v.to_string())))
            .collect();
        lines.push(format!("statistics: {}", pairs.join(", ")));
    }
    // The values that were compared are in the message already.
    let compared = [o.actual.as_ref(), o.expected.as_ref()];
    for e in o
        .evidence
        .iter()
        .filter(|e| !told || !compared.contains(&Some(&e.value)))
    {
        lines.push(format!("  {} is {}", line(&e.expression), value(&e.value)));
    }
    if let Some(because) = &c.check.because {
        lines.push(format!("because: {}", line(because)));
    }
    if c.check.severity != Severity::Critical {
        lines.push(format!(
            "severity {}: does not count to the verdict of the spec",
            severity(c.check.severity)
        ));
    }
    if c.check.id.ends_with(".eventually")
        && let Some(step) = spec.steps.iter().find(|s| Some(&s.id) == c.step.as_ref())
    {
        lines.extend(history(step));
    }
    lines
}

/// Everything known about a step that did not end well.
#[must_use]
pub fn step(s: &StepReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = &s.reason {
        lines.extend(plain(reason).lines().map(str::to_owned));
    }
    if let Some(f) = &s.failure {
        if s.reason.as_ref() != Some(&f.message) {
            lines.push(plain(&f.message).into_owned());
        }
        lines.extend(failure(f));
    }
    if s.attempts > 1 {
        lines.push(format!("after {}", plural(u64::from(s.attempts), "attempt")));
    }
    if let Some(last) = s.failed_attempts.last()
        && s.failure.as_ref().map(|f| &f.message) != Some(&last.failure.message)
    {
        lines.push(format!(
            "the last failed attempt: {} ({})",
            line(&last.failure.message),
            last.failure.class.word()
        ));
    }
    lines.extend(history(s));
    lines
}

/// Class, codes, details and cure of a failure, without its message.
#[must_use]
pub fn failure(f: &Failure) -> Vec<String> {
    let mut facts = vec![format!("class {}", f.class.word())];
    facts.extend(f.status.map(|s| format!("status {s}")));
    facts.extend(f.exit_code.map(|c| format!("exit code {c}")));
    facts.extend(f.reason.as_deref().map(|r| format!("reason {}", line(r))));
    facts.extend(f.retry_after.map(|s| format!("asks to wait {}", seconds(s))));
    let mut lines = vec![facts.join(", ")];
    for d in &f.details {
        lines.extend(cut(&plain(d), DETAIL).lines().map(|l| format!("  {l}")));
    }
    lines.extend(f.help.as_deref().map(|h| format!("help: {}", line(h))));
    lines
}

/// The polls of `eventually`: when, and what the expression saw. Equal neighbours are joined.
#[must_use]
pub fn history(s: &StepReport) -> Vec<String> {
    if s.polls.is_empty() {
        return Vec::new();
    }
    let mut rows: Vec<(String, u64)> = Vec::new();
    let mut last = None;
    for p in &s.polls {
        let seen = (p.held, p.message.as_str());
        if last == Some(seen) {
            if let Some(row) = rows.last_mut() {
                row.1 += 1;
            }
            continue;
        }
        last = Some(seen);
        let held = if p.held { "held" } else { "not yet" };
        rows.push((
            format!(
                "  +{} {held}: {}",
                seconds((p.at - s.started).max(0.0)),
                line(&p.message)
            ),
            1,
        ));
    }
    let total = s.polls.len() as u64 + s.polls_left_out;
    let mut lines = vec![format!("seen in {}:", plural(total, "poll"))];
    let shown = rows.iter().map(|(text, n)| {
        if *n > 1 {
            format!("{text} ({n} times)")
        } else {
            text.clone()
        }
    });
    if rows.len() <= POLLS {
        lines.extend(shown);
    } else {
        let all: Vec<_> = shown.collect();
        lines.extend_from_slice(&all[..POLLS / 2]);
        lines.push(format!("  … {} more", all.len() - POLLS));
        lines.extend_from_slice(&all[all.len() - POLLS / 2..]);
    }
    lines
}

/// `step predict (kserve.infer)`.
#[must_use]
pub fn step_name(s: &StepReport) -> String {
    let id = line(s.id.as_str());
    if s.action.is_empty() {
        format!("step {id}")
    } else {
        format!("step {id} ({})", line(&s.action))
    }
}

/// The verdict of the spec in one line, from what is known.
#[must_use]
pub fn reason(spec: &SpecReport) -> Option<String> {
    if spec.verdict == Verdict::Passed {
        return None;
    }
    spec.reason.as_deref().map(line)
}

/// As [`reason`]; none when a check or step that is shown anyway says the same.
#[must_use]
pub fn further_reason(spec: &SpecReport) -> Option<String> {
    let checks = spec
        .checks
        .iter()
        .filter(|c| c.is_bad() && c.evaluated)
        .map(|c| &c.outcome.message);
    let steps = spec.unexplained_steps().filter_map(|s| s.reason.as_ref());
    let said = checks
        .chain(steps)
        .any(|m| !m.is_empty() && spec.reason.as_ref().is_some_and(|r| r.ends_with(m)));
    if said { None } else { reason(spec) }
}

/// The YAML word.
#[must_use]
pub const fn severity(s: Severity) -> &'static str {
    match s {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
