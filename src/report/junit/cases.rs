//! The cases of a suite: of checks, steps and cleanups, each with a name that no other has.

use std::collections::HashSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestRerun};

use super::Form;
use crate::check::Verdict;
use crate::event::{Place, Role, Severity};
use crate::report::explain;
use crate::report::model::{CheckReport, EarlierTry, SpecReport, StepReport};
use crate::report::output::Options;
use crate::report::text::{cut, line, seconds, xml};
use crate::value::StepId;

/// The most a name or message says, in bytes.
const NAME: usize = 400;

/// Class and name of every case of the file.
pub(super) type Names = HashSet<(String, String)>;

pub(super) struct Cases<'a> {
    spec: &'a SpecReport,
    options: &'a Options,
    form: Form,
    /// Bytes that each text may have.
    room: usize,
    names: &'a mut Names,
    /// Steps whose duration a case has already.
    timed: HashSet<Option<&'a StepId>>,
}

impl<'a> Cases<'a> {
    pub(super) fn new(
        spec: &'a SpecReport,
        options: &'a Options,
        form: Form,
        room: usize,
        names: &'a mut Names,
    ) -> Self {
        Self {
            spec,
            options,
            form,
            room,
            names,
            timed: HashSet::new(),
        }
    }

    pub(super) fn all(mut self) -> Vec<TestCase> {
        let spec = self.spec;
        let mut all: Vec<TestCase> = spec.checks.iter().map(|check| self.check(check)).collect();
        for step in spec.unexplained_steps() {
            if matches!(step.role, Role::Precondition | Role::Step) {
                all.push(self.step(step));
            }
        }
        for cleanup in spec.cleanups.iter().filter(|c| !c.done) {
            let mut lines = vec![format!(
                "{} ({}) was not done",
                line(&cleanup.id),
                line(&cleanup.action)
            )];
            if let Some(f) = &cleanup.failure {
                lines.push(line(&f.message));
                lines.extend(explain::failure(f));
            }
            let status = self.non_success(NonSuccessKind::Error, "cleanup", &lines[0], &lines);
            all.push(self.case(&format!("cleanup {}", cleanup.id), &spec.place, status));
        }
        // Whatever else made the spec what it is (a deadline, a signal): no suite is greener than its spec.
        let told = {
            let reported_only = !self.counts(spec.severity);
            all.iter().any(|c| tells(&c.status, spec.verdict, reported_only))
        };
        if all.is_empty() || (spec.verdict != Verdict::Passed && !told) {
            let lines: Vec<_> = spec.reason.iter().map(|r| line(r)).collect();
            let headline = lines.first().map_or(spec.verdict.word(), String::as_str);
            let status = self.status(spec.verdict, true, headline, &lines);
            all.push(self.case("spec", &spec.place, status));
        }
        all
    }

    fn check(&mut self, check: &'a CheckReport) -> TestCase {
        let spec = self.spec;
        let lines = explain::check(spec, check);
        let headline = match check.outcome.message.as_str() {
            "" => explain::check_headline(check),
            message => format!("{}: {message}", check.check.text),
        };
        let mut status = if check.skipped {
            self.skipped(&check.outcome.message, &[])
        } else {
            self.status(
                check.outcome.verdict,
                self.counts(check.check.severity),
                &headline,
                &lines,
            )
        };
        for earlier in &spec.earlier {
            if let Some(bad) = earlier
                .checks
                .iter()
                .find(|c| c.check.id == check.check.id && c.step == check.step)
            {
                status.add_rerun(self.rerun(earlier, bad));
            }
        }
        let step = check
            .step
            .as_ref()
            .filter(|s| !check.check.id.starts_with(&format!("{s}.")));
        let at = step.map(|s| format!(" [{s}]")).unwrap_or_default();
        let mut case = self.case(
            &format!("{}{at}: {}", check.check.id, check.check.text),
            &check.check.place,
            status,
        );
        case.set_time(duration(self.time(check.step.as_ref())));
        if self.form == Form::Common {
            properties(&mut case, check);
        }
        if check.is_bad() {
            let step = spec.steps.iter().find(|s| Some(&s.id) == check.step.as_ref());
            if let Some(out) = step.and_then(|step| self.system_out(step)) {
                case.set_system_out(out);
            }
        }
        case
    }

    fn step(&mut self, step: &'a StepReport) -> TestCase {
        let lines = explain::step(step);
        let verdict = match step.role {
            // Whatever a precondition found, it says nothing about the thing under test.
            Role::Precondition if step.verdict != Verdict::Cancelled => Verdict::Blocked,
            Role::Precondition | Role::Step | Role::OnFailure | Role::Cleanup => step.verdict,
        };
        let headline = lines.first().map_or(verdict.word(), String::as_str);
        let status = self.status(verdict, true, headline, &lines);
        let mut case = self.case(&explain::step_name(step), &self.spec.place, status);
        case.set_time(duration(self.time(Some(&step.id))));
        if let Some(out) = self.system_out(step) {
            case.set_system_out(out);
        }
        case
    }

