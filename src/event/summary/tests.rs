use super::Summary;
use crate::check::{CheckOutcome, Class, Failure, Verdict};
use crate::event::{
    CheckInfo, CleanupInfo, Event, EventKind, Place, Role, RunId, RunInfo, Severity, SpecInfo,
};

fn place() -> Place {
    Place {
        file: "T01.yaml".to_owned(),
        line: 1,
        col: 1,
    }
}

fn check(id: &str, severity: Severity) -> CheckInfo {
    CheckInfo {
        id: id.to_owned(),
        text: "x == 1".to_owned(),
        severity,
        because: None,
        place: place(),
    }
}

fn spec(id: &str, severity: Severity) -> SpecInfo {
    SpecInfo {
        id: id.into(),
        title: String::new(),
        description: None,
        category: None,
        tags: Vec::new(),
        severity,
        place: place(),
        inputs: Vec::new(),
        checks: vec![
            check("expect[0]", Severity::Critical),
            check("expect[1]", Severity::Warning),
        ],
        steps: Vec::new(),
        digest: String::new(),
    }
}

fn event(spec: Option<&str>, kind: EventKind) -> Event {
    Event {
        seq: 0,
        at: String::new(),
        elapsed: 0.0,
        spec: spec.map(Into::into),
        step: None,
        kind,
    }
}

fn started(specs: Vec<SpecInfo>) -> Event {
    event(
        None,
        EventKind::RunStarted {
            run: RunInfo {
                id: RunId("r".to_owned()),
                format: 1,
                version: String::new(),
                argv: Vec::new(),
                environment: None,
                profile: None,
                seed: 0,
                jobs: 1,
                started: String::new(),
                pid: 1,
                specs,
            },
        },
    )
}

fn checked(spec: &str, id: &str, verdict: Verdict) -> Event {
    event(
        Some(spec),
        EventKind::Checked {
            check: check(id, Severity::Critical),
            outcome: CheckOutcome::new(verdict, ""),
        },
    )
}

fn ended(spec: &str, verdict: Verdict, attempt: u32) -> Event {
    event(
        Some(spec),
        EventKind::SpecFinished {
            verdict,
            reason: None,
            duration: 1.5,
            attempt,
        },
    )
}

#[test]
fn nothing_that_never_ended_counts_as_passed() {
    let mut summary = Summary::of(&[started(vec![
        spec("T01", Severity::Critical),
        spec("T02", Severity::Critical),
    ])]);
    assert_eq!((summary.critical.cancelled, summary.critical.total()), (2, 2));
    assert_eq!((summary.checks.cancelled, summary.checks.total()), (4, 4));

    summary.fold(&event(Some("T01"), EventKind::SpecStarted {}));
    assert_eq!((summary.critical.errored, summary.critical.cancelled), (1, 1));
    assert_eq!((summary.checks.errored, summary.checks.cancelled), (2, 2));

    summary.fold(&checked("T01", "expect[0]", Verdict::Passed));
    summary.fold(&ended("T01", Verdict::Passed, 1));
    assert_eq!((summary.critical.passed, summary.critical.cancelled), (1, 1));
    // The check that never ran is still seen.
    assert_eq!(
        (
            summary.checks.passed,
            summary.checks.errored,
            summary.checks.cancelled
        ),
        (1, 1, 2)
    );
    assert!(!summary.finished);
}

#[test]
fn specs_count_by_severity_and_checks_that_only_warn_apart() {
    let summary = Summary::of(&[
        started(vec![
            spec("T01", Severity::Critical),
            spec("T02", Severity::Warning),
        ]),
        event(Some("T01"), EventKind::SpecStarted {}),
        checked("T01", "expect[0]", Verdict::Passed),
        checked("T01", "expect[1]", Verdict::Failed),
        checked("T01", "probe[2].expect[0]", Verdict::Passed),
        ended("T01", Verdict::Passed, 1),
        event(Some("T02"), EventKind::SpecStarted {}),
        checked("T02", "expect[0]", Verdict::Failed),
        checked("T02", "expect[1]", Verdict::Passed),
        ended("T02", Verdict::Failed, 1),
    ]);
    assert_eq!((summary.critical.passed, summary.critical.total()), (1, 1));
    assert_eq!((summary.warning.failed, summary.warning.total()), (1, 1));
    assert_eq!(
        (
            summary.checks.passed,
            summary.checks.failed,
            summary.checks.total()
        ),
        (3, 2, 5)
    );
    assert_eq!(summary.check_warnings, 1);
}

