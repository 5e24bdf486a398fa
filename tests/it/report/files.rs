//! Reports as files: whole, in place, and complete when a signal arrives.

use std::fs;
use std::path::Path;

use specrun::check::Verdict;
use specrun::event::EventKind;
use specrun::report::{Options, Report, Spec, open, open_all};

use super::{every_verdict, text};
use crate::support::events;

fn spec(format: &str, path: &Path) -> Spec {
    format!("{format}={}", path.display()).parse().unwrap()
}

#[test]
fn every_format_is_written_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let formats = ["json", "junit", "markdown", "ctrf", "sarif", "github", "html"];
    let specs: Vec<_> = formats
        .iter()
        .map(|f| spec(f, &dir.path().join(format!("sub/{f}.html"))))
        .collect();
    let mut sink = open_all(&specs, &Options::default()).unwrap();
    for e in events::every_verdict() {
        sink.event(&e).unwrap();
    }
    sink.finish().unwrap();
    let report = every_verdict();
    for s in &specs {
        let written = fs::read_to_string(dir.path().join(format!("sub/{}.html", s.format.word()))).unwrap();
        assert!(
            written == text(s.format, &report),
            "{} differs from its rendering",
            s.format.word()
        );
    }
    let count = fs::read_dir(dir.path().join("sub")).unwrap().count();
    assert_eq!(count, formats.len(), "temporary files were left");
}

#[test]
fn a_signal_writes_what_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.json");
    let mut sink = open(&spec("json", &path), &Options::default()).unwrap();
    let all = events::every_verdict();
    let at = all
        .iter()
        .position(|e| matches!(e.kind, EventKind::Signalled { .. }))
        .unwrap();
    for e in &all[..=at] {
        sink.event(e).unwrap();
    }
    // No `finish`: as if the process were killed now.
    drop(sink);
    let report: Report = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(!report.finished);
    assert_eq!(report.interrupted_by.as_deref(), Some("SIGTERM"));
    let verdict = |id: &str| report.specs.iter().find(|s| s.id.as_str() == id).unwrap().verdict;
    assert_eq!(
        (verdict("T06"), verdict("T07"), verdict("T13")),
        (Verdict::Passed, Verdict::Failed, Verdict::Cancelled)
    );
}

#[test]
fn a_target_that_cannot_be_written_is_told_before_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let e = open(&spec("json", &file.join("r.json")), &Options::default())
        .err()
        .unwrap();
    assert!(e.to_string().starts_with("preparing the report json="), "{e}");
    let e = open(&spec("json", dir.path()), &Options::default())
        .err()
        .unwrap();
    assert!(e.to_string().contains("it is a folder"), "{e}");
}

/// One report that cannot be written takes no other with it.
#[test]
fn a_report_that_fails_later_is_named_and_the_others_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let (gone, good) = (dir.path().join("gone/r.json"), dir.path().join("r.json"));
    let specs = [spec("json", &gone), spec("json", &good)];
    let mut sink = open_all(&specs, &Options::default()).unwrap();
    fs::remove_dir(dir.path().join("gone")).unwrap();
    for e in events::every_verdict()
        .iter()
        .filter(|e| !matches!(e.kind, EventKind::Signalled { .. }))
    {
        sink.event(e).unwrap();
    }
    let e = sink.finish().unwrap_err().to_string();
    assert!(e.contains("gone/r.json"), "{e}");
    assert!(good.exists());
}

#[test]
fn the_step_summary_is_appended_and_stays_below_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let summary = dir.path().join("summary.md");
    fs::write(&summary, "x".repeat(899 * 1024)).unwrap();
    specrun::report::github::append_summary(&summary, &every_verdict()).unwrap();
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.len() <= 900 * 1024, "{}", text.len());
    assert!(text.contains("# specrun: 8 of 10 specs did not pass"));
}
