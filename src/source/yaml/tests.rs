//! Each test is a text and what the reader makes of it.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{SyntaxErrorKind as E, locate, read};
use crate::source::{Kind, Node, Sources};

fn parse(text: &str) -> (Sources, Result<Node, super::SyntaxError>) {
    let sources = Sources::new();
    let id = sources.add("t.yaml", text);
    let node = read(&sources, id);
    (sources, node)
}

fn valid(text: &str) -> (Sources, Node) {
    let (sources, node) = parse(text);
    match node {
        Ok(node) => (sources, node),
        Err(e) => panic!(
            "{text:?} is refused: {} at {:?}",
            e.message,
            sources.slice(e.span)
        ),
    }
}

/// The kind of the error, the text it points at, and its help.
fn refused(text: &str) -> (E, String, String) {
    let (sources, node) = parse(text);
    match node {
        Ok(node) => panic!("{text:?} is read as {node:?}"),
        Err(e) => (e.kind, sources.slice(e.span), e.help.unwrap_or_default()),
    }
}

fn value<'a>(node: &'a Node, key: &str) -> &'a Node {
    &node.get(key).expect("the key is there").value
}

/// Every node with the text its span covers, depth first.
fn spans(sources: &Sources, node: &Node) -> Vec<String> {
    let mut all = vec![sources.slice(node.span)];
    node.items().iter().for_each(|i| all.extend(spans(sources, i)));
    for entry in node.entries() {
        all.push(sources.slice(entry.key.span));
        all.extend(spans(sources, &entry.value));
    }
    all
}

#[test]
fn spans_cover_scalars_with_quotes_and_containers_whole() {
    let (s, node) =
        valid("a: \"x\\ty\"\nb: 'it''s'\nc: [1, {x: y}, [ ], # z\n  ]\nd:\n  - é ü\n  - k: v\n\ne:\n");
    assert_eq!(s.slice(value(&node, "a").span), "\"x\\ty\"");
    assert_eq!(s.slice(value(&node, "b").span), "'it''s'");
    let list = value(&node, "c");
    assert_eq!(s.slice(list.span), "[1, {x: y}, [ ], # z\n  ]");
    assert_eq!(s.slice(list.items()[1].span), "{x: y}");
    assert_eq!(s.slice(list.items()[2].span), "[ ]");
    let list = value(&node, "d");
    assert_eq!(s.slice(list.span), "- é ü\n  - k: v");
    assert_eq!(s.slice(list.items()[0].span), "é ü");
    assert_eq!(s.slice(list.items()[1].span), "k: v");
    assert_eq!(value(&node, "e").kind, Kind::Null);
    assert_eq!(s.slice(node.get("e").expect("e").key.span), "e");
}

#[test]
fn a_block_scalar_spans_from_its_header_to_its_last_line() {
    let (s, node) =
        valid("a:\n  b: | # note\n    one\n\n     two\n\n\n  c: >-\n    x\n    y\nd: |+\n  z\n\n");
    let a = value(&node, "a");
    assert_eq!(s.slice(value(a, "b").span), "| # note\n    one\n\n     two\n");
    assert_eq!(value(a, "b").as_str(), Some("one\n\n two\n"));
    assert_eq!(s.slice(value(a, "c").span), ">-\n    x\n    y\n");
    assert_eq!(s.slice(value(&node, "d").span), "|+\n  z\n\n");
    assert_eq!(value(&node, "d").as_str(), Some("z\n\n"));
}

#[test]
fn scalars_have_the_types_of_yaml_1_2() {
    let (_, node) = valid(
        "[true, False, null, ~, 0, -3, 0x1F, 1.5, 1e3, -.5, '1', \"true\", 2026-11-26, 1.2.3, a b, 12:99, y]",
    );
    let kinds: Vec<&Kind> = node.items().iter().map(|n| &n.kind).collect();
    let text = |s: &str| Kind::String(s.to_owned());
    let expected = [
        Kind::Bool(true),
        Kind::Bool(false),
        Kind::Null,
        Kind::Null,
        Kind::Int(0),
        Kind::Int(-3),
        Kind::Int(31),
        Kind::Float(1.5),
        Kind::Float(1000.0),
        Kind::Float(-0.5),
        text("1"),
        text("true"),
        text("2026-11-26"),
        text("1.2.3"),
        text("a b"),
        text("12:99"),
        text("y"),
    ];
    assert_eq!(kinds, expected.iter().collect::<Vec<_>>());
}

