//! Whatever a server under test says, no report is steered by it.

use proptest::prelude::*;
use serde_json::json;
use specrun::check::{CheckOutcome, Class, Evidence, Failure, Verdict};
use specrun::event::{Event, EventKind, Role, Sink};
use specrun::report::{Console, ConsoleOptions, Fold, Format, Options, Report, render};
use std::fmt::Write as _;

use super::junit::count;
use crate::support::events::{Story, spec};

pub const WORST: &str = "]]><script>alert(1)</script>\u{1b}[2J\u{1b}]0;x\u{7}\r\n::error::x\n</script><!--\u{0}\u{fffe}\u{202e}|`````@all %0A &amp; \" '";

/// A failed run in which every text from outside is `text`.
pub fn run(text: &str) -> Vec<Event> {
    let mut info = spec("T01", text, "security", &["s"], &[("expect[0]", text)]);
    info.checks[0].because = Some(text.into());
    info.description = Some(text.into());
    info.tags = vec![text.into()];
    let mut s = Story::new(vec![info]);
    s.begin("T01").start(
        "T01",
        "s",
        Role::Step,
        "http.request",
        json!({"url": text, text: text}),
    );
    s.add(
        Some("T01"),
        Some("s"),
        EventKind::StepProgress { message: text.into() },
    );
    s.add(
        Some("T01"),
        Some("s"),
        EventKind::Polled {
            attempt: 1,
            held: false,
            message: text.into(),
        },
    );
    s.add(None, None, EventKind::Note { message: text.into() });
    s.pass(
        "T01",
        "s",
        Role::Step,
        json!({"body": text, "findings": [{"id": text, "message": text, "file": text, "url": text}]}),
        0.1,
    );
    let mut outcome = CheckOutcome::new(Verdict::Failed, text);
    outcome.actual = Some(json!(text));
    outcome.expected = Some(json!(format!("{text}\n")));
    outcome.evidence = vec![Evidence {
        expression: text.into(),
        value: json!([text]),
    }];
    s.checked("T01", None, "expect[0]", outcome);
    let failure = Failure::new(Class::Server, text).detail(text).help(text);
    s.start("T01", "t", Role::Step, "http.request", json!(null));
    s.fail("T01", "t", Role::Step, failure, 0.1);
    s.end("T01", Verdict::Failed, Some(text), 0.2, 1);
    s.finish(1);
    s.events
}

fn console(events: &[Event]) -> Vec<u8> {
    let path = tempfile::NamedTempFile::new().unwrap();
    let mut console = Console::new(ConsoleOptions {
        out: Box::new(path.reopen().unwrap()),
        progress: Some(Box::new(std::io::sink())),
        color: false,
        verbose: true,
        quiet: false,
        width: 80,
    });
    for e in events {
        console.event(e).unwrap();
    }
    console.finish().unwrap();
    std::fs::read(path.path()).unwrap()
}

fn check(text: &str) {
    let events = run(text);
    let report: Report = Fold::all(&events);
    let render = |f| render(f, &report, &Options::default()).unwrap();

    // Two cases, whatever their names: the check and the step.
    assert_eq!(
        (
            count(Format::Junit, &report, "failure"),
            count(Format::Junit, &report, "error"),
            count(Format::Junit, &report, "")
        ),
        (1, 1, 0)
    );

    let shown = String::from_utf8(console(&events)).unwrap();
    let bad: Vec<_> = shown
        .chars()
        .filter(|c| c.is_control() && !['\n', '\t'].contains(c))
        .collect();
    assert!(bad.is_empty(), "the console shows {bad:?}");
    assert_eq!(shown.lines().filter(|l| l.starts_with("FAIL T01")).count(), 1);

    for line in render(Format::Github).lines() {
        assert!(
            line.starts_with("::error file=") || line.starts_with("::error title="),
            "{line:?}"
        );
    }

    for format in [Format::Json, Format::Ctrf, Format::Sarif] {
        serde_json::from_str::<serde_json::Value>(&render(format)).unwrap();
    }

    let page = render(Format::Html).to_ascii_lowercase();
    // The page's own: the data and the program. Whatever else opens one came from outside.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<!--"));
}

#[test]
fn the_worst_known_text_is_only_text() {
    check(WORST);
    let report = Fold::all(&run(WORST));
    let markdown = render(Format::Markdown, &report, &Options::default()).unwrap();
    let outside: String = outside_of_fences(&markdown);
    assert!(
        !outside.contains("<script") && !outside.contains("@all"),
        "{outside}"
    );
}

/// Markdown without its code blocks, in which nothing is acted on.
fn outside_of_fences(markdown: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        match &fence {
            Some(f) if line == f => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("text").to_owned()),
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    assert_eq!(fence, None, "every block ends");
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_only_text(
        text in prop_oneof![
            any::<String>(),
            "[\\PC\\x00-\\x1f<>&\"'`|:%@!\\[\\]/-]{1,80}",
            "(<script|</script|]]>|<!--|::error|\\x1b\\[|%0A|[a-z ]){1,12}",
        ]
    ) {
        check(&text);
    }
}
