//! Undoing: promised before, done last to first, known after a kill.

use specrun::check::Verdict;
use specrun::engine::{CleanOptions, Control, RunDir, clean, journal, not_passed};
use specrun::event::{Event, EventKind, RunId};

use crate::support::engine::{Bench, REGISTRY, Ran, notes};

#[test]
fn cleanup_runs_last_to_first_also_after_a_failure_and_after_the_diagnostics() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: a, t.note: {text: a}, cleanup: [{t.note: {text: 'undo ${{ a.text }}'}}, {t.note: {text: undo a too}}]}
  - {id: b, t.note: {text: b}, cleanup: {t.note: {text: undo b}}, expect: ['.text == \"c\"']}
  - {id: c, t.note: {text: c}, cleanup: {t.note: {text: undo c}}}
on_failure:
  - {t.note: {text: diagnose}}
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Failed);
    assert_eq!(
        ran.notes(),
        ["a", "b", "diagnose", "undo b", "undo a too", "undo a"]
    );
    assert!(ran.outcome.summary.cleanup_open.is_empty());
}

#[test]
fn a_cleanup_is_promised_before_the_step_acts() {
    let ran = Bench::new()
        .spec("A", "steps:\n  - {id: a, t.note: {text: a}, cleanup: {t.note: {text: undo}}, expect: ['.text == \"a\"']}\n")
        .run();
    let at = |wanted: fn(&EventKind) -> bool| ran.events.iter().position(|e| wanted(&e.kind)).unwrap();
    let promised = at(|k| matches!(k, EventKind::CleanupRegistered { cleanup } if cleanup.params.is_some()));
    let acted = at(|k| matches!(k, EventKind::StepProgress { .. }));
    assert!(promised < acted);
}

#[test]
fn a_cleanup_that_fails_is_told_and_holds_up_no_other() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: a, t.note: {text: a}, cleanup: {t.note: {text: undo a}}}
  - {id: b, t.note: {text: b}, cleanup: {t.fail: {class: forbidden}}}
  - {id: c, t.note: {text: c}, cleanup: {t.fail: {class: not_found}}, expect: ['.text == \"c\"']}
",
        )
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Passed, "{}", ran.reason("A"));
    assert_eq!(ran.notes(), ["a", "b", "c", "undo a"]);
    // Nothing found is nothing left; what was refused is still there.
    assert_eq!(ran.outcome.summary.cleanup_open, ["A/b.cleanup[0]"]);
}

#[test]
fn for_each_undoes_each_element() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: a, for_each: {x: [p, q]}, t.note: {text: '${{ x }}'}, cleanup: {t.note: {text: 'undo ${{ x }} ${{ a.text }}'}}, expect: ['.text != \"z\"']}\n",
        )
        .run();
    assert_eq!(ran.notes(), ["p", "q", "undo q q", "undo p p"]);
}

/// The journal of a run that was killed before its cleanup, made by cutting off a whole one.
fn killed_before(ran: &Ran, wanted: fn(&EventKind) -> bool) {
    let path = ran.dir.join("journal.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let cut = ran.events.iter().position(|e| wanted(&e.kind)).unwrap();
    let mut kept: String = text.split_inclusive('\n').take(cut).collect();
    // And torn in the middle of a line.
    kept += "12345678 {\"seq\":";
    std::fs::write(&path, kept).unwrap();
}

fn do_clean(ran: &Ran) -> Vec<specrun::engine::Cleaned> {
    let bench = Bench::new();
    let root = ran.dir.parent().unwrap();
    clean(
        root,
        &REGISTRY,
        &bench.tools("clean"),
        &CleanOptions::default(),
        &Control::new(),
    )
    .unwrap()
}

#[test]
fn clean_does_what_a_killed_run_promised_once_and_says_what_it_cannot() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:
  - {id: a, t.note: {text: a}, cleanup: {t.note: {text: undo a}}}
  - {id: b, t.give: {value: b}, cleanup: {t.note: {text: 'undo ${{ b.value }}'}}}
  - {id: c, t.give: {value: c}, cleanup: {t.fail: {class: forbidden, message: not yours}}, expect: ['.value == \"c\"']}
",
        )
        .run();
    let dir = ran.dir.parent().unwrap().parent().unwrap().to_owned();
    std::fs::remove_file(dir.join("notes")).unwrap();
    killed_before(&ran, |k| matches!(k, EventKind::CleanupFinished { .. }));
    let found = do_clean(&ran);
    assert_eq!(found.len(), 1);
    assert_eq!(notes(&dir), ["undo b", "undo a"]);
    assert_eq!(found[0].undone.len(), 2);
    assert_eq!(found[0].left.len(), 1);
    assert!(found[0].left[0].why.contains("not yours"), "{:?}", found[0].left);
    let again = do_clean(&ran);
    assert_eq!(
        notes(&dir),
        ["undo b", "undo a"],
        "what was undone was undone again"
    );
    assert_eq!((again[0].undone.len(), again[0].left.len()), (0, 1));
    let whole = journal::read(&ran.dir).unwrap();
    assert!(!whole.torn && whole.damage.is_empty(), "{:?}", whole.damage);
}

