//! JUnit XML: read back, its counts agree with the run, and its form is one that Jenkins and Surefire describe.

use std::collections::HashSet;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};
use specrun::check::Verdict;
use specrun::event::Severity;
use specrun::report::{Fold, Format, Options, Report, render};

use crate::support::events;

/// A case as a reader of JUnit sees it.
#[derive(Debug, Default, PartialEq)]
struct Case {
    class: String,
    name: String,
    file: String,
    line: String,
    /// `failure`, `error`, `skipped`, or empty when it passed.
    status: String,
    ty: String,
    message: String,
    body: String,
    reruns: Vec<String>,
}

/// Reads a document, and on the way holds it to the form.
fn read(xml: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut path: Vec<String> = Vec::new();
    let mut cases = Vec::new();
    let mut case = Case::default();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) => {
                open(&tag, &path, &mut case);
                path.push(name(&tag));
            }
            Xml::Empty(tag) => {
                open(&tag, &path, &mut case);
                if name(&tag) == "testcase" {
                    cases.push(std::mem::take(&mut case));
                }
            }
            Xml::End(_) => {
                let ended = path.pop();
                if ended.as_deref() == Some("testcase") {
                    cases.push(std::mem::take(&mut case));
                }
            }
            Xml::Text(text)
                if path
                    .last()
                    .is_some_and(|p| ["failure", "error", "skipped"].contains(&p.as_str())) =>
            {
                case.body.push_str(&text.decode().unwrap());
            }
            Xml::GeneralRef(r)
                if path
                    .last()
                    .is_some_and(|p| ["failure", "error", "skipped"].contains(&p.as_str())) =>
            {
                let _ = write!(case.body, "&{};", r.decode().unwrap());
            }
            Xml::Eof => break,
            _ => {}
        }
    }
    assert!(path.is_empty());
    cases
}

/// The elements and attributes of Jenkins' junit-10.xsd, with what GitLab and `CircleCI` read besides (marked).
fn open(tag: &BytesStart, path: &[String], case: &mut Case) {
    let parent = path.last().map_or("", String::as_str);
    let (parents, attributes): (&[&str], &[&str]) = match name(tag).as_str() {
        // Besides: `skipped`, `timestamp`.
        "testsuites" => (
            &[""],
            &[
                "name",
                "time",
                "tests",
                "failures",
                "errors",
                "skipped",
                "timestamp",
            ],
        ),
        "testsuite" => (
            &["testsuites"],
            &[
                "name",
                "tests",
                "failures",
                "errors",
                "time",
                "skipped",
                "timestamp",
                "file",
            ],
        ),
        // Besides: `file`, `line`.
        "testcase" => (&["testsuite"], &["name", "time", "classname", "file", "line"]),
        // Besides: inside of `testcase`.
        "properties" => (&["testsuite", "testcase"], &[]),
        "property" => (&["properties"], &["name", "value"]),
        "failure" | "error" | "skipped" => (&["testcase"], &["type", "message"]),
        "rerunFailure" | "rerunError" | "flakyFailure" | "flakyError" => {
            (&["testcase"], &["type", "message", "time"])
        }
        "stackTrace" => (&["rerunFailure", "rerunError", "flakyFailure", "flakyError"], &[]),
        "system-out" | "system-err" => (&["testcase", "testsuite", "rerunFailure", "flakyFailure"], &[]),
        other => panic!("unknown element {other}"),
    };
    assert!(parents.contains(&parent), "{} in {parent}", name(tag));
    for a in tag.attributes() {
        let a = a.unwrap();
        let key = String::from_utf8(a.key.as_ref().to_vec()).unwrap();
        assert!(attributes.contains(&key.as_str()), "{}@{key}", name(tag));
    }
    match name(tag).as_str() {
        "testcase" => {
            *case = Case {
                class: attribute(tag, "classname"),
                name: attribute(tag, "name"),
                file: attribute(tag, "file"),
                line: attribute(tag, "line"),
                ..Case::default()
            };
        }
        status @ ("failure" | "error" | "skipped") => {
            assert_eq!(case.status, "", "a case has one status");
            status.clone_into(&mut case.status);
            case.ty = attribute(tag, "type");
            case.message = attribute(tag, "message");
        }
        rerun @ ("rerunFailure" | "rerunError" | "flakyFailure" | "flakyError") => {
            case.reruns.push(rerun.to_owned());
        }
        _ => {}
    }
}

fn name(tag: &BytesStart) -> String {
    String::from_utf8(tag.name().as_ref().to_vec()).unwrap()
}

