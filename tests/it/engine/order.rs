//! In which order things begin, and what runs side by side.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use specrun::check::Verdict;
use specrun::event::EventKind;

use crate::support::engine::Bench;

#[test]
fn steps_run_in_file_order_and_side_by_side_where_they_may() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: a, t.note: {text: a}}
  - {id: b, t.note: {text: b}}
  - {id: m, needs: [], t.meet: {place: here, people: 2}}
  - {id: n, needs: [], t.meet: {place: here, people: 2}}
  - {id: c, t.note: {text: '${{ b.text }}c'}}
expect: ['c.text == \"bc\"', m.n == 2]
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.notes(), ["a", "b", "bc"]);
}

#[test]
fn specs_run_side_by_side_up_to_the_number_of_jobs() {
    let body = "steps:\n  - {id: m, t.meet: {place: here, people: 2}, expect: [.n == 2]}\n";
    let mut bench = Bench::new().spec("A", body).spec("B", body);
    bench.jobs = 2;
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Passed);
    assert_eq!(ran.verdict("B"), Verdict::Passed);
}

#[test]
fn a_spec_that_waits_for_a_lock_holds_no_job() {
    // A holds the lock until C has come; B wants the lock. With two jobs, C must get the second one.
    let meet = "steps:\n  - {id: m, t.meet: {place: here, people: 2}, expect: [.n == 2]}\n";
    let mut bench = Bench::new()
        .spec("A", &format!("locks: [gpu]\n{meet}"))
        .spec(
            "B",
            "locks: [gpu]\nsteps:\n  - {id: s, t.note: {text: b}, expect: ['.text == \"b\"']}\n",
        )
        .spec("C", meet);
    bench.jobs = 2;
    let ran = bench.run();
    for spec in ["A", "B", "C"] {
        assert_eq!(ran.verdict(spec), Verdict::Passed, "{}", ran.reason(spec));
    }
    let at = |wanted: &dyn Fn(&EventKind) -> bool, spec: &str| {
        let found = ran
            .events
            .iter()
            .position(|e| e.spec.as_ref().is_some_and(|s| s.as_str() == spec) && wanted(&e.kind));
        found.unwrap()
    };
    let started = |k: &EventKind| matches!(k, EventKind::SpecStarted {});
    let finished = |k: &EventKind| matches!(k, EventKind::SpecFinished { .. });
    assert!(
        at(&started, "B") > at(&finished, "A"),
        "B ran beside A, which has the same lock"
    );
}

#[test]
fn locks_of_steps_exclude_each_other_and_never_wait_in_circles() {
    let body = |first: &str, second: &str| {
        format!(
            "steps:
  - {{id: a, background: true, locks: [{first}], t.wait: {{graceful: true}}}}
  - {{id: b, during: [a], locks: [{second}], t.note: {{text: x}}, expect: ['.text == \"x\"']}}
"
        )
    };
    let mut bench = Bench::new().spec("A", &body("x", "y")).spec("B", &body("y", "x"));
    bench.jobs = 2;
    let ran = bench.run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.verdict("B"), Verdict::Passed, "{}", ran.reason("B"));
}

#[test]
fn the_background_ends_with_the_foreground() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: bg, background: true, t.wait: {graceful: true}}
  - {id: fg, during: [bg], t.note: {text: fg}}
expect: ['bg.value == \"graceful\"', 'fg.text == \"fg\"']
",
        )
        .spec(
            "B",
            "steps:
  - {id: bg, background: true, t.wait: {}, expect: [.n == 1]}
  - {id: fg, during: bg, t.note: {text: fg}, expect: ['.text == \"fg\"']}
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    // It was stopped before it could show anything.
    assert_eq!(ran.verdict("B"), Verdict::Inconclusive, "{}", ran.reason("B"));
}

#[test]
fn during_means_while_it_runs() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: bg, background: true, t.give: {value: 1}}
  - {id: between, t.nap: {millis: 500}}
  - {id: fg, during: [bg], t.note: {text: fg}, expect: ['.text == \"fg\"']}
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored, "{}", ran.reason("A"));
    assert!(
        ran.reason("A").contains("had already ended"),
        "{}",
        ran.reason("A")
    );
    assert!(ran.notes().is_empty(), "it ran: {:?}", ran.notes());
}

