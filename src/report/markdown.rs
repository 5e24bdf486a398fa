//! Markdown: the matrix as a table, then what did not pass. Also the summary of a step on GitHub.

use super::model::{Report, SpecReport};
use super::text::{fenced, markdown as escape, plural, seconds};
use super::{explain, github};
use crate::check::Verdict;
use std::fmt::Write as _;

/// The run in at most `max` bytes: rows and details that do not fit are counted, never cut in two.
#[must_use]
pub fn render(report: &Report, max: usize) -> String {
    let mut page = Page {
        text: String::new(),
        // Room for the lines that say what is missing.
        room: max.saturating_sub(512),
    };
    page.push(&head(report));
    let table = "\n| | spec | title | category | checks | time |\n|---|---|---|---|---:|---:|\n";
    if page.push(table) {
        let rows: Vec<_> = ordered(report).into_iter().map(row).collect();
        let left = page.push_all(&rows);
        if left > 0 {
            page.note(&format!("\n… and {} more\n", plural(left, "spec")));
        }
    }
    let details: Vec<_> = ordered(report).into_iter().filter_map(details).collect();
    if !details.is_empty() && page.push("\n## What did not pass\n") {
        let left = page.push_all(&details);
        if left > 0 {
            page.note(&format!(
                "\n… and {} more; the full report has them\n",
                plural(left, "spec")
            ));
        }
    }
    if max < 512 {
        return String::new();
    }
    page.text
}

struct Page {
    text: String,
    room: usize,
}

impl Page {
    fn push(&mut self, part: &str) -> bool {
        let fits = part.len() <= self.room;
        if fits {
            self.text.push_str(part);
            self.room -= part.len();
        }
        fits
    }

    /// Pushes as many as fit and says how many did not.
    fn push_all(&mut self, parts: &[String]) -> u64 {
        let done = parts.iter().take_while(|p| self.push(p)).count();
        (parts.len() - done) as u64
    }

    fn note(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

fn head(report: &Report) -> String {
    let c = &report.counts.specs;
    let mut text = format!(
        "# specrun: {}\n\n{} passed, {} failed, {} inconclusive, {} errored, {} blocked, {} cancelled in {}",
        github::headline(report),
        c.passed,
        c.failed,
        c.inconclusive,
        c.errored,
        c.blocked,
        c.cancelled,
        seconds(report.duration),
    );
    if let Some(environment) = &report.run.environment {
        let _ = write!(text, "; environment {}", escape(environment));
    }
    let _ = writeln!(text, "; run {}, seed {}", escape(&report.run.id), report.run.seed);
    if let Some(signal) = &report.interrupted_by {
        let _ = writeln!(text, "\nInterrupted by {}.", escape(signal));
    }
    if !report.finished {
        text.push_str("\nThe run did not reach its end.\n");
    }
    if report.counts.cleanup_open > 0 {
        let n = plural(report.counts.cleanup_open, "cleanup");
        let _ = writeln!(text, "\n{n} not done; `specrun clean` removes what is left.");
    }
    for note in report.notes.iter().take(20) {
        let _ = writeln!(text, "\n> {}", escape(note));
    }
    text
}

/// What did not pass first, otherwise in the order of the run.
fn ordered(report: &Report) -> Vec<&SpecReport> {
    let mut specs: Vec<_> = report.specs.iter().collect();
    specs.sort_by_key(|s| s.verdict == Verdict::Passed);
    specs
}

fn row(spec: &SpecReport) -> String {
    let passed = spec.checks.iter().filter(|c| !c.skipped && !c.is_bad()).count();
    let all = spec.checks.iter().filter(|c| !c.skipped).count();
    let flaky = if spec.flaky { " (flaky)" } else { "" };
    format!(
        "| {}{flaky} | {} | {} | {} | {passed}/{all} | {} |\n",
        mark(spec.verdict),
        escape(spec.id.as_str()),
        escape(&spec.title),
        escape(spec.category.as_deref().unwrap_or_default()),
        seconds(spec.duration),
    )
}

fn details(spec: &SpecReport) -> Option<String> {
    let mut blocks = String::new();
    for step in spec.unexplained_steps() {
        let _ = write!(blocks, "\n{}\n\n", escape(&explain::step_name(step)));
        blocks.push_str(&fenced(&explain::step(step).join("\n")));
    }
    for check in spec.checks.iter().filter(|c| c.is_bad() && c.evaluated) {
        let _ = write!(blocks, "\n{}\n\n", escape(&explain::check_headline(check)));
        blocks.push_str(&fenced(&explain::check(spec, check).join("\n")));
    }
    if blocks.is_empty() && spec.verdict == Verdict::Passed {
        return None;
    }
    let reason = explain::reason(spec)
        .map(|r| format!("\n{}\n", escape(&r)))
        .unwrap_or_default();
    Some(format!(
        "\n### {} {} {}\n{reason}{blocks}",
        mark(spec.verdict),
        escape(spec.id.as_str()),
        escape(&spec.title),
    ))
}

const fn mark(v: Verdict) -> &'static str {
    match v {
        Verdict::Passed => "✅ passed",
        Verdict::Failed => "❌ failed",
        Verdict::Inconclusive => "❔ inconclusive",
        Verdict::Errored => "💥 errored",
        Verdict::Blocked => "⛔ blocked",
        Verdict::Cancelled => "⏹ cancelled",
    }
}
