//! From what happens in steps and checks to the verdict of the spec.

use specrun::action::Class;
use specrun::check::Verdict;
use specrun::event::EventKind;
use specrun::value::Secret;

use crate::support::engine::Bench;

#[test]
fn true_checks_pass_and_false_ones_fail_with_the_reason() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {value: 3}}\nexpect: [s.value == 3]\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.give: {value: 3}}\nexpect: [s.value == 3, s.value == 4]\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed);
    assert_eq!(ran.verdict("B"), Verdict::Failed);
    assert!(ran.reason("B").contains("expect[1]"), "{}", ran.reason("B"));
}

#[test]
fn a_step_whose_check_fails_stops_what_follows_but_not_what_is_independent() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: a, t.give: {value: 1}, expect: [.value == 2]}
  - {id: b, t.note: {text: b}, expect: ['.text == \"b\"']}
  - {id: c, needs: [], t.note: {text: c}}
expect: ['b.text == \"b\"', a.value == 1]
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Failed);
    assert_eq!(ran.notes(), ["c"]);
    let (verdict, message) = ran.check("b.expect[0]");
    assert_eq!(verdict, Verdict::Errored);
    assert!(
        message.contains("not evaluated") && message.contains("`a` failed"),
        "{message}"
    );
    assert_eq!(ran.check("expect[0]").0, Verdict::Errored);
    // What the failed step gave is known, so this can be said.
    assert_eq!(ran.check("expect[1]").0, Verdict::Passed);
}

#[test]
fn a_broken_action_is_errored_and_a_missing_thing_blocked() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.fail: {class: unreachable}, expect: [.n == 1]}\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.fail: {class: missing}, expect: [.n == 1]}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored);
    assert_eq!(ran.verdict("B"), Verdict::Blocked);
    assert_eq!(ran.failure("s").class, Class::Missing);
}

#[test]
fn a_precondition_that_is_not_met_blocks_whatever_is_wrong_with_it() {
    for (what, precondition) in [
        (
            "its check is false",
            "{id: p, t.give: {value: 1}, expect: [.value == 2]}",
        ),
        ("its action fails", "{id: p, t.fail: {class: unreachable}}"),
        (
            "it is not met in time",
            "{id: p, t.fail: {class: unreachable}, within: 20ms, every: 5ms}",
        ),
    ] {
        let ran = Bench::new()
            .spec(
                "A",
                &format!(
                    "preconditions:\n  - {precondition}\nsteps:\n  - {{id: s, t.note: {{text: ran}}}}\nexpect: ['s.text == \"ran\"']\n"
                ),
            )
            .run();
        assert_eq!(ran.verdict("A"), Verdict::Blocked, "{what}: {}", ran.reason("A"));
        assert!(ran.notes().is_empty(), "{what}: the step ran all the same");
        assert_eq!(ran.check("expect[0]").0, Verdict::Blocked, "{what}");
    }
}

#[test]
fn warnings_change_no_verdict() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: s, t.give: {value: 3}, expect: [{check: .value == 4, severity: warning}]}
expect: [s.value == 3, {check: s.value == 5, severity: info}]
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.check("s.expect[0]").0, Verdict::Failed);
}

#[test]
fn what_cannot_be_evaluated_is_errored_and_nothing_to_look_at_inconclusive() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {value: {a: 1}}}\nexpect: [s.value.b == 1]\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.give: {value: []}}\nexpect: [s.value.all(. == 1)]\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Inconclusive, "{}", ran.reason("B"));
}

#[test]
fn a_skipped_step_is_no_evidence() {
    let inputs = "inputs: {on: {type: bool, default: false}}\n";
    let ran = Bench::new()
        .spec("A", &format!("{inputs}steps:\n  - {{id: s, if: inputs.on, t.give: {{value: 1}}, expect: [.value == 1]}}\n"))
        .spec(
            "B",
            &format!(
                "{inputs}steps:\n  - {{id: s, if: inputs.on, t.give: {{value: 1}}}}\n  - {{id: u, t.note: {{text: u}}}}\nexpect: [s is absent, 'u.text == \"u\"']\n"
            ),
        )
        .spec("C", &format!("{inputs}steps:\n  - {{id: s, if: inputs.on, t.give: {{value: 1}}}}\nexpect: [s.value == 1]\n"))
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Inconclusive, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Passed, "{}", ran.reason("B"));
    assert_eq!(ran.verdict("C"), Verdict::Errored, "{}", ran.reason("C"));
    assert!(ran.steps().contains(&"s: skipped".to_owned()));
}

