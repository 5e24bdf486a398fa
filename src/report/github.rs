//! GitHub Actions: annotations on stdout, and the summary of the step.
//!
//! GitHub shows 10 errors and 10 warnings of a step, so the worst nine stand here and one line that counts the
//! rest. A summary of more than 1,024 KiB is dropped whole, so ours ends before.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use super::model::{CheckReport, Report, SpecReport};
use super::output::Options;
use super::text::{cut, plain, plural};
use super::{explain, markdown};
use crate::check::Verdict;
use crate::event::{Place, Role, Severity};

/// Annotations of one kind that are shown in full.
const SHOWN: usize = 9;
/// Bytes of a summary, all writers of it together.
const SUMMARY: usize = 900 * 1024;
/// Bytes of one annotation's message.
const MESSAGE: usize = 4000;

/// How loud an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
    Notice,
}

/// One annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    pub level: Level,
    pub place: Option<Place>,
    pub title: String,
    /// May have several lines.
    pub message: String,
}

/// Annotations as workflow commands, in the order given: the first nine of each level, then one that counts the
/// rest.
#[must_use]
pub fn annotations(all: &[Annotation]) -> String {
    let mut text = String::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let these: Vec<_> = all.iter().filter(|a| a.level == level).collect();
        // The tenth place is only taken by the count when there are more than ten.
        let shown = if these.len() > SHOWN + 1 {
            SHOWN
        } else {
            these.len()
        };
        for a in &these[..shown] {
            text.push_str(&command(a));
        }
        if these.len() > shown {
            text.push_str(&command(&Annotation {
                level,
                place: None,
                title: "specrun".to_owned(),
                message: format!(
                    "and {} more like these; the log has them all",
                    these.len() - shown
                ),
            }));
        }
    }
    text
}

/// The run as annotations, the worst first.
#[must_use]
pub fn render(report: &Report, options: &Options) -> String {
    let mut specs: Vec<&SpecReport> = report.specs.iter().collect();
    specs.sort_by_key(|s| std::cmp::Reverse(rank(s.verdict)));
    let all: Vec<_> = specs.into_iter().flat_map(|s| of_spec(s, options)).collect();
    annotations(&all)
}

/// Appends the run to the summary file, as far as the limit allows.
///
/// # Errors
/// When the file cannot be written.
pub fn append_summary(path: &Path, report: &Report) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    let there = usize::try_from(file.metadata()?.len()).unwrap_or(SUMMARY);
    let text = markdown::render(report, SUMMARY.saturating_sub(there));
    file.write_all(text.as_bytes())?;
    file.flush()
}

fn of_spec(spec: &SpecReport, options: &Options) -> Vec<Annotation> {
    let level = |verdict: Verdict, severity: Severity| {
        let severity = severity.min(spec.severity);
        match severity {
            Severity::Info if severity < options.fail_on => Level::Notice,
            Severity::Warning | Severity::Critical if severity < options.fail_on => Level::Warning,
            _ if verdict == Verdict::Blocked && !options.strict => Level::Warning,
            Severity::Info | Severity::Warning | Severity::Critical => Level::Error,
        }
    };
    let title = |verdict: Verdict| format!("{} {verdict}: {}", spec.id, spec.title);
    let mut all: Vec<_> = spec
        .checks
        .iter()
        .filter(|c| c.is_bad() && c.evaluated)
        .map(|c: &CheckReport| Annotation {
            level: level(c.outcome.verdict, c.check.severity),
            place: Some(c.check.place.clone()),
            title: title(c.outcome.verdict),
            message: format!("{}\n{}", c.check.text, explain::check(spec, c).join("\n")),
        })
        .collect();
    for step in spec.unexplained_steps() {
        let (verdict, severity) = match step.role {
            Role::Precondition => (Verdict::Blocked, Severity::Critical),
            Role::Step => (step.verdict, Severity::Critical),
            Role::OnFailure | Role::Cleanup => (step.verdict, Severity::Warning),
        };
        all.push(Annotation {
            level: level(verdict, severity),
            place: Some(spec.place.clone()),
            title: title(verdict),
            message: format!("{}\n{}", explain::step_name(step), explain::step(step).join("\n")),
        });
    }
    if all.is_empty() && spec.verdict != Verdict::Passed {
        all.push(Annotation {
            level: level(spec.verdict, Severity::Critical),
            place: Some(spec.place.clone()),
            title: title(spec.verdict),
            message: explain::reason(spec).unwrap_or_default(),
        });
    }
    all
}

fn command(a: &Annotation) -> String {
    let word = match a.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    };
    let mut text = format!("::{word} ");
    if let Some(p) = &a.place {
        let _ = write!(text, "file={},line={},col={},", property(&p.file), p.line, p.col);
    }
    let message = cut(&a.message, MESSAGE);
    let _ = writeln!(
        text,
        "title={}::{}",
        property(&cut(&a.title, 200)),
        data(&message)
    );
    text
}

fn data(s: &str) -> String {
    plain(s)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(s: &str) -> String {
    data(s).replace(':', "%3A").replace(',', "%2C")
}

const fn rank(v: Verdict) -> u8 {
    match v {
        Verdict::Failed => 5,
        Verdict::Errored => 4,
        Verdict::Inconclusive => 3,
        Verdict::Blocked => 2,
        Verdict::Cancelled => 1,
        Verdict::Passed => 0,
    }
}

/// The headline of a run: `2 of 20 specs did not pass`.
#[must_use]
pub fn headline(report: &Report) -> String {
    let total = report.specs.len() as u64;
    let bad = total - report.counts.specs.passed;
    match (total, bad) {
        (0, _) => "no spec ran".to_owned(),
        (_, 0) => format!("all of {} passed", plural(total, "spec")),
        _ => format!("{bad} of {} did not pass", plural(total, "spec")),
    }
}