#[test]
fn what_versions_read_differently_is_refused_when_plain_and_text_when_quoted() {
    for word in [
        "yes",
        "No",
        "ON",
        "off",
        "Yes",
        "0777",
        "-007",
        "00",
        "08",
        "1_000",
        "0x_ff",
        "1_0.5",
        "0o17",
        "0b101",
        "12:30",
        "1:30:45",
        "+1:30.5",
        "12345678901234567890",
        "9223372036854775808",
    ] {
        for text in [
            format!("a: {word}\n"),
            format!("[{word}]"),
            format!("- {word} # why\n"),
            word.to_owned(),
        ] {
            let (kind, at, help) = refused(&text);
            assert_eq!((kind, at.as_str()), (E::Ambiguous, word), "{text}");
            assert!(help.contains(&format!("\"{word}\"")), "{help}");
        }
        for text in [
            format!("a: \"{word}\"\n"),
            format!("a: '{word}'\n"),
            format!("a: |-\n  {word}\n"),
        ] {
            let (_, node) = valid(&text);
            assert_eq!(value(&node, "a").as_str(), Some(word));
        }
    }
    // As keys they are text for everyone here.
    let (_, node) = valid("on: 1\n0777: 2\n");
    assert_eq!(
        node.entries()
            .iter()
            .map(|e| e.key.value.as_str())
            .collect::<Vec<_>>(),
        ["on", "0777"]
    );
    assert_eq!(refused("a: yes").2, "write true, or \"yes\" if text is meant");
    assert_eq!(refused("a: off").2, "write false, or \"off\" if text is meant");
}

#[test]
fn numbers_that_cannot_be_held_are_refused() {
    for word in [".inf", "-.INF", ".nan", "1e400", "-1e999"] {
        let (kind, at, _) = refused(&format!("a: {word}\n"));
        assert_eq!((kind, at.as_str()), (E::Ambiguous, word));
    }
    let (_, node) = valid("[9223372036854775807, -9223372036854775808]");
    assert_eq!(node.items()[0].kind, Kind::Int(i64::MAX));
    assert_eq!(node.items()[1].kind, Kind::Int(i64::MIN));
}

#[test]
fn a_key_twice_is_refused_with_both_places() {
    let (kind, at, help) = refused("a: 1\nb: 2\n\"a\": 3\n");
    assert_eq!((kind, at.as_str()), (E::DuplicateKey, "\"a\""));
    assert_eq!(help, "the first is on line 1: remove or rename one of them");
    assert_eq!(refused("x: {k: 1, k: 1}").0, E::DuplicateKey);
    assert_eq!(refused("- a:\n    b: 1\n    b: 1\n").0, E::DuplicateKey);
}

#[test]
fn a_template_without_quotes_is_explained() {
    for (text, at) in [
        ("a: {{ x }}\n", "{{ x }}"),
        ("url: {{ base }}/v1\n", "{{ base }}"),
        ("m: {model: ${{ inputs.model }}}\n", "${{ inputs.model }}"),
        ("l: [a, ${{ x }}]\n", "${{ x }}"),
        ("- {{x}}\n", "{{x}}"),
    ] {
        let (kind, span, help) = refused(text);
        assert_eq!((kind, span.as_str()), (E::UnquotedTemplate, at), "{text}");
        assert_eq!(help, "put the whole value in quotes: \"${{ ... }}\"");
    }
    // In block context YAML reads it whole.
    let (_, node) = valid("a: ${{ inputs.x }}\nb: run-${{ run.id }}/x # note\nc: [\"${{ x }}\"]\n");
    assert_eq!(value(&node, "a").as_str(), Some("${{ inputs.x }}"));
    assert_eq!(value(&node, "b").as_str(), Some("run-${{ run.id }}/x"));
    // Quoted braces are innocent of other mistakes.
    assert_eq!(refused("a: \"{{ x }}\": b\n").0, E::Syntax);
}

#[test]
fn a_comment_that_cuts_an_expression_is_seen() {
    for (text, at) in [
        ("a: ${{ x # y }}\n", "# y }}"),
        ("- out contains \"issue #1\"\n", "#1\""),
        ("a: b ${{ x }} ${{ z #}}\n", "#}}"),
    ] {
        let (kind, span, _) = refused(text);
        assert_eq!((kind, span.as_str()), (E::UnquotedTemplate, at), "{text}");
    }
    for text in [
        "- a.b == \"x\" # y\n",
        "a: ${{ x }} # why\n",
        "a: it's # Tom's\n",
        "a: 5\" disk # big\n",
        "a: x#y\n",
        "a: \"issue #1\"\n",
    ] {
        valid(text);
    }
}

