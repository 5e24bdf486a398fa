//! JUnit XML: read back, its counts agree with the run, and its form is one that Jenkins and Surefire describe.

use std::collections::HashSet;
use std::fmt::Write as _;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};
use specrun::check::{CheckOutcome, Verdict};
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
fn read(format: Format, xml: &str) -> Vec<Case> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut path: Vec<String> = Vec::new();
    let mut cases = Vec::new();
    let mut case = Case::default();
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) => {
                open(format, &tag, &path, &mut case);
                path.push(name(&tag));
            }
            Xml::Empty(tag) => {
                open(format, &tag, &path, &mut case);
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

/// Elements with their parents and attributes as `junit-10.xsd` of Jenkins' xUnit plugin has them, one by one: its
/// validation refuses a file with an attribute more.
const SCHEMA: &[(&str, &[&str], &[&str])] = &[
    (
        "testsuites",
        &[""],
        &["name", "time", "tests", "failures", "errors"],
    ),
    (
        "testsuite",
        &["testsuites", "testsuite"],
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
    ),
    (
        "testcase",
        &["testsuite"],
        &["name", "time", "classname", "group"],
    ),
    ("properties", &["testsuite"], &[]),
    ("property", &["properties"], &["name", "value"]),
    ("failure", &["testcase"], &["type", "message"]),
    ("error", &["testcase"], &["type", "message"]),
    ("skipped", &["testcase"], &["type", "message"]),
    ("rerunFailure", &["testcase"], &["type", "message"]),
    ("rerunError", &["testcase"], &["type", "message"]),
    ("flakyFailure", &["testcase"], &["type", "message"]),
    ("flakyError", &["testcase"], &["type", "message"]),
    (
        "stackTrace",
        &["rerunFailure", "rerunError", "flakyFailure", "flakyError"],
        &[],
    ),
    ("system-out", &["testcase", "testsuite"], &[]),
    ("system-err", &["testcase", "testsuite"], &[]),
];

/// Attributes the schema asks for.
const REQUIRED: &[(&str, &[&str])] = &[
    ("testsuite", &["name", "tests", "failures", "errors"]),
    ("testcase", &["name"]),
    ("property", &["name", "value"]),
    ("rerunFailure", &["type"]),
    ("rerunError", &["type"]),
    ("flakyFailure", &["type"]),
    ("flakyError", &["type"]),
];

/// What the common form has besides, and who reads it.
const BESIDES: &[(&str, &str)] = &[
    // GitLab and `CircleCI`: the file a test is in.
    ("testcase", "file"),
    // Buildkite.
    ("testcase", "line"),
];

fn open(format: Format, tag: &BytesStart, path: &[String], case: &mut Case) {
    let parent = path.last().map_or("", String::as_str);
    let known = SCHEMA.iter().find(|(element, ..)| *element == name(tag));
    let (element, parents, attributes) = known.unwrap_or_else(|| panic!("unknown element {}", name(tag)));
    // Jenkins' own JUnit plugin and pytest's readers know properties of a case.
    let properties_of_a_case = format == Format::Junit && (*element, parent) == ("properties", "testcase");
    assert!(
        parents.contains(&parent) || properties_of_a_case,
        "{element} in {parent}"
    );
    let mut found = Vec::new();
    for a in tag.attributes() {
        let a = a.unwrap();
        let key = String::from_utf8(a.key.as_ref().to_vec()).unwrap();
        let besides = format == Format::Junit && BESIDES.contains(&(*element, key.as_str()));
        assert!(attributes.contains(&key.as_str()) || besides, "{element}@{key}");
        if key == "time" {
            // SUREFIRE_TIME without its thousands: digits, a point, digits.
            let time = attribute(tag, "time");
            assert!(time.chars().all(|c| c.is_ascii_digit() || c == '.') && time.matches('.').count() < 2);
        }
        found.push(key);
    }
    let (_, required) = REQUIRED.iter().find(|(e, _)| e == element).unwrap_or(&("", &[]));
    assert!(
        required.iter().all(|r| found.iter().any(|f| f == r)),
        "{element} has only {found:?}"
    );
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
    read(Format::Junit, &render(Format::Junit, report, options).unwrap())
}

pub fn count(format: Format, report: &Report, status: &str) -> usize {
    read(format, &render(format, report, &Options::default()).unwrap())
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
fn the_strict_form_has_the_same_cases_and_what_the_schema_allows() {
    let report = Fold::all(&events::every_verdict());
    let strict = read(
        Format::Xunit,
        &render(Format::Xunit, &report, &Options::default()).unwrap(),
    );
    let common = junit(&report, &Options::default()).into_iter().map(|case| Case {
        file: String::new(),
        line: String::new(),
        ..case
    });
    assert_eq!(strict, common.collect::<Vec<_>>());
}

/// A run with ten specs of so many checks, of which every second failed with this reason.
fn large(checks: usize, text: &str, reason: impl Fn(usize) -> String) -> Report {
    let ids: Vec<String> = (0..checks).map(|n| format!("expect[{n}]")).collect();
    let stated: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), text)).collect();
    let named: Vec<String> = (0..10).map(|n| format!("L{n}")).collect();
    let infos = named
        .iter()
        .map(|id| events::spec(id, "large", "load", &["get"], &stated))
        .collect();
    let mut s = events::Story::new(infos);
    for spec in &named {
        s.begin(spec);
        for (n, id) in ids.iter().enumerate() {
            let outcome = if n % 2 == 0 {
                CheckOutcome::new(Verdict::Failed, reason(n))
            } else {
                CheckOutcome::new(Verdict::Passed, "it was so")
            };
            s.checked(spec, None, id, outcome);
        }
        s.end(spec, Verdict::Failed, None, 0.1, 1);
    }
    s.finish(1);
    Fold::all(&s.events)
}