    /// A case with a name that no other case has.
    fn case(&mut self, name: &str, place: &Place, status: TestCaseStatus) -> TestCase {
        let class = text(self.spec.stem());
        let name = text(&format!("{} {name}", self.spec.id));
        let mut unique = name.clone();
        let mut n = 2;
        while !self.names.insert((class.clone(), unique.clone())) {
            unique = format!("{name} ({n})");
            n += 1;
        }
        let mut case = TestCase::new(unique, status);
        case.set_classname(class);
        case.set_time(Duration::ZERO);
        if self.form == Form::Common {
            case.extra.insert("file".into(), text(&place.file).into());
            case.extra.insert("line".into(), place.line.to_string().into());
        }
        case
    }

    /// The first case of a step has the step's time, the first of the spec's own checks what is left: so the sum is
    /// right.
    fn time(&mut self, step: Option<&'a StepId>) -> f64 {
        if !self.timed.insert(step) {
            return 0.0;
        }
        let sum = |steps: &mut dyn Iterator<Item = &StepReport>| -> f64 { steps.map(|s| s.duration).sum() };
        let mut steps = self.spec.steps.iter();
        if let Some(id) = step {
            sum(&mut steps.filter(|s| s.id == *id))
        } else {
            (self.spec.duration - sum(&mut steps)).max(0.0)
        }
    }

    fn counts(&self, severity: Severity) -> bool {
        severity >= self.options.fail_on
    }

    fn status(&self, verdict: Verdict, counts: bool, headline: &str, lines: &[String]) -> TestCaseStatus {
        if verdict == Verdict::Passed {
            return TestCaseStatus::success();
        }
        if !counts || !self.counts(self.spec.severity) {
            return self.skipped(&format!("{verdict}, but reported only: {headline}"), lines);
        }
        match verdict {
            Verdict::Passed => TestCaseStatus::success(),
            Verdict::Blocked if !self.options.strict => self.skipped(&format!("blocked: {headline}"), lines),
            Verdict::Failed => self.non_success(NonSuccessKind::Failure, "failed", headline, lines),
            Verdict::Inconclusive | Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => {
                self.non_success(NonSuccessKind::Error, verdict.word(), headline, lines)
            }
        }
    }

    fn non_success(
        &self,
        kind: NonSuccessKind,
        ty: &str,
        headline: &str,
        lines: &[String],
    ) -> TestCaseStatus {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(ty);
        self.describe(&mut status, headline, lines);
        status
    }

    fn skipped(&self, headline: &str, lines: &[String]) -> TestCaseStatus {
        let mut status = TestCaseStatus::skipped();
        self.describe(&mut status, headline, lines);
        status
    }

    /// The message as an attribute and in the text, since some readers show only one of them.
    fn describe(&self, status: &mut TestCaseStatus, headline: &str, lines: &[String]) {
        let headline = text(headline);
        let mut body = headline.clone();
        for l in lines {
            body.push('\n');
            body.push_str(l);
        }
        status.set_message(headline);
        status.set_description(self.long(&body));
    }

    fn rerun(&self, earlier: &EarlierTry, check: &CheckReport) -> TestRerun {
        let kind = match check.outcome.verdict {
            Verdict::Failed => NonSuccessKind::Failure,
            Verdict::Passed
            | Verdict::Inconclusive
            | Verdict::Errored
            | Verdict::Blocked
            | Verdict::Cancelled => NonSuccessKind::Error,
        };
        let mut rerun = TestRerun::new(kind);
        rerun.set_type(check.outcome.verdict.word());
        rerun.set_message(text(&format!(
            "try {} ({}): {}",
            earlier.attempt,
            seconds(earlier.duration),
            check.outcome.message
        )));
        rerun.set_stack_trace(self.long(&explain::check(self.spec, check).join("\n")));
        rerun
    }

    fn system_out(&self, step: &StepReport) -> Option<String> {
        if step.progress.is_empty() {
            return None;
        }
        let lines: Vec<_> = step
            .progress
            .iter()
            .map(|p| format!("+{:.1}s {}", p.at, p.message))
            .collect();
        Some(self.long(&lines.join("\n")))
    }

    fn long(&self, text: &str) -> String {
        xml(&cut(text, self.room))
    }
}

/// What a reader that knows `properties` can sort by.
fn properties(case: &mut TestCase, check: &CheckReport) {
    case.add_property(("verdict", check.outcome.verdict.word()));
    if check.check.severity != Severity::Critical {
        case.add_property(("severity", explain::severity(check.check.severity)));
    }
    if let Some(because) = &check.check.because {
        case.add_property(("because", text(because).as_str()));
    }
    for (name, value) in &check.outcome.statistics {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        case.add_property((text(name).as_str(), text(&value).as_str()));
    }
}

/// Whether a case shows a verdict at least as bad as the spec's. A skipped one only does for a blocked spec, and for
/// one that cannot fail the run anyway.
fn tells(status: &TestCaseStatus, verdict: Verdict, reported_only: bool) -> bool {
    match status {
        TestCaseStatus::NonSuccess { kind, .. } => {
            verdict != Verdict::Failed || *kind == NonSuccessKind::Failure
        }
        TestCaseStatus::Skipped { .. } => verdict == Verdict::Blocked || reported_only,
        TestCaseStatus::Success { .. } => false,
    }
}

/// One line that may stand in an attribute.
pub(super) fn text(s: &str) -> String {
    // What is made harmless gets longer, never shorter: of a long text only the beginning is looked at.
    cut(&xml(&line(&cut(s, NAME))), NAME).into_owned()
}

pub(super) fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