#[test]
fn tags_are_refused_where_they_stand() {
    for (text, at) in [
        ("a: !!str 1\n", "!!str"),
        ("a: !foo 1\n", "!foo"),
        ("- !include x.yaml\n", "!include"),
        ("!x\na: 1\n", "!x"),
        ("a: [1, !t {b: 1}]\n", "!t"),
        ("a: !!binary aGk=\n", "!!binary"),
        ("a: &b !!map\n  c: 1\n", "!!map"),
        ("a: ! x\n", "!"),
    ] {
        let (kind, span, help) = refused(text);
        assert_eq!((kind, span.as_str()), (E::Tag, at), "{text}");
        assert!(help.starts_with("remove it"), "{help}");
    }
    valid("a: \"!x\"\nb: what!\n");
}

#[test]
fn one_file_is_one_document() {
    let (kind, _, help) = refused("a: 1\n---\nb: 2\n");
    assert_eq!(kind, E::SeveralDocuments);
    assert!(help.contains("a file of its own"), "{help}");
    assert_eq!(refused("a: 1\n---\n").0, E::SeveralDocuments);
    valid("---\na: 1\n");
    valid("--- \na: 1\n...\n");
    for text in ["", "\n\n", "# only\n", "---\n", "--- # x\n", "\u{feff}", "   \n"] {
        assert_eq!(refused(text).0, E::Empty, "{text:?}");
    }
}

#[test]
fn syntax_errors_have_a_place() {
    for (text, at) in [
        ("a: [1,", "["),
        ("x: 1\na: 'x\n", "'"),
        ("a:\n\t- x\n", "\t"),
        ("é: b: c\n", ":"),
        ("a: *nope\n", "*nope"),
        ("? [a]\n: b\n", "["),
        ("a: b\n c: d\n", ":"),
        ("a: }\n", "}"),
        ("a: @x\n", "@"),
        ("a: \"\\q\"\n", "\""),
    ] {
        let (kind, span, _) = refused(text);
        assert_eq!((kind, span.as_str()), (E::Syntax, at), "{text:?}");
    }
    assert_eq!(refused("a:\n\t- x\n").2, "YAML is indented with spaces");
    assert_eq!(refused("a: b: c\n").2, "text with `: ` in it needs quotes");
}

