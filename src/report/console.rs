//! The console: each spec as it ends, everything that did not pass with its reasons, and a summary.
//!
//! Results go to `out`; progress goes to `progress`, which is a terminal or nothing.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::explain;
use super::fold::{Fold, Keep};
use super::model::{CheckReport, Report, SpecReport, StepReport};
use super::text::{cut, line, plural, seconds};
use crate::check::Verdict;
use crate::event::{Event, EventKind, Role, Severity, Sink};
use crate::value::SpecId;

/// Where to write and how.
pub struct ConsoleOptions {
    /// Results.
    pub out: Box<dyn Write + Send>,
    /// Progress: a terminal, or none.
    pub progress: Option<Box<dyn Write + Send>>,
    pub color: bool,
    /// Also shows passed checks and steps.
    pub verbose: bool,
    /// Shows only what did not pass, and the summary.
    pub quiet: bool,
    /// Columns of the terminal, for the progress line.
    pub width: usize,
}

/// The sink that people watch.
pub struct Console {
    to: ConsoleOptions,
    fold: Fold,
    running: Vec<(SpecId, String)>,
    ended: usize,
    bad: usize,
    drawn: bool,
}

impl Console {
    #[must_use]
    pub fn new(to: ConsoleOptions) -> Self {
        Self {
            to,
            fold: Fold::new(Keep::Outcomes),
            running: Vec::new(),
            ended: 0,
            bad: 0,
            drawn: false,
        }
    }

    fn ended(&mut self, id: &SpecId) -> io::Result<()> {
        let Some(spec) = self.fold.spec(id) else {
            return Ok(());
        };
        self.running.retain(|(s, _)| s != id);
        self.ended += 1;
        if spec.verdict != Verdict::Passed {
            self.bad += 1;
        }
        let page = Page {
            color: self.to.color,
            verbose: self.to.verbose,
        };
        let text = if self.to.quiet && !worth_showing(spec) {
            String::new()
        } else {
            page.spec(spec)
        };
        self.to.out.write_all(text.as_bytes())?;
        self.to.out.flush()
    }

    fn watch(&mut self, event: &Event) {
        let Some(id) = &event.spec else { return };
        if let (EventKind::SpecStarted {}, Some(spec)) = (&event.kind, self.fold.spec(id))
            && let Some(last) = spec.earlier.last()
        {
            // It is tried again, so it has not ended after all.
            self.ended = self.ended.saturating_sub(1);
            self.bad = self
                .bad
                .saturating_sub(usize::from(last.verdict != Verdict::Passed));
        }
        let doing = match (&event.kind, &event.step) {
            (EventKind::SpecStarted {}, _) => "starting".to_owned(),
            (EventKind::StepStarted { action, .. }, Some(step)) => format!("{step} ({action})"),
            (EventKind::StepProgress { message } | EventKind::Polled { message, .. }, Some(step)) => {
                format!("{step}: {message}")
            }
            (EventKind::AttemptFailed { failure, .. }, Some(step)) => {
                format!("{step}: {}, trying again", failure.message)
            }
            _ => return,
        };
        self.running.retain(|(s, _)| s != id);
        self.running.push((id.clone(), doing));
    }

    fn clear(&mut self) {
        if let (true, Some(to)) = (self.drawn, &mut self.to.progress) {
            // Progress is a convenience: a terminal that went away is no reason to stop.
            let _ = to.write_all(b"\r\x1b[2K");
            let _ = to.flush();
        }
        self.drawn = false;
    }

    fn draw(&mut self, service: Option<String>) {
        let total = self.fold.report_uncounted().specs.len();
        let Some(to) = &mut self.to.progress else { return };
        let mut text = format!("{}/{total}", self.ended);
        if self.bad > 0 {
            let _ = write!(text, ", {} not passed", self.bad);
        }
        if let Some(service) = service {
            let _ = write!(text, "  {service}");
        }
        for (id, doing) in self.running.iter().rev().take(2) {
            let _ = write!(text, "  {id} {doing}");
        }
        let width = self.to.width.clamp(20, 400) - 1;
        let text: String = line(&text).chars().take(width).collect();
        let _ = write!(to, "\r\x1b[2K{text}");
        let _ = to.flush();
        self.drawn = true;
    }
}

