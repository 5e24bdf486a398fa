//! Formats for people: the console, Markdown, GitHub annotations.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use specrun::event::Sink;
use specrun::report::github::{Annotation, Level, annotations};
use specrun::report::{Console, ConsoleOptions, Format};

use super::{every_verdict, text};
use crate::support::events;

/// A writer whose text can be read afterwards.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn console(color: bool, quiet: bool, progress: Option<Paper>) -> String {
    let out = Paper::default();
    let mut console = Console::new(ConsoleOptions {
        out: Box::new(out.clone()),
        progress: progress.map(|p| Box::new(p) as Box<dyn Write + Send>),
        color,
        verbose: false,
        quiet,
        width: 60,
    });
    for e in events::every_verdict() {
        console.event(&e).unwrap();
    }
    console.finish().unwrap();
    out.text()
}

#[test]
fn the_console_says_where_what_and_why() {
    let text = console(false, false, None);
    let wanted = "\
FAIL T07  Inference latency SLA  4 checks, 7.2s
  FAIL traffic.latency.p95 < inputs.limit
    at specs/serving/T07.yaml:22:5 (expect[1])
    actual:   \"240ms\" (text)
    expected: \"200ms\" (text)
    p95 is 240ms; 10 of 100 were not below the limit
    statistics: n = 100, k = 10, bound = 0.055, confidence = 0.95
      traffic.latency.p95 is \"240ms\" (text)
      inputs.limit is \"200ms\" (text)
    because: serving contract, matrix row T07
";
    assert!(text.contains(wanted), "{text}");
    for part in [
        "PASS T06  Metric gate  1 check, 2.6s\n",
        "PASS T12  Feature freshness  1 check, 250ms (flaky: passed at try 2)\n  try 1 was failed: get.age < 5m\n",
        "BLOCKED T10[model=iris]  Scale to zero",
        "    class unreachable\n      > POST /v2/models/iris/infer\n      > authorization: ***\n    help: is the service up?",
        "      -  \"stage\": \"Production\",\n      +  \"stage\": \"Staging\",\n",
        "cleanup c2 (mlflow.set_alias) was not done: no answer in 10s",
        "10 specs: 2 passed, 4 failed, 1 inconclusive, 1 errored, 1 blocked, 1 cancelled; 4 of 13 checks passed; 15.5s\n",
        "interrupted by SIGTERM",
        "run 20261126-113052-7f3a, seed 4242",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour was asked for");
}

#[test]
fn quiet_shows_only_what_did_not_pass() {
    let text = console(false, true, None);
    assert!(!text.contains("PASS T06"), "{text}");
    assert!(text.contains("FAIL T07") && text.contains("PASS T12"), "{text}");
}

#[test]
fn progress_goes_to_its_own_writer_and_fits_the_terminal() {
    let progress = Paper::default();
    let out = console(true, false, Some(progress.clone()));
    assert!(!out.contains("\u{1b}[2K"), "progress in the results");
    let drawn = progress.text();
    assert!(drawn.contains("T07 ready: .phase is \"Pending\""), "{drawn}");
    for line in drawn.split("\r\u{1b}[2K") {
        assert!(line.chars().count() < 60, "{line}");
    }
    assert!(drawn.ends_with("\r\u{1b}[2K"), "the line is cleared at the end");
}

#[test]
fn markdown_has_the_matrix_and_the_reasons() {
    let report = every_verdict();
    let text = text(Format::Markdown, &report);
    for part in [
        "# specrun: 8 of 10 specs did not pass\n",
        "| ❌ failed | T07 | Inference latency SLA | serving | 2/4 | 7.2s |\n",
        "| ✅ passed (flaky) | T12 |",
        "### ❔ inconclusive T08 Error budget",
        "Interrupted by SIGTERM.",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn annotations_point_at_the_check() {
    let report = every_verdict();
    let text = text(Format::Github, &report);
    assert!(
        text.contains(
            "::error file=specs/serving/T07.yaml,line=22,col=5,title=T07 failed%3A Inference latency SLA::\
             traffic.latency.p95 < inputs.limit%0Aat specs/serving/T07.yaml:22:5 (expect[1])%0A"
        ),
        "{text}"
    );
    // Blocked and of severity warning: neither fails the build.
    assert_eq!(text.matches("::warning ").count(), 2, "{text}");
    assert!(!text.contains("file=specs/registry/T06.yaml"), "{text}");
}

#[test]
fn more_than_ten_annotations_end_with_a_count() {
    let many = |n: usize| -> String {
        let all: Vec<_> = (0..n)
            .map(|i| Annotation {
                level: Level::Error,
                place: None,
                title: "t".into(),
                message: format!("m{i}"),
            })
            .collect();
        annotations(&all)
    };
    assert_eq!(many(10).lines().count(), 10);
    let text = many(40);
    assert_eq!(text.lines().count(), 10);
    assert!(
        text.ends_with("::error title=specrun::and 31 more like these; the log has them all\n"),
        "{text}"
    );
}
