//! Reports as files: whole, in place, and complete when a signal arrives.

use std::fs;
use std::path::Path;

use serde_json::json;
use specrun::check::{CheckOutcome, Verdict};
use specrun::event::{EventKind, Role};
use specrun::report::{Fold, Format, Options, Report, Spec, open, open_all};

use super::{every_verdict, text};
use crate::support::events::{self, Story};

fn spec(format: &str, path: &Path) -> Spec {
    format!("{format}={}", path.display()).parse().unwrap()
}

#[test]
fn every_format_is_written_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let formats = [
        "json", "junit", "xunit", "markdown", "ctrf", "sarif", "github", "html",
    ];
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

/// Every third of ten thousand specs fails, and each report says so.
#[test]
fn ten_thousand_specs_are_counted_the_same_everywhere() {
    let ids: Vec<_> = (0..10_000).map(|i| format!("S{i:05}")).collect();
    let check = [("expect[0]", "get.status == 200")];
    let mut s = Story::new(
        ids.iter()
            .map(|id| events::spec(id, "One of many", "load", &["get"], &check))
            .collect(),
    );
    let mut failed = 0;
    for (i, id) in ids.iter().enumerate() {
        let verdict = if i % 3 == 0 {
            Verdict::Failed
        } else {
            Verdict::Passed
        };
        failed += usize::from(i % 3 == 0);
        s.begin(id).start(
            id,
            "get",
            Role::Step,
            "http.request",
            json!({"url": "http://127.0.0.1/"}),
        );
        s.pass(id, "get", Role::Step, json!({"status": 200}), 0.001);
        s.checked(
            id,
            None,
            "expect[0]",
            CheckOutcome::new(verdict, "actual 200, expected 200"),
        );
        s.end(id, verdict, None, 0.001, 1);
    }
    s.finish(1);
    let report = Fold::all(&s.events);
    let counts = report.counts.clone();
    assert_eq!(
        (counts.specs.failed, counts.specs.total(), counts.checks.total()),
        (3334, 10_000, 10_000)
    );
    assert_eq!(failed, 3334);
    let parts: [(Format, &[(&str, usize)]); 5] = [
        (
            Format::Junit,
            &[
                (
                    "<testsuites name=\"specrun\" tests=\"10000\" failures=\"3334\" errors=\"0\"",
                    1,
                ),
                ("<testcase ", 10_000),
                ("<failure ", 3334),
            ],
        ),
        (
            Format::Ctrf,
            &[("\"rawStatus\": \"failed\"", 3334), ("\"tests\": 10000,", 1)],
        ),
        (
            Format::Markdown,
            &[
                ("| ❌ failed | S", 3334),
                ("# specrun: 3334 of 10000 specs did not pass", 1),
            ],
        ),
        (
            Format::Github,
            &[("::error file=", 9), ("and 3325 more like these", 1)],
        ),
        (Format::Html, &[("specrun: 3334 of 10000 specs did not pass", 1)]),
    ];
    for (format, parts) in parts {
        let text = text(format, &report);
        for (part, times) in parts {
            assert_eq!(text.matches(part).count(), *times, "{part}");
        }
    }
}