impl Sink for Console {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.fold.event(event);
        self.watch(event);
        self.clear();
        match &event.kind {
            EventKind::SpecFinished { .. } => {
                if let Some(id) = &event.spec {
                    self.ended(id)?;
                }
            }
            EventKind::Signalled { signal } => {
                writeln!(self.to.out, "{} received: stopping, cleaning up", line(signal))?;
            }
            EventKind::Note { message } => writeln!(self.to.out, "note: {}", line(message))?,
            EventKind::Service { name, state, message } => {
                let message = message
                    .as_deref()
                    .map(|m| format!(": {}", line(m)))
                    .unwrap_or_default();
                if state == "failed" {
                    writeln!(self.to.out, "service {} failed{message}", line(name))?;
                } else if state != "stopped" {
                    self.draw(Some(format!("service {name} is {state}{message}")));
                    return Ok(());
                }
            }
            EventKind::RunStarted { .. }
            | EventKind::SpecStarted {}
            | EventKind::StepStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::AttemptFailed { .. }
            | EventKind::Polled { .. }
            | EventKind::Checked { .. }
            | EventKind::StepFinished { .. }
            | EventKind::CleanupRegistered { .. }
            | EventKind::CleanupFinished { .. }
            | EventKind::RunFinished { .. } => {}
        }
        if !matches!(event.kind, EventKind::RunFinished { .. }) {
            self.draw(None);
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.clear();
        let page = Page {
            color: self.to.color,
            verbose: self.to.verbose,
        };
        let text = page.summary(self.fold.report());
        self.to.out.write_all(text.as_bytes())?;
        self.to.out.flush()
    }

    fn name(&self) -> String {
        "the console".to_owned()
    }
}

/// Text with or without colour.
struct Page {
    color: bool,
    verbose: bool,
}

impl Page {
    fn spec(&self, spec: &SpecReport) -> String {
        let ran = spec.checks.iter().filter(|c| !c.skipped).count() as u64;
        let mut notes = Vec::new();
        if spec.severity != Severity::Critical {
            notes.push(format!("severity {}", explain::severity(spec.severity)));
        }
        if spec.flaky {
            notes.push(format!("flaky: passed at try {}", spec.attempt));
        } else if spec.attempt > 1 {
            notes.push(format!("try {}", spec.attempt));
        }
        let notes = if notes.is_empty() {
            String::new()
        } else {
            format!(" ({})", notes.join(", "))
        };
        let mut text = format!(
            "{} {}  {}  {}, {}{notes}\n",
            self.verdict(spec.verdict),
            self.bold(&line(spec.id.as_str())),
            line(&spec.title),
            plural(ran, "check"),
            seconds(spec.duration),
        );
        if let Some(reason) = explain::further_reason(spec) {
            push(&mut text, 1, &reason);
        }
        let unevaluated = spec.checks.iter().filter(|c| c.is_bad() && !c.evaluated).count() as u64;
        for step in spec.unexplained_steps() {
            self.step(&mut text, step);
        }
        for check in &spec.checks {
            if check.is_bad() && check.evaluated {
                self.check(&mut text, spec, check);
            } else if self.verbose && check.evaluated {
                let head = format!(
                    "{} {}",
                    self.verdict(check.outcome.verdict),
                    line(&check.check.text)
                );
                push(&mut text, 1, &head);
                push(&mut text, 2, &line(&check.outcome.message));
            } else if self.verbose && check.skipped {
                push(&mut text, 1, &format!("skipped {}", line(&check.check.text)));
            }
        }
        if unevaluated > 0 {
            push(
                &mut text,
                1,
                &format!("{} not evaluated", plural(unevaluated, "check")),
            );
        }
        let not_run: Vec<_> = spec
            .steps
            .iter()
            .filter(|s| s.is_not_run())
            .map(|s| &s.id)
            .chain(&spec.steps_not_run)
            .map(|id| line(id.as_str()))
            .collect();
        if !not_run.is_empty() && spec.verdict != Verdict::Passed {
            push(&mut text, 1, &format!("not run: {}", not_run.join(", ")));
        }
        for earlier in spec.earlier.iter().filter(|_| spec.flaky || self.verbose) {
            let why = earlier
                .checks
                .first()
                .map(|c| format!(": {}", line(&c.check.text)))
                .or_else(|| earlier.reason.as_ref().map(|r| format!(": {}", line(r))))
                .unwrap_or_default();
            push(
                &mut text,
                1,
                &format!("try {} was {}{why}", earlier.attempt, earlier.verdict),
            );
        }
        for c in spec.cleanups.iter().filter(|c| !c.done) {
            let why = c
                .failure
                .as_ref()
                .map(|f| format!(": {}", line(&f.message)))
                .unwrap_or_default();
            push(
                &mut text,
                1,
                &format!("cleanup {} ({}) was not done{why}", line(&c.id), line(&c.action)),
            );
        }
        text
    }

    fn check(&self, text: &mut String, spec: &SpecReport, check: &CheckReport) {
        push(
            text,
            1,
            &format!(
                "{} {}",
                self.verdict(check.outcome.verdict),
                self.bold(&line(&check.check.text))
            ),
        );
        for l in explain::check(spec, check) {
            push(text, 2, &l);
        }
    }

