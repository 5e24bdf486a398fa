//! What is printed about a panic: nothing when a report tells it.

use std::process::{Command, Stdio};

use specrun::check::Verdict;

use crate::support::engine::Bench;

/// The name of [`in_a_process_of_its_own`] for the test program.
const CHILD: &str = "panics::in_a_process_of_its_own";

#[test]
fn a_panic_in_an_action_is_told_by_the_report_alone() {
    // The hook holds for a whole process, so that it needs one of its own.
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"])
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(out.contains("1 passed"), "the child ran no test: {out}");
    for text in [&out, &err] {
        assert!(!text.contains("panicked at"), "{text}");
        assert!(!text.contains("a mistake in specrun"), "{text}");
    }
}

#[test]
#[ignore = "run by the test above"]
fn in_a_process_of_its_own() {
    specrun::cli::panics::install();
    let ran = Bench::new()
        .spec("A", "steps:\n  - {id: s, t.panic: {}, expect: [.n == 1]}\n")
        .run();
    assert_eq!(ran.verdict("A"), Verdict::Errored);
    let told = ran.failure("s").message;
    assert!(told.contains("the test's own panic"), "{told}");
}
