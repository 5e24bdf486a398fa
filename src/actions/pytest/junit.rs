//! JUnit's XML as pytest and others write it: the tests with how each ended.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// A test that was run, or skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// `tests.test_rows.TestCsv.test_count[3]`, unique in the report.
    pub id: String,
    pub ended: Ended,
    /// What was said about it: the assertion, the reason of a skip.
    pub message: String,
    /// More lines: where it failed.
    pub text: String,
    /// Seconds.
    pub seconds: f64,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Passed,
    Failed,
    /// It could not be run to its end: its setup broke, its file could not be read.
    Errored,
    Skipped,
}

/// Words with which a test's attributes say that it did not run.
const NOT_RUN: [&str; 6] = [
    "notrun",
    "not_run",
    "disabled",
    "suppressed",
    "skipped",
    "ignored",
];

/// The tests of a report, and how many it says it has.
#[derive(Debug, Default, PartialEq)]
pub struct Report {
    pub cases: Vec<Case>,
    pub claimed: u64,
    /// How many failures and errors it says it has.
    pub claimed_bad: u64,
}

/// Reads a report.
///
/// # Errors
/// Why it is none.
pub fn read(text: &str) -> Result<Report, String> {
    let mut reader = Reader::from_str(text);
    let mut report = Report::default();
    let mut open: Vec<String> = Vec::new();
    let mut case: Option<Case> = None;
    let mut root = false;
    loop {
        let at = reader.buffer_position();
        let event = reader
            .read_event()
            .map_err(|e| format!("not XML at byte {at}: {e}"))?;
        match event {
            Event::Start(tag) => {
                let name = start(&tag, &mut report, &mut case, &mut root)?;
                open.push(name);
            }
            Event::Empty(tag) => {
                let name = start(&tag, &mut report, &mut case, &mut root)?;
                if name == "testcase" {
                    report.cases.extend(case.take());
                }
            }
            Event::End(_) => {
                if open.pop().as_deref() == Some("testcase") {
                    report.cases.extend(case.take());
                }
            }
            Event::Text(text) => {
                let inside = open
                    .last()
                    .is_some_and(|n| matches!(n.as_str(), "failure" | "error" | "skipped"));
                if let (Some(case), true) = (&mut case, inside) {
                    case.text
                        .push_str(&text.decode().map_err(|e| format!("not UTF-8: {e}"))?);
                }
            }
            Event::CData(text) => {
                if let Some(case) = &mut case {
                    let inside = open
                        .last()
                        .is_some_and(|n| matches!(n.as_str(), "failure" | "error" | "skipped"));
                    if inside {
                        case.text.push_str(&String::from_utf8_lossy(&text));
                    }
                }
            }
            Event::GeneralRef(name) => {
                if let Some(case) = &mut case {
                    case.text.push_str(entity(&String::from_utf8_lossy(&name)));
                }
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
        }
    }
    if !root {
        return Err("it has no <testsuites> or <testsuite>".to_owned());
    }
    if let Some(name) = open.last() {
        return Err(format!("it breaks off inside of <{name}>"));
    }
    number(&mut report.cases);
    Ok(report)
}

fn start(
    tag: &BytesStart<'_>,
    report: &mut Report,
    case: &mut Option<Case>,
    root: &mut bool,
) -> Result<String, String> {
    let name = String::from_utf8_lossy(tag.local_name().as_ref()).into_owned();
    let mut attributes = BTreeMap::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| format!("<{name}> is damaged: {e}"))?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|e| format!("<{name}> is damaged: {e}"))?;
        attributes.insert(
            String::from_utf8_lossy(attribute.key.as_ref()).into_owned(),
            value.into_owned(),
        );
    }
    let mut take = |key: &str| attributes.remove(key).unwrap_or_default();
    match name.as_str() {
        "testsuites" => *root = true,
        "testsuite" => {
            *root = true;
            let mut claim = |key: &str| take(key).parse::<u64>().unwrap_or(0);
            report.claimed = report.claimed.saturating_add(claim("tests"));
            report.claimed_bad = report
                .claimed_bad
                .saturating_add(claim("failures"))
                .saturating_add(claim("errors"));
        }
        "testcase" => {
            let (class, test) = (take("classname"), take("name"));
            let id = if class.is_empty() {
                test
            } else {
                format!("{class}.{test}")
            };
            // GoogleTest and CTest say of a disabled test in attributes only that it did not run.
            let not_run = ["status", "result"]
                .map(&mut take)
                .into_iter()
                .find(|word| NOT_RUN.contains(&word.to_lowercase().as_str()));
            *case = Some(Case {
                id,
                ended: if not_run.is_some() {
                    Ended::Skipped
                } else {
                    Ended::Passed
                },
                message: not_run.unwrap_or_default(),
                text: String::new(),
                seconds: take("time")
                    .parse()
                    .ok()
                    .filter(|s: &f64| s.is_finite())
                    .unwrap_or(0.0),
            });
        }
        "failure" | "error" | "skipped" => {
            if let Some(case) = case {
                let ended = match name.as_str() {
                    "failure" => Ended::Failed,
                    "error" => Ended::Errored,
                    _ => Ended::Skipped,
                };
                // A test that failed and whose end then broke has both: it failed. One that was skipped has not.
                if matches!(case.ended, Ended::Passed | Ended::Skipped) {
                    case.ended = ended;
                    case.message = take("message");
                }
            }
        }
        _ => {}
    }
    Ok(name)
}