#[test]
fn checks_of_a_skipped_step_are_not_missing() {
    let mut info = spec("T01", Severity::Critical);
    info.checks.push(check("probe.expect[0]", Severity::Critical));
    info.checks.push(check("probe2.expect[0]", Severity::Critical));
    let mut skipped = event(
        Some("T01"),
        EventKind::StepFinished {
            role: Role::Step,
            verdict: Verdict::Passed,
            reason: None,
            output: None,
            failure: None,
            attempts: 0,
            duration: 0.0,
            skipped: true,
        },
    );
    skipped.step = Some("probe".into());
    let try_it = [event(Some("T01"), EventKind::SpecStarted {}), skipped];
    let mut summary = Summary::of(&[started(vec![info])]);
    for event in try_it.iter().chain(&try_it) {
        summary.fold(event);
    }
    assert_eq!((summary.checks.errored, summary.checks.total()), (3, 3));
}

#[test]
fn a_spec_that_was_cancelled_before_it_began_has_no_errored_checks() {
    let summary = Summary::of(&[
        started(vec![spec("T01", Severity::Critical)]),
        ended("T01", Verdict::Cancelled, 1),
    ]);
    assert_eq!((summary.critical.cancelled, summary.critical.total()), (1, 1));
    assert_eq!((summary.checks.cancelled, summary.checks.total()), (2, 2));
}

#[test]
fn a_retried_spec_counts_once_with_its_last_try() {
    let summary = Summary::of(&[
        started(vec![spec("T01", Severity::Critical)]),
        event(Some("T01"), EventKind::SpecStarted {}),
        checked("T01", "expect[0]", Verdict::Failed),
        ended("T01", Verdict::Failed, 1),
        event(Some("T01"), EventKind::SpecStarted {}),
        checked("T01", "expect[0]", Verdict::Passed),
        checked("T01", "expect[1]", Verdict::Passed),
        ended("T01", Verdict::Passed, 2),
    ]);
    assert_eq!((summary.critical.passed, summary.critical.total()), (1, 1));
    assert_eq!((summary.checks.passed, summary.checks.total()), (2, 2));
    assert_eq!(summary.flaky().count(), 1);
    assert_eq!(summary.specs[0].duration, 1.5);
}

#[test]
fn a_promised_cleanup_stays_open_until_it_is_done() {
    let promised = |id: &str| {
        event(
            Some("T01"),
            EventKind::CleanupRegistered {
                cleanup: CleanupInfo {
                    id: id.to_owned(),
                    action: "mlflow.delete".to_owned(),
                    params: None,
                },
            },
        )
    };
    let finished = |id: &str, done| {
        event(
            Some("T01"),
            EventKind::CleanupFinished {
                id: id.to_owned(),
                done,
                failure: None,
            },
        )
    };
    let summary = Summary::of(&[
        started(vec![spec("T01", Severity::Critical)]),
        promised("a"),
        promised("b"),
        promised("c"),
        finished("b", true),
        finished("c", false),
    ]);
    assert_eq!(summary.cleanup_open, ["a", "c"]);
}

#[test]
fn refusals_internal_mistakes_and_signals_are_seen() {
    let ended = |class, verdict| {
        event(
            Some("T01"),
            EventKind::StepFinished {
                role: Role::Step,
                verdict,
                reason: None,
                output: None,
                failure: Some(Failure::new(class, "x")),
                attempts: 1,
                duration: 0.0,
                skipped: false,
            },
        )
    };
    let failed = |class| ended(class, Verdict::Errored);
    let signal = |name: &str| {
        event(
            None,
            EventKind::Signalled {
                signal: name.to_owned(),
            },
        )
    };
    let run = started(vec![spec("T01", Severity::Critical)]);
    let summary = Summary::of(&[run.clone(), failed(Class::Timeout)]);
    assert!(!summary.not_granted && !summary.internal && summary.interrupted_by.is_none());
    assert!(Summary::of(&[run.clone(), failed(Class::NotGranted)]).not_granted);
    let expected = ended(Class::NotGranted, Verdict::Passed);
    assert!(!Summary::of(&[run.clone(), expected]).not_granted);
    assert!(Summary::of(&[run.clone(), failed(Class::Internal)]).internal);
    let summary = Summary::of(&[run, signal("SIGTERM"), signal("SIGINT")]);
    assert_eq!(summary.interrupted_by.as_deref(), Some("SIGTERM"));
    let done = event(
        None,
        EventKind::RunFinished {
            exit_code: 0,
            duration: 0.0,
        },
    );
    assert!(Summary::of(&[done]).finished);
}
