use super::super::{MAX_DEPTH, MAX_LENGTH, parse};

/// What it is printed as.
fn shown(text: &str) -> String {
    parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).to_string()
}

#[track_caller]
fn refused(text: &str, message: &str, place: (usize, usize), help: &str) {
    let error = parse(text).expect_err(text);
    assert!(error.message.contains(message), "{text}: {error:?}");
    assert_eq!((error.at.start, error.at.end), place, "{text}: {error:?}");
    assert!(
        error.help.as_deref().unwrap_or("").contains(help),
        "{text}: {error:?}"
    );
}

#[test]
fn operators_bind_as_the_grammar_says() {
    for (text, printed) in [
        ("a or b and not c == d", "a or b and not c == d"),
        ("(a or b) and c", "(a or b) and c"),
        ("((a)) or (b and c)", "a or b and c"),
        ("not (a and b)", "not (a and b)"),
        ("(not a) == b", "(not a) == b"),
        ("1 - (2 - 3)", "1 - (2 - 3)"),
        ("(1 - 2) - 3", "1 - 2 - 3"),
        ("1 + 2 * 3", "1 + 2 * 3"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("-(a + b)", "-(a + b)"),
        ("-a.b[0]", "-a.b[0]"),
        ("(a + b).c", "(a + b).c"),
        ("a.b is present", "a.b is present"),
        ("(a is present) == true", "(a is present) == true"),
        ("x not  in [1,2 , ]", "x not in [1, 2]"),
        ("x.f( 1,2 ).g()", "x.f(1, 2).g()"),
        (".a.any(.b == . )", ".a.any(.b == .)"),
        (". in xs", ". in xs"),
        (".in == 3", ".in == 3"),
        (".[0]", ".[0]"),
        ("(3).abs()", "(3).abs()"),
        ("1m30s", "1m30s"),
        ("90s", "1m30s"),
        ("1.0", "1.0"),
        ("1e-7", "1e-7"),
        ("'a\"\\d'", "\"a\\\"\\\\d\""),
    ] {
        assert_eq!(shown(text), printed);
        assert_eq!(parse(printed).unwrap(), parse(text).unwrap(), "{text}");
    }
}

#[test]
fn what_other_languages_write_comes_with_the_cure() {
    refused("a = 1", "`=` is not part", (2, 3), "write `==`");
    refused("a && b", "`&&`", (2, 4), "write `and`");
    refused("a || b", "`||`", (2, 4), "write `or`");
    refused("!a", "`!`", (0, 1), "write `not`");
    refused("a =~ \"b\"", "`=~`", (2, 4), "write `matches`");
    refused("a == b == c", "chained", (7, 9), "a < b and b < c");
    refused("1 < a < 3", "chained", (6, 7), "a < b and b < c");
    refused("a is not present", "`present` or `absent`", (5, 8), "is absent");
    refused("a is null", "`present` or `absent`", (5, 9), "is absent");
    refused("a exists", "found `exists`", (2, 8), "is present");
    refused("a AND b", "found `AND`", (2, 5), "lower case");
    refused("a not contains b", "found `not`", (2, 5), "not (x contains y)");
    refused(
        "> 3",
        "expected a value, found `>`",
        (0, 1),
        "names what it looks at",
    );
    refused("${{ a }}", "`${{`", (0, 3), "leave `${{`");
    refused("$a", "`$`", (0, 1), "names stand alone");
    refused("a % 2", "`%`", (2, 3), "1%");
    refused("{a: 1}", "`{`", (0, 1), "no maps");
    refused("a ? b : c", "`?`", (2, 3), "no conditional");
    refused(
        "\u{201c}a\u{201d}",
        "not part of the language",
        (0, 3),
        "straight quotes",
    );
    refused("a < 200 ms", "found `ms`", (8, 10), "");
    refused("a < 5sec", "unknown unit `sec`", (4, 8), "");
}

#[test]
fn the_first_mistake_is_told() {
    refused(
        "a b = c",
        "expected the end, or an operator, found `b`",
        (2, 3),
        "",
    );
    refused("a == ", "the expression ends", (5, 5), "");
    refused("", "the expression ends", (0, 0), "");
    refused("f(a", "expected `,` or `)`, the expression ends", (3, 3), "");
    refused("a.", "the name of a field", (2, 2), "");
    refused("a.\"b\"", "the name of a field", (2, 5), "x[\"key\"]");
    refused("a == \"x", "no closing", (5, 7), "");
    refused("a matches \"\\d\"", "unknown escape", (10, 14), "single quotes");
    refused("99999999999999999999 == a", "too large", (0, 20), "");
}

#[test]
fn size_and_depth_are_limited() {
    let long = "x".repeat(MAX_LENGTH + 1);
    assert!(parse(&long).unwrap_err().message.contains("bytes"));
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-", ""),
        ("not ", ""),
        ("f(", ")"),
        ("x[", "]"),
    ] {
        let nested = |n: usize| format!("{}x{}", open.repeat(n), close.repeat(n));
        assert!(parse(&nested(MAX_DEPTH - 1)).is_ok(), "{open}");
        assert!(
            parse(&nested(1000)).unwrap_err().message.contains("levels deep"),
            "{open}"
        );
    }
    for chain in [" + x", " and x", ".f()", "[0]", ".a"] {
        let chained = |n: usize| format!("x{}", chain.repeat(n));
        assert!(parse(&chained(MAX_DEPTH - 1)).is_ok(), "{chain}");
        assert!(
            parse(&chained(1000)).unwrap_err().message.contains("levels deep"),
            "{chain}"
        );
    }
}

#[test]
fn paths_are_listed_once_and_predicates_keep_theirs() {
    let paths: Vec<String> = parse(
        "a.b.c == inputs.x and a.b.c > pods.any(.phase == .own and m.n) and .status == f(.status, q)[z]",
    )
    .unwrap()
    .paths()
    .into_iter()
    .map(|(path, _)| path.join("/"))
    .collect();
    assert_eq!(paths, ["a/b/c", "inputs/x", "pods", "m/n", "./status", "q", "z"]);
    let (path, at) = &parse("1 < a.b").unwrap().paths()[0];
    assert_eq!((path.len(), at.start, at.end), (2, 4, 7));
}