#[test]
fn anchors_and_merge_keys_keep_both_places() {
    let (s, node) = valid("base: &b {x: 1, y: [1, \"two\"]}\nuse: *b\nm:\n  <<: *b\n  x: 3\n");
    let used = value(&node, "use");
    assert_eq!(s.slice(used.span), "*b");
    assert_eq!(
        used.defined.map(|d| s.slice(d)).as_deref(),
        Some("{x: 1, y: [1, \"two\"]}")
    );
    let two = &value(used, "y").items()[1];
    assert_eq!((s.slice(two.span).as_str(), two.as_str()), ("*b", Some("two")));
    assert_eq!(two.defined.map(|d| s.slice(d)).as_deref(), Some("\"two\""));
    assert_eq!(s.slice(locate(&s, two, 0..2)), "tw");
    let merged = value(&node, "m");
    assert_eq!(value(merged, "x").kind, Kind::Int(3));
    assert_eq!(value(merged, "y").items().len(), 2);
    assert_eq!(s.slice(merged.span), "<<: *b\n  x: 3");
    assert_eq!(s.slice(value(&node, "base").span), "{x: 1, y: [1, \"two\"]}");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_harmless() {
    let (s, node) = valid("\u{feff}a: b\r\nc: \"d\r\n  e\" # x\r\nf: |\r\n  one\r\n  two\r\ng: h\r\n");
    assert_eq!(s.slice(node.get("a").expect("a").key.span), "a");
    assert_eq!(s.slice(value(&node, "a").span), "b");
    assert_eq!(value(&node, "c").as_str(), Some("d e"));
    assert_eq!(s.slice(locate(&s, value(&node, "c"), 2..3)), "e");
    assert_eq!(value(&node, "f").as_str(), Some("one\ntwo\n"));
    assert_eq!(s.slice(locate(&s, value(&node, "f"), 4..7)), "two");
    assert_eq!(s.slice(value(&node, "g").span), "h");
}

/// A place in the decoded text, found by a word in it, leads to the word as it is written.
#[test]
fn locate_follows_every_style() {
    for (text, word, written) in [
        ("a: pods.all(x)\n", "all", "all"),
        ("a: one\n  two\n\n  three four\n", "three", "three"),
        ("a: \"x == \\\"é\\\" and y\"\n", "and", "and"),
        ("a: \"x == \\\"é\\\" and y\"\n", "\"é\"", "\\\"é\\\""),
        ("a: \"tab\\tu\\u00e9x\\U0001F600 end\"\n", "ux", ""),
        ("a: \"tab\\tu\\u00e9x\\U0001F600 end\"\n", "é", "\\u00e9"),
        ("a: \"tab\\tu\\u00e9x\\U0001F600 end\"\n", "end", "end"),
        ("a: \"one \\\n   two\"\n", "two", "two"),
        ("a: \"one\n   two\n\n   three\"\n", "three", "three"),
        ("a: \"one\\x20\n   two\"\n", "two", "two"),
        ("a: 'it''s ok'\n", "'s", "''s"),
        ("a: 'it''s\n  ok'\n", "ok", "ok"),
        ("a: |\n  x < 3 and\n  y > 4\n", "y > 4", "y > 4"),
        ("a: |2\n   x\n  y > 4\n", "y > 4", "y > 4"),
        ("a: >-\n  x < 3\n  and y\n\n  or z\n", "and y", "and y"),
        ("a: >-\n  x < 3\n  and y\n\n  or z\n", "or z", "or z"),
        ("a: >\n  x\n   more\n   indented\n  y\n", "indented", "indented"),
        ("a: >\n\n  x\n  w\n", "w", "w"),
        ("- - a: |-\n\n\n      deep\n", "deep", "deep"),
    ] {
        let (s, node) = valid(text);
        let scalar = first_scalar(&node);
        let decoded = scalar.as_str().expect("text");
        let Some(at) = decoded.find(word) else {
            assert_eq!(written, "", "{word} is not in {decoded:?}");
            continue;
        };
        assert_eq!(
            s.slice(locate(&s, scalar, at..at + word.len())),
            written,
            "{text:?}"
        );
        // Behind the end is the end, not the whole.
        let end = locate(&s, scalar, decoded.len()..decoded.len() + 5);
        assert_eq!(s.slice(end), "", "{text:?}");
    }
    let (s, node) = valid("a: 5\n");
    assert_eq!(s.slice(locate(&s, value(&node, "a"), 0..1)), "5");
}

fn first_scalar(node: &Node) -> &Node {
    match &node.kind {
        Kind::Seq(items) => first_scalar(&items[0]),
        Kind::Map(entries) => first_scalar(&entries[0].value),
        _ => node,
    }
}

#[test]
fn bombs_are_refused_and_large_specs_are_not() {
    for open in ["[", "{a: ", "- ", "? "] {
        let (kind, at, _) = refused(&open.repeat(20_000));
        assert_eq!(kind, E::Budget, "20,000 times {open:?}, at {at:?}");
    }
    let deep = |d: usize| format!("{}x{}", "[".repeat(d), "]".repeat(d));
    assert_eq!(valid(&deep(super::tree::MAX_DEPTH)).1.items().len(), 1);
    assert_eq!(refused(&deep(super::tree::MAX_DEPTH + 1)).0, E::Budget);
    let mut nested = String::new();
    for depth in 0..200 {
        let _ = writeln!(nested, "{:depth$}a:", "");
    }
    assert_eq!(refused(&nested).0, E::Budget);

    let mut laughs = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for i in 1..10 {
        let before = format!("*l{},", i - 1).repeat(9);
        let _ = writeln!(laughs, "l{i}: &l{i} [{before}]");
    }
    assert_eq!(refused(&laughs).0, E::Budget);
    assert_eq!(refused("a: &x [*x]\n").0, E::Budget);
    assert_eq!(refused(&"x".repeat(super::MAX_BYTES + 1)).0, E::Budget);

    let mut spec = "specrun: 1\nid: T01\nsteps:\n".to_owned();
    for i in 0..2_000 {
        let _ = write!(
            spec,
            "  - id: step_{i}\n    http.request:\n      method: POST\n      url: \"http://127.0.0.1:8080/models/iris/versions/{i}\"\n      \
             headers: {{accept: application/json, x-run: \"${{{{ run.id }}}}\"}}\n      json: {{rows: [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3]]}}\n    \
             expect:\n      - .status == 200\n      - .json.predictions.len() == 2\n"
        );
    }
    assert!(spec.len() > 500_000, "{}", spec.len());
    // Ten times as large it is still read: 5 MB, half a million nodes.
    const { assert!(super::tree::MAX_NODES >= 4 * 500_000 && super::MAX_BYTES > 5_000_000) };
    let (s, node) = valid(&spec);
    let steps = value(&node, "steps");
    assert_eq!(steps.items().len(), 2_000);
    assert_eq!(s.slice(value(&steps.items()[1_999], "id").span), "step_1999");
}

/// A scalar's span, read again on its own, is the same scalar: nothing was left out of it or taken too much.
fn reread(sources: &Sources, node: &Node) -> Result<(), TestCaseError> {
    let place = node.defined.unwrap_or(node.span);
    let written = sources.slice(place);
    match &node.kind {
        Kind::Seq(items) => {
            for item in items {
                prop_assert!(
                    node.defined.is_some() || inside(item, node),
                    "{item:?} in {written:?}"
                );
                reread(sources, item)?;
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                prop_assert!(!entry.key.value.is_empty() || entry.key.span.start <= entry.key.span.end);
                reread(sources, &entry.value)?;
            }
        }
        kind => {
            if written.is_empty() {
                prop_assert_eq!(kind, &Kind::Null);
                return Ok(());
            }
            // Most stand for themselves as a document; `---` and the like only somewhere inside one.
            let surroundings = [
                written.clone(),
                format!("  {written}"),
                format!("k: {written}"),
                format!("[\n{written}\n]"),
            ];
            let again = surroundings.iter().any(|text| match parse(text).1 {
                Ok(n) => match &n.kind {
                    Kind::Seq(items) => items.len() == 1 && items[0].kind == *kind,
                    Kind::Map(entries) => entries[0].value.kind == *kind,
                    alone => alone == kind,
                },
                Err(_) => false,
            });
            prop_assert!(again, "{:?} is {:?}", written, kind);
            if let Kind::String(text) = kind {
                let whole = locate(sources, node, 0..text.len());
                prop_assert!(whole.start >= place.start && whole.end <= place.end);
            }
        }
    }
    Ok(())
}

fn inside(inner: &Node, outer: &Node) -> bool {
    inner.span.start >= outer.span.start && inner.span.end <= outer.span.end
}

/// Pieces that make texts which are often YAML.
fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b: ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", ": ", "'x'", "\"y\\n\"", "|",
        ">-", "|+", " #c", "&n ", "*n", "<<: ", "!t ", "---\n", "...\n", "\t", "\r\n", "é", "1", "0.5",
        "true", "~", "? ", "${{ x }}", "\\", "%", "@", "x y", "\u{feff}", "\"", "'",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let (sources, node) = parse(&text);
        match node {
            Ok(node) => { spans(&sources, &node); }
            Err(e) => prop_assert!(!e.message.is_empty() && e.span.end as usize <= text.len()),
        }
    }

    #[test]
    fn spans_read_again_to_the_same(text in yamlish()) {
        let (sources, node) = parse(&text);
        match node {
            Ok(node) => reread(&sources, &node)?,
            Err(e) => prop_assert!(text.get(e.span.start as usize..e.span.end as usize).is_some()),
        }
    }

    #[test]
    fn any_value_survives_quoting_and_is_located(
        value in "[ -~é\u{1F600}\n\t]{0,40}", from in 0_usize..40, len in 0_usize..10,
    ) {
        let quoted = serde_json::to_string(&value).expect("text is JSON");
        let single = format!("'{}'", value.replace('\'', "''"));
        let mut texts = vec![format!("a: {quoted}\n")];
        if !value.contains(['\n', '\t']) {
            texts.push(format!("a: {single}\n"));
        }
        if !value.is_empty() && !value.starts_with([' ', '\n', '\t']) && value.trim_end() == value {
            texts.push(format!("a: |-\n  {}\n", value.replace('\n', "\n  ")));
        }
        for text in texts {
            let (sources, node) = parse(&text);
            let node = node.map_err(|e| TestCaseError::fail(e.message))?;
            let scalar = &node.entries()[0].value;
            prop_assert_eq!(scalar.as_str(), Some(value.as_str()), "{:?}", &text);
            let starts: Vec<usize> = value.char_indices().map(|(i, _)| i).collect();
            if let Some(&start) = starts.get(from) {
                let end = starts.get(from + len).copied().unwrap_or(value.len());
                let part = &value[start..end];
                let written = sources.slice(locate(&sources, scalar, start..end));
                // What the range covers, decoded alone, is the part.
                if text.starts_with("a: |-") {
                    prop_assert_eq!(written.replace("\n  ", "\n"), part.to_owned());
                } else if text.starts_with("a: '") {
                    prop_assert_eq!(written.replace("''", "'"), part);
                } else {
                    let back: String = serde_json::from_str(&format!("\"{written}\"")).expect("JSON");
                    prop_assert_eq!(back, part);
                }
            }
        }
    }
}
