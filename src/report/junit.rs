//! JUnit XML, in the form that GitLab, Jenkins, `CircleCI` and Buildkite read alike.
//!
//! A suite for each spec, a case for each check; and a case for each step, cleanup or spec that went wrong without
//! a check saying so. What the readers do decides the form: GitLab ignores the second of two cases of one name and
//! the `message` attribute, `CircleCI` wants `file`, all of them stop at characters that XML forbids.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::explain;
use super::model::{CheckReport, EarlierTry, Report, SpecReport, StepReport};
use super::output::Options;
use super::text::{cut, line, xml};
use crate::check::Verdict;
use crate::event::{Place, Role, Severity};
use crate::value::StepId;

/// The most a case says in `system-out`, in bytes.
const SYSTEM_OUT: usize = 64 * 1024;
/// The most a name or message says, in bytes.
const NAME: usize = 400;

/// The run as JUnit XML.
///
/// # Errors
/// When the document cannot be serialised.
pub fn render(report: &Report, options: &Options) -> io::Result<String> {
    let mut doc = quick_junit::Report::new("specrun");
    doc.set_time(duration(report.duration));
    let mut names = HashSet::new();
    for spec in &report.specs {
        doc.add_test_suite(suite(spec, options, &mut names));
    }
    doc.to_string()
        .map_err(|e| io::Error::other(format!("writing JUnit XML: {e}")))
}

fn suite(spec: &SpecReport, options: &Options, names: &mut HashSet<(String, String)>) -> TestSuite {
    let mut suite = TestSuite::new(text(&format!("{} {}", spec.id, spec.title)));
    suite.set_time(duration(spec.duration));
    suite.extra.insert("file".into(), text(&spec.place.file).into());
    suite.add_property(("verdict", spec.verdict.word()));
    suite.add_property(("severity", explain::severity(spec.severity)));
    for (name, value) in [
        ("category", spec.category.clone()),
        ("tags", tags(spec)),
        ("reason", spec.reason.clone()),
    ] {
        if let Some(value) = value {
            suite.add_property((name, xml(&value).as_str()));
        }
    }
    let cases = Cases {
        spec,
        options,
        names,
        timed: HashSet::new(),
    };
    cases.fill(&mut suite);
    suite
}

struct Cases<'a> {
    spec: &'a SpecReport,
    options: &'a Options,
    names: &'a mut HashSet<(String, String)>,
    /// Steps whose duration a case has already.
    timed: HashSet<Option<&'a StepId>>,
}

impl<'a> Cases<'a> {
    fn fill(mut self, suite: &mut TestSuite) {
        let spec = self.spec;
        for check in &spec.checks {
            let case = self.check(check);
            suite.add_test_case(case);
        }
        for step in spec.unexplained_steps() {
            if matches!(step.role, Role::Precondition | Role::Step) {
                let case = self.step(step);
                suite.add_test_case(case);
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
            let status = non_success(NonSuccessKind::Error, "cleanup", &lines[0], &lines);
            let case = self.case(&format!("cleanup {}", cleanup.id), &spec.place, status);
            suite.add_test_case(case);
        }
        // Whatever else made the spec what it is (a deadline, a signal): no suite is greener than its spec.
        let told = {
            let reported_only = !self.counts(spec.severity);
            suite
                .test_cases
                .iter()
                .any(|c| tells(&c.status, spec.verdict, reported_only))
        };
        if suite.test_cases.is_empty() || (spec.verdict != Verdict::Passed && !told) {
            let lines: Vec<_> = spec.reason.iter().map(|r| line(r)).collect();
            let headline = lines.first().map_or(spec.verdict.word(), String::as_str);
            let status = self.status(spec.verdict, true, headline, &lines);
            let case = self.case("spec", &spec.place, status);
            suite.add_test_case(case);
        }
    }

    fn check(&mut self, check: &'a CheckReport) -> TestCase {
        let spec = self.spec;
        let lines = explain::check(spec, check);
        let headline = match check.outcome.message.as_str() {
            "" => explain::check_headline(check),
            message => format!("{}: {message}", check.check.text),
        };
        let mut status = if check.skipped {
            skipped(&check.outcome.message, &[])
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
                status.add_rerun(rerun(spec, earlier, bad));
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
        case.add_property(("verdict", check.outcome.verdict.word()));
        if check.check.severity != Severity::Critical {
            case.add_property(("severity", explain::severity(check.check.severity)));
        }
        if let Some(because) = &check.check.because {
            case.add_property(("because", xml(because).as_str()));
        }
        for (name, value) in &check.outcome.statistics {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            case.add_property((xml(name).as_str(), xml(&value).as_str()));
        }
        if check.is_bad() {
            let step = spec.steps.iter().find(|s| Some(&s.id) == check.step.as_ref());
            if let Some(out) = step.and_then(system_out) {
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
        if let Some(out) = system_out(step) {
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
        case.extra.insert("file".into(), text(&place.file).into());
        case.extra.insert("line".into(), place.line.to_string().into());
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
            return skipped(&format!("{verdict}, but reported only: {headline}"), lines);
        }
        match verdict {
            Verdict::Passed => TestCaseStatus::success(),
            Verdict::Blocked if !self.options.strict => skipped(&format!("blocked: {headline}"), lines),
            Verdict::Failed => non_success(NonSuccessKind::Failure, "failed", headline, lines),
            Verdict::Inconclusive | Verdict::Errored | Verdict::Blocked | Verdict::Cancelled => {
                non_success(NonSuccessKind::Error, verdict.word(), headline, lines)
            }
        }
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

fn non_success(kind: NonSuccessKind, ty: &str, headline: &str, lines: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty);
    describe(&mut status, headline, lines);
    status
}

fn skipped(headline: &str, lines: &[String]) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    describe(&mut status, headline, lines);
    status
}

/// The message as an attribute and in the text, since some readers show only one of them.
fn describe(status: &mut TestCaseStatus, headline: &str, lines: &[String]) {
    let headline = text(headline);
    let mut body = headline.clone();
    for l in lines {
        body.push('\n');
        body.push_str(l);
    }
    status.set_message(headline);
    status.set_description(xml(&cut(&body, SYSTEM_OUT)));
}

fn rerun(spec: &SpecReport, earlier: &EarlierTry, check: &CheckReport) -> TestRerun {
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
        "try {}: {}",
        earlier.attempt, check.outcome.message
    )));
    rerun.set_time(duration(earlier.duration));
    rerun.set_stack_trace(xml(&explain::check(spec, check).join("\n")));
    rerun
}

fn system_out(step: &StepReport) -> Option<String> {
    if step.progress.is_empty() {
        return None;
    }
    let lines: Vec<_> = step
        .progress
        .iter()
        .map(|p| format!("+{:.1}s {}", p.at, p.message))
        .collect();
    Some(xml(&cut(&lines.join("\n"), SYSTEM_OUT)))
}

fn tags(spec: &SpecReport) -> Option<String> {
    (!spec.tags.is_empty()).then(|| spec.tags.join(", "))
}

/// One line that may stand in an attribute.
fn text(s: &str) -> String {
    cut(&xml(&line(s)), NAME).into_owned()
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