#[test]
fn a_panic_is_an_internal_error_of_that_step_alone() {
    let ran = Bench::new()
        .spec("A", "steps:\n  - {id: s, t.panic: {}, expect: [.n == 1]}\n")
        .spec(
            "B",
            "steps:\n  - {id: s, t.give: {value: 1}}\nexpect: [s.value == 1]\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored);
    assert!(ran.outcome.summary.internal);
    assert!(ran.failure("s").message.contains("the test's own panic"));
    assert_eq!(ran.verdict("B"), Verdict::Passed);
}

#[test]
fn an_expected_failure_has_to_be_the_expected_one() {
    let spec = |class: &str, status: u16, expected: &str| {
        format!(
            "steps:\n  - {{id: s, t.fail: {{class: {class}, status: {status}}}, expect_failure: {expected}}}\n"
        )
    };
    let ran = Bench::new()
        .spec("A", &spec("forbidden", 403, "{class: forbidden, status: 403}"))
        .spec("B", &spec("not_found", 404, "{class: forbidden}"))
        .spec("C", &spec("unreachable", 0, "{class: forbidden}"))
        .spec(
            "D",
            "steps:\n  - {id: s, t.give: {value: 1}, expect_failure: {class: forbidden}}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Failed);
    assert_eq!(
        ran.verdict("C"),
        Verdict::Errored,
        "a dead server rejects nothing"
    );
    assert_eq!(ran.verdict("D"), Verdict::Failed);
}

#[test]
fn checks_an_action_makes_itself_count() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.rules: {good: 3, bad: 0}, expect: [.n == 3]}\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.rules: {good: 1, bad: 1}, expect: [.n == 2]}\n",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed);
    assert_eq!(ran.verdict("B"), Verdict::Failed);
    assert_eq!(ran.check("s.rule[1]").0, Verdict::Failed);
}

#[test]
fn for_each_judges_every_element() {
    let body = |check: &str, items: &str| {
        format!(
            "steps:\n  - {{id: s, for_each: {{x: {items}}}, t.give: {{value: '${{{{ x }}}}'}}, expect: ['{check}']}}\n"
        )
    };
    let ran = Bench::new()
        .spec(
            "A",
            &format!("{}expect: [count(s) == 3]\n", body(".value > 0", "[1, 2, 3]")),
        )
        .spec("B", &body(".value != 1", "[1, 2, 3]"))
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    // The last element passes, and must not hide the first.
    assert_eq!(ran.verdict("B"), Verdict::Failed);
    assert_eq!(ran.check("s[0].expect[0]").0, Verdict::Failed);
    assert_eq!(ran.check("s[2].expect[0]").0, Verdict::Passed);
    assert_eq!(ran.check("s.expect[0]").0, Verdict::Failed);
    assert_eq!(ran.outcome.summary.checks.errored, 0);
}

#[test]
fn for_each_over_nothing_shows_nothing() {
    let ran = Bench::new()
        .spec(
            "A",
            "inputs: {names: {type: list, default: []}}
steps:
  - {id: s, for_each: {x: '${{ inputs.names }}'}, t.give: {value: '${{ x }}'}, expect: [.value == 1]}
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Inconclusive, "{}", ran.reason("A"));
}

#[test]
fn a_spec_is_tried_again_as_often_as_is_allowed() {
    let mut bench = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {count: a}, expect: [.n == 2]}\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.fail: {class: missing}, expect: [.n == 2]}\n",
        );
    bench.retries = 2;
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Passed);
    assert!(ran.outcome.summary.specs[0].flaky());
    assert_eq!(ran.outcome.summary.specs[0].attempts, 2);
    // What is blocked will be blocked the next time as well.
    assert_eq!(ran.outcome.summary.specs[1].attempts, 1);
}

#[test]
fn a_secret_reaches_the_action_and_no_event() {
    let mut bench = Bench::new().spec(
        "A",
        "steps:\n  - {id: s, t.give: {value: the word is tr0ub4dor}, expect: [.value is present]}\n",
    );
    bench.secrets = vec![Secret::new("token", "tr0ub4dor")];
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Passed);
    let journal = std::fs::read_to_string(ran.dir.join("journal.jsonl")).unwrap();
    assert!(
        journal.contains("the word is ***") && !journal.contains("tr0ub4dor"),
        "{journal}"
    );
}

#[test]
fn names_of_created_things_differ_between_specs_and_tries() {
    let mut bench = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: s, t.give: {count: a}, expect: ['.prefix != \"\"', .n == 2]}\n",
        )
        .spec(
            "B",
            "steps:\n  - {id: s, t.give: {}, expect: ['.prefix == run.prefix']}\n",
        );
    bench.retries = 1;
    let ran = bench.run();
    assert_eq!(ran.verdict("B"), Verdict::Passed, "{}", ran.reason("B"));
    let prefixes: std::collections::BTreeSet<String> = ran
        .events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::StepFinished {
                output: Some(output), ..
            } => Some(output["prefix"].to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(prefixes.len(), 3, "{prefixes:?}");
}

#[test]
fn a_program_that_is_missing_or_too_old_blocks() {
    let spec = |family: &str, wanted: &str| {
        format!(
            "tools: [{{{family}: '{wanted}'}}]\nsteps:\n  - {{id: s, {family}.give: {{}}, expect: [.n == 1]}}\n"
        )
    };
    let ran = Bench::new()
        .spec("A", &spec("py", ">=3.0"))
        .spec("B", &spec("py", ">=99"))
        .spec("C", &spec("nowhere", ">=1"))
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Blocked);
    assert!(
        ran.reason("B").contains("the spec asks for >=99"),
        "{}",
        ran.reason("B")
    );
    assert_eq!(ran.verdict("C"), Verdict::Blocked, "{}", ran.reason("C"));
    assert_eq!(ran.steps(), ["s: passed", "s: blocked", "s: blocked"]);
    assert_eq!(ran.outcome.summary.checks.blocked, 2);
}