#[test]
fn shuffling_follows_the_seed() {
    let order = |seed: u64, shuffle: bool| {
        let mut bench = Bench::new();
        for n in 0..8 {
            bench = bench.spec(
                &format!("S{n}"),
                "steps:\n  - {id: s, t.give: {value: 1}, expect: [.value == 1]}\n",
            );
        }
        bench.seed = seed;
        bench.shuffle = shuffle;
        let ran = bench.run();
        ran.events
            .iter()
            .filter(|e| matches!(e.kind, EventKind::SpecStarted {}))
            .map(|e| e.spec.clone().unwrap().0)
            .collect::<Vec<_>>()
    };
    let plain = order(1, false);
    assert_eq!(plain, ["S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7"]);
    let one = order(1, true);
    assert_eq!(one, order(1, true));
    assert_ne!(one, plain);
    assert_ne!(one, order(2, true));
}

/// One step of a random graph.
#[derive(Clone, Debug)]
struct Random {
    needs: Option<Vec<usize>>,
    action: &'static str,
    background: bool,
    during: Option<usize>,
    cleanup: bool,
    skipped: bool,
}

fn random() -> impl Strategy<Value = Random> {
    let action = prop_oneof![
        4 => Just("t.note: {text: x}"),
        1 => Just("t.fail: {class: unreachable}"),
        1 => Just("t.fail: {class: server, times: 1}, retry: {attempts: 2, every: 1ms}"),
        1 => Just("t.panic: {}"),
        1 => Just("t.wait: {}, timeout: 5ms"),
        1 => Just("t.wait: {graceful: true}, timeout: 5ms"),
        1 => Just("t.give: {value: 1}, eventually: .value == 2, within: 4ms, every: 1ms"),
    ];
    (
        proptest::option::of(proptest::collection::vec(0_usize..12, 0..3)),
        action,
        proptest::bool::weighted(0.2),
        proptest::option::weighted(0.2, 0_usize..12),
        proptest::bool::weighted(0.3),
        proptest::bool::weighted(0.1),
    )
        .prop_map(|(needs, action, background, during, cleanup, skipped)| Random {
            needs,
            action,
            background,
            during,
            cleanup,
            skipped,
        })
}

/// The spec of such steps. What refers to a step that cannot be referred to is left out, so that every spec compiles.
fn written(steps: &[Random]) -> String {
    let mut text = String::new();
    if steps.iter().any(|s| s.skipped) {
        text += "inputs: {on: {type: bool, default: false}}\n";
    }
    text += "steps:\n";
    let background = |n: usize| steps[n].background && !steps[n].action.contains("eventually");
    // For each step the background steps whose end it waits for, itself or through others.
    let mut waits: Vec<BTreeSet<usize>> = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let _ = write!(text, "  - {{id: s{n}, {}", step.action);
        let after: BTreeSet<usize> = match &step.needs {
            Some(needs) => needs.iter().copied().filter(|d| *d < n).collect(),
            None => (0..n).filter(|d| !background(*d)).collect(),
        };
        if step.needs.is_some() {
            let names: Vec<String> = after.iter().map(|d| format!("s{d}")).collect();
            let _ = write!(text, ", needs: [{}]", names.join(", "));
        }
        let mut ended: BTreeSet<usize> = after.iter().flat_map(|d| &waits[*d]).copied().collect();
        ended.extend(after.iter().copied().filter(|d| background(*d)));
        if background(n) {
            text += ", background: true";
        } else if let Some(during) = step.during
            && during < n
            && background(during)
            && !ended.contains(&during)
        {
            let _ = write!(text, ", during: [s{during}]");
        }
        waits.push(ended);
        if step.skipped {
            text += ", if: inputs.on";
        }
        if step.cleanup {
            text += ", cleanup: {t.note: {text: undo}}";
        }
        text += "}\n";
    }
    // A check of its own, so that every graph has an expectation.
    text + "  - {id: last, needs: [], t.give: {value: 1}, expect: [.value == 1]}\n"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the graph: the run ends, each step ends once, each cleanup that was promised is done.
    #[test]
    fn every_graph_ends(steps in proptest::collection::vec(random(), 1..12)) {
        let ran = Bench::new().spec("A", &written(&steps)).run();
        let ended = ran.events.iter().filter(|e| {
            matches!(e.kind, EventKind::StepFinished { role: specrun::event::Role::Step, .. })
        });
        prop_assert_eq!(ended.count(), steps.len() + 1);
        prop_assert!(ran.outcome.summary.cleanup_open.is_empty());
        let promised = ran.count(|k| matches!(k, EventKind::CleanupRegistered { .. }));
        prop_assert_eq!(promised, ran.notes().iter().filter(|n| *n == "undo").count());
        let broken = steps.iter().any(|s| s.action.contains("panic") && !s.skipped);
        if !broken {
            prop_assert!(!ran.outcome.summary.internal);
        }
    }
}