#[test]
fn clean_leaves_a_living_run_alone() {
    let ran = Bench::new()
        .spec("A", "steps:\n  - {id: a, t.note: {text: a}, cleanup: {t.note: {text: undo a}}, expect: ['.text == \"a\"']}\n")
        .run();
    killed_before(&ran, |k| matches!(k, EventKind::CleanupFinished { .. }));
    // Another run, alive, with the same ledger.
    let root = ran.dir.parent().unwrap();
    let alive = RunDir::create(root, RunId("alive".into())).unwrap();
    std::fs::copy(ran.dir.join("journal.jsonl"), alive.path().join("journal.jsonl")).unwrap();
    let found = do_clean(&ran);
    let names: Vec<&str> = found.iter().map(|c| c.run.0.as_str()).collect();
    assert!(!names.contains(&"alive"), "{names:?}");
    assert_eq!(found.len(), 1);
}

#[test]
fn a_journal_forgives_its_tail_and_nothing_else() {
    let ran = Bench::new()
        .spec(
            "A",
            "steps:\n  - {id: a, t.note: {text: a}, expect: ['.text == \"a\"']}\n",
        )
        .run();
    let bytes = std::fs::read(ran.dir.join("journal.jsonl")).unwrap();
    let lines = bytes.split(|b| *b == b'\n').count() - 1;
    for cut in 0..bytes.len() {
        let read = journal::parse(&bytes[..cut]).unwrap();
        let whole = bytes[..cut].split(|b| *b == b'\n').count() - 1;
        assert_eq!(read.events.len(), whole, "cut at {cut}");
        assert!(read.damage.is_empty(), "cut at {cut}: {:?}", read.damage);
        assert_eq!(read.torn, cut > 0 && bytes[cut - 1] != b'\n', "cut at {cut}");
        assert_eq!(read.events[..], ran.events[..whole]);
    }
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        let read = journal::parse(&bad[..]).unwrap();
        // A flipped bit is noticed wherever it is; only a last line without its end looks like a torn one.
        let noticed = !read.damage.is_empty() || read.torn;
        assert!(noticed, "a flipped bit at {at} of {} went unnoticed", bytes.len());
        assert!(
            read.events.len() < lines,
            "a damaged event at {at} was taken for whole"
        );
    }
}

#[test]
fn what_did_not_pass_shall_run_again() {
    let good = "steps:\n  - {id: s, t.give: {value: 1}, expect: [.value == 1]}\n";
    let bad = "steps:\n  - {id: s, t.give: {value: 1}, expect: [.value == 2]}\n";
    let ran = Bench::new().spec("A", good).spec("B", bad).spec("C", good).run();
    let names = |events: &[Event]| {
        let journal = journal::Journal {
            events: events.to_vec(),
            ..journal::Journal::default()
        };
        not_passed(&journal).into_iter().map(|s| s.0).collect::<Vec<_>>()
    };
    assert_eq!(names(&ran.events), ["B"]);
    // Killed after the first spec: the others have not run.
    let first = ran
        .events
        .iter()
        .position(|e| matches!(e.kind, EventKind::SpecFinished { .. }))
        .unwrap();
    assert_eq!(names(&ran.events[..=first]), ["B", "C"]);
    assert_eq!(names(&ran.events[..2]), ["A", "B", "C"]);
}