fn attribute(tag: &BytesStart, key: &str) -> String {
    tag.try_get_attribute(key)
        .unwrap()
        .map(|a| {
            a.normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .unwrap()
                .into_owned()
        })
        .unwrap_or_default()
}

fn junit(report: &Report, options: &Options) -> Vec<Case> {
    read(&render(Format::Junit, report, options).unwrap())
}

pub fn count(report: &Report, status: &str) -> usize {
    junit(report, &Options::default())
        .iter()
        .filter(|c| c.status == status)
        .count()
}

/// Each verdict of a spec, as its suite tells it.
#[test]
fn each_verdict_has_its_element() {
    let report = Fold::all(&events::every_verdict());
    let cases = junit(&report, &Options::default());
    let of = |spec: &str| -> Vec<(String, String)> {
        cases
            .iter()
            .filter(|c| c.name.starts_with(&format!("{spec} ")))
            .map(|c| (c.status.clone(), c.ty.clone()))
            .collect()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    // The second check's step was skipped.
    assert_eq!(of("T06"), [pair("", ""), pair("skipped", "")]);
    assert_eq!(
        of("T07"),
        [
            pair("", ""),
            pair("", ""),
            pair("failure", "failed"),
            pair("failure", "failed")
        ]
    );
    assert_eq!(of("T08"), [pair("error", "inconclusive")]);
    assert_eq!(of("T09"), [pair("error", "errored"), pair("error", "errored")]);
    assert_eq!(of("T10[model=iris]"), [pair("skipped", ""), pair("skipped", "")]);
    assert_eq!(of("T12"), [pair("", "")]);
    assert_eq!(of("T13"), [pair("error", "cancelled")]);
    assert_eq!(of("T14"), [pair("skipped", "")]);
    assert_eq!(of("T18"), [pair("failure", "failed"), pair("error", "cleanup")]);
}

#[test]
fn strict_makes_blocked_an_error_and_fail_on_counts_warnings() {
    let report = Fold::all(&events::every_verdict());
    let options = Options {
        strict: true,
        fail_on: Severity::Warning,
        step_summary: None,
    };
    let cases = junit(&report, &options);
    let of = |spec: &str| {
        cases
            .iter()
            .find(|c| c.name.starts_with(&format!("{spec} ")))
            .unwrap()
    };
    assert_eq!(
        (
            of("T10[model=iris]").status.as_str(),
            of("T10[model=iris]").ty.as_str()
        ),
        ("error", "blocked")
    );
    assert_eq!(of("T14").status, "failure");
}

#[test]
fn names_are_unique_and_places_are_the_checks_own() {
    let report = Fold::all(&events::every_verdict());
    let cases = junit(&report, &Options::default());
    let names: HashSet<_> = cases.iter().map(|c| (&c.class, &c.name)).collect();
    assert_eq!(names.len(), cases.len());
    let slow = cases.iter().find(|c| c.name.contains("p95")).unwrap();
    assert_eq!(slow.class, "specs/serving/T07");
    assert_eq!(slow.name, "T07 expect[1]: traffic.latency.p95 < inputs.limit");
    assert_eq!(
        (slow.file.as_str(), slow.line.as_str()),
        ("specs/serving/T07.yaml", "22")
    );
    assert!(slow.message.contains("p95 is 240ms"), "{slow:?}");
    assert!(
        slow.body.contains("p95 is 240ms"),
        "GitLab reads only the text: {slow:?}"
    );
    assert!(slow.body.contains("because: serving contract"), "{slow:?}");
}

#[test]
fn a_flaky_spec_shows_its_first_try() {
    let report = Fold::all(&events::every_verdict());
    let cases = junit(&report, &Options::default());
    let flaky = cases.iter().find(|c| c.name.starts_with("T12 ")).unwrap();
    assert_eq!(
        (flaky.status.as_str(), flaky.reruns.as_slice()),
        ("", ["flakyFailure".to_owned()].as_slice())
    );
}

/// A run that died has no green suite for what had not ended.
#[test]
fn a_run_cut_short_is_never_greener_than_it_was() {
    let all = events::every_verdict();
    for n in 0..=all.len() {
        let report = Fold::all(&all[..n]);
        let cases = junit(&report, &Options::default());
        for spec in &report.specs {
            let bad = cases
                .iter()
                .filter(|c| c.name.starts_with(&format!("{} ", spec.id)))
                .any(|c| !c.status.is_empty());
            let reported_only = spec.severity == Severity::Warning;
            assert!(
                bad || reported_only || (spec.finished && spec.verdict == Verdict::Passed),
                "after {n} events {} looks passed: {cases:#?}",
                spec.id
            );
        }
    }
}