    fn step(&self, text: &mut String, step: &StepReport) {
        let role = match step.role {
            Role::Step => "",
            Role::Precondition => "precondition ",
            Role::OnFailure => "diagnostic ",
            Role::Cleanup => "cleanup ",
        };
        let name = format!("{role}{}", explain::step_name(step));
        push(
            text,
            1,
            &format!("{} {}", self.verdict(step.verdict), self.bold(&name)),
        );
        for l in explain::step(step) {
            push(text, 2, &l);
        }
        for p in step.progress.iter().rev().take(5).rev() {
            push(text, 2, &format!("| {}", cut(&line(&p.message), 500)));
        }
    }

    fn summary(&self, report: &Report) -> String {
        let mut text = String::new();
        let bad: Vec<_> = report
            .specs
            .iter()
            .filter(|s| s.verdict != Verdict::Passed)
            .collect();
        if !bad.is_empty() && report.specs.len() > 5 {
            text.push_str("\nnot passed:\n");
            for spec in bad.iter().take(50) {
                let why = explain::reason(spec)
                    .map(|r| format!(": {}", cut(&r, 160)))
                    .unwrap_or_default();
                push(
                    &mut text,
                    1,
                    &format!("{} {}{why}", self.verdict(spec.verdict), line(spec.id.as_str())),
                );
            }
            if bad.len() > 50 {
                push(&mut text, 1, &format!("… and {} more", bad.len() - 50));
            }
        }
        text.push('\n');
        slow(report, &mut text);
        let c = &report.counts;
        let counts = [
            (c.specs.passed, Verdict::Passed),
            (c.specs.failed, Verdict::Failed),
            (c.specs.inconclusive, Verdict::Inconclusive),
            (c.specs.errored, Verdict::Errored),
            (c.specs.blocked, Verdict::Blocked),
            (c.specs.cancelled, Verdict::Cancelled),
        ]
        .map(|(n, v)| {
            if n == 0 {
                format!("{n} {v}")
            } else {
                self.paint(v, &format!("{n} {v}"))
            }
        })
        .join(", ");
        let checks = c.checks.passed
            + c.checks.failed
            + c.checks.inconclusive
            + c.checks.errored
            + c.checks.blocked
            + c.checks.cancelled;
        let _ = writeln!(
            text,
            "{}: {counts}; {} of {} passed; {}",
            self.bold(&plural(report.specs.len() as u64, "spec")),
            c.checks.passed,
            plural(checks, "check"),
            seconds(report.duration),
        );
        let warned = report
            .specs
            .iter()
            .filter(|s| s.severity != Severity::Critical && s.verdict != Verdict::Passed)
            .count() as u64;
        for (n, what) in [
            (c.flaky, "flaky spec (passed only at a later try)"),
            (warned, "of these reported only: severity below critical"),
            (
                c.cleanup_open,
                "cleanup not done; `specrun clean` removes what is left",
            ),
        ] {
            if n > 0 {
                let _ = writeln!(text, "{n} {what}");
            }
        }
        if let Some(signal) = &report.interrupted_by {
            let _ = writeln!(text, "interrupted by {}", line(signal));
        }
        if !report.finished {
            text.push_str("the run did not reach its end\n");
        }
        if !report.run.id.is_empty() {
            let _ = writeln!(text, "run {}, seed {}", line(&report.run.id), report.run.seed);
        }
        text
    }

    fn verdict(&self, v: Verdict) -> String {
        let word = match v {
            Verdict::Passed => "PASS",
            Verdict::Failed => "FAIL",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::Errored => "ERROR",
            Verdict::Blocked => "BLOCKED",
            Verdict::Cancelled => "CANCELLED",
        };
        self.paint(v, word)
    }

    fn paint(&self, v: Verdict, text: &str) -> String {
        let code = match v {
            Verdict::Passed => "32",
            Verdict::Failed | Verdict::Errored => "1;31",
            Verdict::Inconclusive | Verdict::Blocked => "1;33",
            Verdict::Cancelled => "1;35",
        };
        self.styled(code, text)
    }

    fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

fn worth_showing(spec: &SpecReport) -> bool {
    spec.verdict != Verdict::Passed
        || spec.flaky
        || spec.checks.iter().any(CheckReport::is_bad)
        || spec.cleanups.iter().any(|c| !c.done)
}

/// The slowest specs, when some took most of the time of a run that was long enough to mind.
fn slow(report: &Report, text: &mut String) {
    const LONG: f64 = 10.0;
    if report.specs.len() < 4 {
        return;
    }
    let mut slow: Vec<_> = report.specs.iter().filter(|s| s.duration >= LONG).collect();
    slow.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    let names: Vec<_> = slow
        .iter()
        .take(3)
        .map(|s| format!("{} {}", line(s.id.as_str()), seconds(s.duration)))
        .collect();
    if !names.is_empty() {
        let _ = writeln!(text, "slowest: {}", names.join(", "));
    }
}

fn push(text: &mut String, depth: usize, line: &str) {
    text.push_str(&"  ".repeat(depth));
    text.push_str(line);
    text.push('\n');
}
