//! What a person sees.

use super::{Code, Diagnostic, Diagnostics, Style, render};
use crate::source::{SourceId, Sources, Span};

const SPEC: &str = "specrun: 1\nid: T07\nsteps:\n  - id: é traffic\n    load.run: {rqeuests: 100}\n";

/// The span of the first `word` in a text.
fn span(sources: &Sources, id: SourceId, word: &str) -> Span {
    let at = sources.text(id).find(word).expect("the word is in the text");
    Span::new(id, at, at + word.len())
}

fn plain(d: &Diagnostic, sources: &Sources) -> String {
    render(d, sources, Style::Plain, 100)
}

#[test]
fn a_diagnostic_points_at_its_place_with_context_and_help() {
    let s = Sources::new();
    let id = s.add("specs/T07.yaml", SPEC);
    let d = Diagnostic::error(Code::Syntax, "unknown key `rqeuests` in `load.run`")
        .label(span(&s, id, "rqeuests"), "not a parameter")
        .label(span(&s, id, "é traffic"), "of this step")
        .help("did you mean `requests`?");
    assert_eq!(
        plain(&d, &s),
        "  x error[E0101]: unknown key `rqeuests` in `load.run`
   ,-[specs/T07.yaml:5:16]
 3 | steps:
 4 |   - id: é traffic
   :         ^^^^|^^^^
   :             `-- of this step
 5 |     load.run: {rqeuests: 100}
   :                ^^^^|^^^
   :                    `-- not a parameter
   `----
  help: did you mean `requests`?
"
    );
}

/// Editors jump to the same place that other reports name.
#[test]
fn columns_count_characters_as_everywhere() {
    let s = Sources::new();
    let id = s.add("a.yaml", "a: [\"日本 é 😀\", \tbad]\n");
    let d = Diagnostic::error(Code::Syntax, "x").label(span(&s, id, "bad"), "");
    assert_eq!(s.locate(span(&s, id, "bad")), "a.yaml:1:16");
    assert!(plain(&d, &s).contains(",-[a.yaml:1:16]"), "{}", plain(&d, &s));
}

#[test]
fn labels_in_two_files_name_both() {
    let s = Sources::new();
    let spec = s.add("specs/T07.yaml", SPEC);
    let other = s.add("specs/T08.yaml", "specrun: 1\nid: T07\n");
    let d = Diagnostic::error(Code::DuplicateKey, "two specs are called `T07`")
        .label(span(&s, other, "T07"), "here")
        .label(span(&s, spec, "T07"), "and here");
    let text = plain(&d, &s);
    assert!(text.contains(",-[specs/T08.yaml:2:5]"), "{text}");
    assert!(text.contains(",-[specs/T07.yaml:2:5]"), "{text}");
}

#[test]
fn a_path_without_text_is_named() {
    let d = Diagnostic::error(Code::NoSuchPath, "nothing matches")
        .path("specs/x*.yaml")
        .help("look");
    assert_eq!(
        plain(&d, &Sources::new()),
        "  x error[E0111]: nothing matches: specs/x*.yaml\n  help: look\n"
    );
}

#[test]
fn a_warning_says_so_and_colours_are_for_terminals_only() {
    let s = Sources::new();
    let id = s.add("a.yaml", "a: 1\n");
    let d = Diagnostic::warning(Code::Ambiguous, "hm").label(span(&s, id, "1"), "");
    assert!(plain(&d, &s).starts_with("  ! warning[E0107]: hm\n   ,-[a.yaml:1:4]\n"));
    assert!(plain(&d, &s).is_ascii());
    assert!(render(&d, &s, Style::Fancy, 100).contains("\u{1b}["));
}

#[test]
fn ends_and_empty_files_have_a_place() {
    let s = Sources::new();
    let empty = s.add("e.yaml", "");
    let d = Diagnostic::error(Code::Empty, "empty").label(Span::new(empty, 0, 0), "nothing here");
    assert!(plain(&d, &s).contains("e.yaml:1:1"), "{}", plain(&d, &s));
    let id = s.add("a.yaml", "a: [1,\n");
    let d = Diagnostic::error(Code::Syntax, "unclosed").label(Span::new(id, 7, 7), "the end");
    assert!(plain(&d, &s).contains("`-- the end"), "{}", plain(&d, &s));
    // Behind the last line break is the end of the last line.
    assert!(plain(&d, &s).contains("a.yaml:1:7"), "{}", plain(&d, &s));
    // A span that fits no text is clamped, also inside a character.
    let id = s.add("é.yaml", "é");
    for (start, end) in [(1, 1), (1, 900), (500, 900), (0, 1)] {
        let d = Diagnostic::error(Code::Syntax, "odd").label(Span::new(id, start, end), "x");
        assert!(plain(&d, &s).contains("é.yaml:1:"), "{start}..{end}");
    }
}

/// What a hostile file says cannot drive the terminal, neither as text nor through a message that quotes it.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let s = Sources::new();
    let id = s.add("a\u{1b}]0;x.yaml", "a: \u{1b}[31mred\u{202e}\r\u{7}\n");
    let d = Diagnostic::error(Code::Syntax, "unknown \u{1b}[2J key")
        .label(Span::new(id, 0, 1), "\u{1b}[31m\u{202e}")
        .help("write \u{9b}31m");
    let text = plain(&d, &s);
    let bad: Vec<char> = text
        .chars()
        .filter(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}'))
        .collect();
    assert!(bad.is_empty(), "{bad:?} in {text:?}");
}

#[test]
fn long_lines_and_files_are_drawn_short() {
    let s = Sources::new();
    let long = s.add(
        "long.yaml",
        format!("{}BAD{}", "x ".repeat(100_000), "y ".repeat(100_000)),
    );
    let d = Diagnostic::error(Code::Syntax, "long").label(span(&s, long, "BAD"), "here");
    let text = plain(&d, &s);
    assert!(
        text.len() < 1_000 && text.contains("BAD") && text.contains(":1:200001"),
        "{text}"
    );

    let big = s.add(
        "big.yaml",
        format!("first: 1\n{}last: 2\n", "key: value\n".repeat(50_000)),
    );
    let d = Diagnostic::error(Code::Syntax, "far apart")
        .label(span(&s, big, "last"), "here")
        .label(span(&s, big, "first"), "there");
    let text = plain(&d, &s);
    assert!(text.len() < 1_000, "{} bytes", text.len());
    assert!(
        text.contains("big.yaml:50002:1") && text.contains("first: 1"),
        "{text}"
    );

    // A mapping of a thousand lines is pointed at, not framed.
    let d = Diagnostic::error(Code::Syntax, "whole").label(Span::new(big, 0, 500_000), "all of this");
    assert!(plain(&d, &s).len() < 500, "{}", plain(&d, &s));
}

#[test]
fn mistakes_come_in_the_order_of_the_text_without_doubles() {
    let s = Sources::new();
    let id = s.add("a.yaml", "a: 1\nb: 2\n");
    let at =
        |word: &str, message: &str| Diagnostic::error(Code::Syntax, message).label(span(&s, id, word), "");
    let mut all = Diagnostics::new();
    assert!(all.is_empty() && !all.has_errors());
    all.push(Diagnostic::warning(Code::Syntax, "w").label(span(&s, id, "b"), ""));
    assert!(!all.has_errors());
    all.extend([at("2", "two"), at("a", "one"), at("2", "two")]);
    assert!(all.has_errors());
    let order: Vec<String> = all.sorted().into_iter().map(|d| d.message).collect();
    assert_eq!(order, ["one", "w", "two"]);
}