/// What stands in the head of the document.
fn told(xml: &str) -> (usize, usize) {
    let number = |key: &str| {
        let at = xml.find(&format!(" {key}=\"")).unwrap() + key.len() + 3;
        xml[at..].split('"').next().unwrap().parse().unwrap()
    };
    (number("tests"), number("failures"))
}

/// GitLab reads nothing of a file of 30 MB.
const LARGEST: usize = 30_000_000;

/// Ten thousand checks, half of them failed; what they say, at a MiB for the largest, would be 50 MB.
#[test]
fn ten_thousand_checks_with_large_reasons_fit_into_a_file_that_gitlab_reads() {
    let report = large(1000, "get.stdout == \"x\"", |n| {
        "<ä\n".repeat(if n == 0 { 1 << 18 } else { 1 << 10 })
    });
    let xml = render(Format::Xunit, &report, &Options::default()).unwrap();
    assert!(xml.len() < LARGEST, "{} bytes", xml.len());
    assert_eq!(told(&xml), (10_000, 5000));
    let cases = read(Format::Xunit, &xml);
    let failed = cases.iter().filter(|c| c.status == "failure");
    assert_eq!((cases.len(), failed.count()), (10_000, 5000));
    let first = cases.iter().find(|c| c.status == "failure").unwrap();
    assert!(first.body.contains("bytes more"), "{first:?}");
}

#[test]
fn when_not_even_names_fit_the_passed_cases_go_first_and_the_counts_stay() {
    let report = large(1200, &"<".repeat(500), |_| "because".to_owned());
    let xml = render(Format::Junit, &report, &Options::default()).unwrap();
    assert!(xml.len() < LARGEST, "{} bytes", xml.len());
    assert_eq!(told(&xml), (12_000, 6000));
    let cases = read(Format::Junit, &xml);
    assert!(
        cases.iter().all(|c| c.status == "failure"),
        "a passed case took the place of another"
    );
    assert!(xml.contains("left out, but counted: 600 cases that passed"));
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
