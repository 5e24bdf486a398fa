//! JUnit XML, in the form that GitLab, Jenkins, `CircleCI` and Buildkite read alike.
//!
//! A suite for each spec, a case for each check; and a case for each step, cleanup or spec that went wrong without
//! a check saying so. What the readers do decides the form: GitLab ignores the second of two cases of one name, the
//! `message` attribute and any file of 30 MB, `CircleCI` wants `file`, Jenkins' xUnit plugin refuses a file with an
//! attribute its schema does not know, all of them stop at characters that XML forbids.
//!
//! A file that would be too large says less of each case, then leaves passed cases out, and at last others too; its
//! counts stay those of the run.

mod cases;

use std::collections::HashSet;
use std::io;

use quick_junit::{TestCaseStatus, TestSuite};

use super::explain;
use super::model::{Report, SpecReport};
use super::output::Options;
use cases::{Cases, Names, duration, text};

/// The largest file, in bytes: GitLab reads those below 30 MB, and of a larger one nothing.
pub const LARGEST: usize = 29_000_000;
/// The most a case says in its text, and once more in `system-out`, in bytes.
const SAYS: usize = 64 * 1024;
/// Bytes that the texts of all cases may come to before each says less.
const SAY_ALL: usize = 16_000_000;

/// Who the file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Everybody who reads JUnit leniently: with `file`, `line` and `properties` at each case.
    Common,
    /// Exactly what `junit-10.xsd` of Jenkins' xUnit plugin allows.
    Strict,
}

/// What a file has room for.
#[derive(Clone, Copy)]
struct Room {
    /// Bytes of each text of a case.
    text: usize,
    passed: bool,
    /// Cases in all.
    cases: usize,
}

/// The run as JUnit XML.
///
/// # Errors
/// When the document cannot be serialised.
pub fn render(report: &Report, options: &Options, form: Form) -> io::Result<String> {
    let mut room = Room {
        text: (SAY_ALL / texts(report).max(1)).min(SAYS),
        passed: true,
        cases: usize::MAX,
    };
    loop {
        let xml = document(report, options, form, room)?;
        if xml.len() <= LARGEST || room.cases == 0 {
            return Ok(xml);
        }
        room = match room {
            Room { text: 101.., .. } => Room { text: 100, ..room },
            Room { passed: true, .. } => Room {
                passed: false,
                ..room
            },
            // No case takes less than its tags.
            Room { cases, .. } => Room {
                cases: cases.min(LARGEST / 64) / 2,
                ..room
            },
        };
    }
}

/// How many long texts there may be.
fn texts(report: &Report) -> usize {
    let of_spec = |spec: &SpecReport| {
        let checks = spec.checks.iter().filter(|c| c.is_bad()).count();
        let earlier: usize = spec.earlier.iter().map(|e| e.checks.len()).sum();
        2 * (checks + spec.unexplained_steps().count()) + earlier + spec.cleanups.len() + 1
    };
    report.specs.iter().map(of_spec).sum()
}

fn document(report: &Report, options: &Options, form: Form, mut room: Room) -> io::Result<String> {
    let mut doc = quick_junit::Report::new("specrun");
    doc.set_time(duration(report.duration));
    let mut names = HashSet::new();
    for spec in &report.specs {
        doc.add_test_suite(suite(spec, options, form, &mut room, &mut names));
    }
    let xml = doc
        .to_string()
        .map_err(|e| io::Error::other(format!("writing JUnit XML: {e}")))?;
    // The schema knows this attribute at a suite, and not at the whole.
    Ok(xml.replacen(&format!(" skipped=\"{}\"", doc.skipped), "", 1))
}

fn suite(spec: &SpecReport, options: &Options, form: Form, room: &mut Room, names: &mut Names) -> TestSuite {
    let mut suite = TestSuite::new(text(&format!("{} {}", spec.id, spec.title)));
    suite.set_time(duration(spec.duration));
    suite.extra.insert("file".into(), text(&spec.place.file).into());
    suite.add_property(("verdict", spec.verdict.word()));
    suite.add_property(("severity", explain::severity(spec.severity)));
    for (name, value) in [
        ("category", spec.category.clone()),
        ("tags", (!spec.tags.is_empty()).then(|| spec.tags.join(", "))),
        ("reason", spec.reason.clone()),
    ] {
        if let Some(value) = value {
            suite.add_property((name, text(&value).as_str()));
        }
    }
    let (mut passed, mut others) = (0, 0);
    for case in Cases::new(spec, options, form, room.text, names).all() {
        let is_passed = matches!(case.status, TestCaseStatus::Success { .. });
        // Counted whether it stays or not.
        suite.add_test_case(case);
        if room.cases > 0 && (room.passed || !is_passed) {
            room.cases -= 1;
        } else {
            suite.test_cases.pop();
            passed += usize::from(is_passed);
            others += usize::from(!is_passed);
        }
    }
    if passed + others > 0 {
        suite.set_system_out(format!(
            "left out, but counted: {passed} cases that passed, {others} that did not. GitLab reads no file of 30 MB; \
             `specrun report --report json=FILE` has them all"
        ));
    }
    suite
}
