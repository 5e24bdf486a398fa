//! Deadlines, signals, pauses, and actions that do not listen.

use std::time::{Duration, Instant};

use specrun::action::Class;
use specrun::check::Verdict;
use specrun::engine::Control;
use specrun::event::{Event, EventKind};

use crate::support::engine::Bench;

const UNDO: &str = "cleanup: {t.note: {text: undone}}";

/// Stops the run once an action says that it waits.
fn stop_when_waiting(event: &Event, control: &Control) {
    if let EventKind::StepProgress { .. } = &event.kind {
        control.stop("SIGINT");
    }
}

#[test]
fn an_action_that_does_not_end_is_a_timeout_and_one_that_does_not_listen_is_abandoned() {
    for action in [
        "t.wait: {}",
        "t.wait: {graceful: true}",
        "t.hang: {}",
        "t.block: {}",
    ] {
        let ran = Bench::new()
            .spec(
                "A",
                &format!("steps:\n  - {{id: s, {action}, timeout: 20ms, {UNDO}, expect: [.n == 1]}}\n"),
            )
            .run();
        assert_eq!(ran.verdict("A"), Verdict::Errored, "{action}");
        assert_eq!(ran.failure("s").class, Class::Timeout, "{action}");
        assert_eq!(ran.notes(), ["undone"], "{action}");
    }
}

#[test]
fn actions_that_block_their_threads_do_not_hold_up_the_others() {
    let mut bench = Bench::new();
    for n in 0..6 {
        bench = bench.spec(
            &format!("B{n}"),
            "steps:\n  - {id: s, t.block: {}, timeout: 20ms, expect: [.n == 1]}\n",
        );
    }
    bench.jobs = 6;
    let ran = bench.run();
    for n in 0..6 {
        assert_eq!(ran.verdict(&format!("B{n}")), Verdict::Errored);
    }
}

#[test]
fn a_spec_has_its_own_deadline_and_cleans_up_after_it() {
    let ran = Bench::new()
        .spec(
            "A",
            &format!("timeout: 2s\nsteps:\n  - {{id: s, t.wait: {{}}, {UNDO}, expect: [.n == 1]}}\n"),
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored);
    assert!(
        ran.reason("A").contains("did not end within 2s"),
        "{}",
        ran.reason("A")
    );
    assert_eq!(ran.notes(), ["undone"]);
}

#[test]
fn a_signal_cancels_cleans_up_and_starts_nothing_new() {
    let mut bench = Bench::new()
        .spec(
            "A",
            &format!(
                "steps:\n  - {{id: s, t.wait: {{}}, {UNDO}, expect: [.n == 1]}}\n  - {{id: u, t.note: {{text: u}}}}\non_failure:\n  - {{t.note: {{text: diagnosed}}}}\n"
            ),
        )
        .spec("B", "steps:\n  - {id: s, t.note: {text: b}, expect: ['.text == \"b\"']}\n");
    bench.on_event = Box::new(stop_when_waiting);
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Cancelled, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Cancelled);
    assert!(ran.reason("B").contains("SIGINT"), "{}", ran.reason("B"));
    assert_eq!(ran.notes(), ["undone"]);
    assert_eq!(ran.outcome.summary.interrupted_by.as_deref(), Some("SIGINT"));
    assert_eq!(ran.check("s.expect[0]").0, Verdict::Cancelled);
    assert!(ran.outcome.summary.cleanup_open.is_empty());
}

#[test]
fn what_creates_something_may_end_by_itself_after_a_signal() {
    // A request that was cut off could be carried out after its cleanup had passed by.
    let run = |undo: &str, millis: u64| {
        let mut bench = Bench::new().spec(
            "A",
            &format!(
                "steps:\n  - {{id: s, t.nap: {{millis: {millis}, listens: true}}, {undo} expect: [.n == 1]}}\n"
            ),
        );
        bench.on_event = Box::new(|event, control| {
            if let EventKind::StepStarted { .. } = &event.kind
                && event.step.as_ref().is_some_and(|s| s.as_str() == "s")
            {
                control.stop("SIGINT");
            }
        });
        bench.run()
    };
    let creates = run(&format!("{UNDO},"), 50);
    assert_eq!(creates.check("s.expect[0]").0, Verdict::Passed);
    assert_eq!(creates.notes(), ["undone"]);
    let creates_nothing = run("", 600_000);
    assert_eq!(creates_nothing.check("s.expect[0]").0, Verdict::Cancelled);
    // Not for ever: the moment it gets is short.
    let slow = run(&format!("{UNDO},"), 600_000);
    assert_eq!(slow.check("s.expect[0]").0, Verdict::Cancelled);
    assert_eq!(slow.notes(), ["undone"]);
}

#[test]
fn a_second_signal_waits_for_nothing_and_leaves_the_ledger_open() {
    let mut bench = Bench::new().spec(
        "A",
        "steps:\n  - {id: s, t.give: {}, cleanup: {t.hang: {}}, expect: [.n == 0]}\n",
    );
    bench.on_event = Box::new(|event, control| {
        if let EventKind::StepProgress { .. } = &event.kind {
            control.stop("SIGINT");
            control.stop("SIGINT");
        }
    });
    let began = Instant::now();
    let ran = bench.run();
    assert!(
        began.elapsed() < Duration::from_mins(1),
        "the timeout of the cleanup was waited for"
    );
    assert_eq!(ran.outcome.summary.cleanup_open.len(), 1);
}

#[test]
fn cleanup_after_a_signal_is_bounded_by_the_grace() {
    let mut bench = Bench::new().spec(
        "A",
        "steps:\n  - {id: s, t.wait: {}, cleanup: [{t.note: {text: last}}, {t.hang: {}}], expect: [.n == 0]}\n",
    );
    bench.cleanup_grace = Duration::from_millis(50);
    bench.on_event = Box::new(stop_when_waiting);
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Cancelled);
    assert_eq!(
        ran.outcome.summary.cleanup_open.len(),
        2,
        "neither was done, and the ledger says so"
    );
}

#[test]
fn the_run_has_a_deadline() {
    let mut bench = Bench::new()
        .spec(
            "A",
            &format!("steps:\n  - {{id: s, t.wait: {{}}, {UNDO}, expect: [.n == 1]}}\n"),
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.note: {text: b}, expect: ['.text == \"b\"']}\n",
        );
    bench.deadline = Some(Duration::from_secs(2));
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Cancelled);
    assert_eq!(ran.verdict("B"), Verdict::Cancelled);
    assert_eq!(ran.notes(), ["undone"]);
}

#[test]
fn after_enough_failures_nothing_new_begins() {
    let bad = "steps:\n  - {id: s, t.give: {value: 1}, expect: [.value == 2]}\n";
    let mut bench = Bench::new().spec("A", bad).spec("B", bad).spec("C", bad);
    bench.max_fail = Some(2);
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Failed);
    assert_eq!(ran.verdict("B"), Verdict::Failed);
    assert_eq!(ran.verdict("C"), Verdict::Cancelled);
    assert!(ran.reason("C").contains("--max-fail"), "{}", ran.reason("C"));
}

#[test]
fn no_deadline_passes_while_the_process_is_stopped() {
    let bench = Bench::new().spec(
        "A",
        "timeout: 20ms\nsteps:\n  - {id: s, t.nap: {millis: 200}, timeout: 20ms, expect: [.n == 1]}\n",
    );
    bench.control.pause();
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
}
