//! Trying again: `retry`, `eventually`, `within`.

use specrun::check::Verdict;
use specrun::event::EventKind;

use crate::support::engine::Bench;

#[test]
fn a_retry_repeats_a_failed_action_and_tells_of_each() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.fail: {class: exit_code, times: 2}, retry: {attempts: 3, every: 1ms}, expect: [.n == 3]}\n",
        )
        .spec("B", "steps:\n  - {id: s, t.fail: {class: server}, retry: {attempts: 2, every: 1ms}, expect: [.n == 3]}\n")
        .spec("C", "steps:\n  - {id: s, t.fail: {class: bad_parameter, note: c}, retry: 5, expect: [.n == 3]}\n")
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Errored);
    assert_eq!(ran.verdict("C"), Verdict::Errored);
    assert_eq!(ran.notes(), ["c"], "what cannot change is not tried again");
    assert_eq!(ran.count(|k| matches!(k, EventKind::AttemptFailed { .. })), 3);
}

#[test]
fn a_failed_check_is_not_tried_again() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {count: a}, retry: {attempts: 3, every: 1ms}, expect: [.n == 2]}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Failed);
}

#[test]
fn eventually_polls_until_it_holds_and_keeps_the_history() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {count: a}, eventually: .n >= 3, within: 60s, every: 1ms, expect: [.n == 3]}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.check("s.eventually").0, Verdict::Passed);
    let held: Vec<bool> = ran
        .events
        .iter()
        .filter_map(|e| match e.kind {
            EventKind::Polled { held, .. } => Some(held),
            _ => None,
        })
        .collect();
    assert_eq!(held, [false, false, true]);
}

#[test]
fn eventually_that_never_holds_fails_and_one_that_never_saw_anything_is_errored() {
    let rules = "eventually: .n >= 3, within: 3s, every: 100ms";
    let mut bench = Bench::new()
        .spec("A", &format!("steps:\n  - {{id: s, t.give: {{}}, {rules}}}\n"))
        .spec(
            "B",
            &format!("steps:\n  - {{id: s, t.fail: {{class: unreachable}}, {rules}}}\n"),
        )
        .spec(
            "C",
            &format!("steps:\n  - {{id: s, t.fail: {{class: forbidden, note: c}}, {rules}}}\n"),
        )
        .spec(
            "D",
            "steps:\n  - {id: s, t.give: {value: {}}, eventually: .value.x == 1, within: 3s, every: 100ms}\n",
        );
    bench.jobs = 4;
    let ran = bench.run();

    assert_eq!(ran.verdict("A"), Verdict::Failed);
    assert!(
        ran.check("s.eventually").1.contains("not within"),
        "{:?}",
        ran.check("s.eventually")
    );
    assert_eq!(ran.verdict("B"), Verdict::Errored);
    assert_eq!(ran.verdict("C"), Verdict::Errored);
    assert_eq!(ran.notes(), ["c"], "a fatal failure ends the polls");
    assert_eq!(ran.verdict("D"), Verdict::Errored, "{}", ran.reason("D"));
}

#[test]
fn a_moment_is_not_stable() {
    // It holds at the second poll only.
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {count: a}, eventually: .n == 2, within: 200ms, every: 1ms, stable_for: 50ms}\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.give: {count: b}, eventually: .n >= 2, within: 120s, every: 1ms, stable_for: 10ms}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Failed, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Passed, "{}", ran.reason("B"));
}

#[test]
fn within_alone_waits_until_the_action_succeeds() {
    let ran = Bench::new()
        .spec(
            "A",
            "preconditions:\n  - {id: p, t.fail: {class: unreachable, times: 3}, within: 60s, every: 1ms}
steps:\n  - {id: s, t.give: {value: 1}, expect: [.value == 1]}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
}