fn entity(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        _ => " ",
    }
}

/// A test that stands twice (one for its call, one for its end) gets a number.
fn number(cases: &mut [Case]) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for case in cases {
        let n = seen.entry(case.id.clone()).or_default();
        *n += 1;
        if *n > 1 {
            case.id = format!("{}#{n}", case.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, ended: Ended, message: &str, text: &str) -> Case {
        Case {
            id: id.to_owned(),
            ended,
            message: message.to_owned(),
            text: text.to_owned(),
            seconds: 0.5,
        }
    }

    #[test]
    fn every_end_is_read() {
        let report = read(
            r#"<?xml version="1.0" encoding="utf-8"?>
            <testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
              <testcase classname="t.test_a" name="test_ok" time="0.5" />
              <testcase classname="t.test_a" name="test_no[1]" time="0.5"><failure message="assert 1 == 2">where &lt;it&gt; broke</failure>
                <system-out>noise</system-out></testcase>
              <testcase classname="" name="t/test_b.py" time="0.5"><error message="collection failure"><![CDATA[import <x>]]></error></testcase>
              <testcase classname="t.test_a" name="test_skip" time="0.5"><skipped type="pytest.skip" message="no GPU">t.py:3</skipped></testcase>
              <testcase classname="t.test_a" name="test_ok" time="0.5"><error message="teardown"/></testcase>
            </testsuite></testsuites>"#,
        )
        .unwrap();
        assert_eq!((report.claimed, report.claimed_bad), (4, 2));
        assert_eq!(
            report.cases,
            [
                case("t.test_a.test_ok", Ended::Passed, "", ""),
                case(
                    "t.test_a.test_no[1]",
                    Ended::Failed,
                    "assert 1 == 2",
                    "where <it> broke"
                ),
                case("t/test_b.py", Ended::Errored, "collection failure", "import <x>"),
                case("t.test_a.test_skip", Ended::Skipped, "no GPU", "t.py:3"),
                case("t.test_a.test_ok#2", Ended::Errored, "teardown", ""),
            ]
        );
    }

    #[test]
    fn a_suite_without_tests_has_none() {
        let report = read(r#"<testsuite tests="0"/>"#).unwrap();
        assert_eq!(report, Report::default());
    }

    #[test]
    fn a_test_that_did_not_run_has_not_passed() {
        let report = read(
            r#"<testsuite tests="5"><testcase name="a" status="run" result="completed" time="0.5"/>
            <testcase name="b" status="notrun" result="suppressed" time="0.5"/>
            <testcase name="c" status="disabled" time="0.5"><skipped message="no GPU"/></testcase>
            <testcase name="d" time="0.5"><skipped message="no GPU"/><error message="teardown"/></testcase>
            <testcase name="e" status="notrun" time="0.5"><failure message="no program"/></testcase></testsuite>"#,
        )
        .unwrap();
        assert_eq!(
            report.cases,
            [
                case("a", Ended::Passed, "", ""),
                case("b", Ended::Skipped, "notrun", ""),
                case("c", Ended::Skipped, "no GPU", ""),
                case("d", Ended::Errored, "teardown", ""),
                case("e", Ended::Failed, "no program", ""),
            ]
        );
    }

    #[test]
    fn what_is_no_report_is_an_error() {
        for (text, why) in [
            ("", "no <testsuites>"),
            ("<html><body/></html>", "no <testsuites>"),
            ("{}", "no <testsuites>"),
            (
                "<testsuites><testsuite tests=\"1\"><testcase name=\"a\">",
                "breaks off inside of <testcase>",
            ),
            ("<testsuites><testsuite></testsuites>", "not XML"),
            ("<testsuite tests=1/>", "damaged"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn entities_of_a_document_type_are_not_followed() {
        let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite tests="1"><testcase name="t" time="0.5"><failure message="m">&b;</failure></testcase></testsuite>"#;
        if let Ok(report) = read(bomb) {
            assert_eq!(report.cases, [case("t", Ended::Failed, "m", " ")]);
        }
        let bomb = bomb.replace("message=\"m\"", "message=\"&b;\"");
        assert!(read(&bomb).is_err());
    }
}
