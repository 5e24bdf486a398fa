//! YAML to plan: reading and compiling ends with a plan or a diagnostic, and every diagnostic can be shown.

use specrun::actions::REGISTRY;
use specrun::diag::{Style, render};

use super::Target;
use crate::support::plans::{compile_texts, yaml_below};

const PIECES: &[&str] = &[
    "${{",
    "}}",
    "${{ a.status }}",
    "- ",
    ": ",
    "\n",
    "  ",
    "\"",
    "'",
    "|\n",
    "[",
    "]",
    "{",
    "}",
    "*a",
    "&a ",
    "!!str ",
    "#",
    " #",
    "\t",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "é",
    "😀",
    "a.",
    ".",
    "any(",
    "null",
    "1e9",
    "200ms",
    "%",
    "matrix:",
    "for_each: {m: [1]}",
    "needs: []",
    "like: a",
    "expect: ",
    "id: a",
    "9223372036854775808",
    "-",
    "==",
    "is present",
];

#[test]
fn a_spec_becomes_a_plan_or_a_diagnostic() {
    let mut seeds = Vec::new();
    for folder in [
        "tests/false_green",
        "examples/actions",
        "examples/quickstart",
        "specs",
    ] {
        let texts = yaml_below(folder).into_iter().map(|(_, text)| text.into_bytes());
        seeds.extend(texts.filter(|t| t.len() < 4000));
    }
    assert!(seeds.len() > 200, "only {} texts to begin with", seeds.len());
    let target = Target {
        name: "specs",
        cases: 1500,
        pieces: PIECES,
        seeds,
    };
    target.run(|input| {
        let text = String::from_utf8_lossy(input).into_owned();
        let done = compile_texts(&REGISTRY, [("a.yaml".into(), text)], &[]);
        for d in &done.problems {
            assert!(!render(d, &done.sources, Style::Plain, 100).is_empty());
        }
        assert!(
            done.plan.is_some() || !done.problems.is_empty(),
            "refused without a word"
        );
    });
}
