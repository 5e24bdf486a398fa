//! The grammar as the reference shows it.

/// EBNF; `docs/reference` shows it as it stands, and tests hold it and the parser together.
pub const GRAMMAR: &str = r#"expression  = and-part { "or" and-part } ;
and-part    = not-part { "and" not-part } ;
not-part    = "not" not-part | comparison ;
comparison  = sum [ comparator sum | "is" ( "present" | "absent" ) ] ;
comparator  = "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in" | "contains" | "matches" ;
sum         = product { ( "+" | "-" ) product } ;
product     = signed { ( "*" | "/" ) signed } ;
signed      = "-" signed | postfix ;
postfix     = primary { "." name [ arguments ] | "[" expression "]" } ;
primary     = literal | name | name arguments | list | "(" expression ")" | element ;
element     = "." [ name [ arguments ] ] ;
arguments   = "(" [ expression { "," expression } ] ")" ;
list        = "[" [ expression { "," expression } [ "," ] ] "]" ;
literal     = "true" | "false" | "null" | text | number | quantity ;
text        = '"' { character | escape } '"' | "'" { character } "'" ;
escape      = "\" ( '"' | "\" | "/" | "b" | "f" | "n" | "r" | "t" | "u" hex hex hex hex ) ;
number      = digits [ "." digits ] [ "e" [ "+" | "-" ] digits ] ;
quantity    = digits [ "." digits ] unit | duration ;
duration    = digits time-unit { digits time-unit } [ digits "." digits time-unit ] ;
unit        = time-unit | size-unit | size-unit "/s" | "%" | "/s" | "/m" | "/h" | currency ;
time-unit   = "ns" | "us" | "ms" | "s" | "m" | "h" | "d" ;
size-unit   = "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB" ;
currency    = upper upper upper ;
name        = ( letter | "_" ) { letter | digit | "_" } ;
digits      = digit { digit } ;
"#;

#[cfg(test)]
mod tests {
    use super::super::{Expr, ExprKind, parse};
    use super::GRAMMAR;

    /// What each production allows, and what it does not.
    const EXAMPLES: &[(&str, &[&str], &[&str])] = &[
        (
            "expression",
            &["a or b", "a or b or c"],
            &["a or", "or a", "a || b"],
        ),
        ("and-part", &["a and b", "a and not b"], &["a and", "a && b"]),
        ("not-part", &["not a", "not not a"], &["not", "!a"]),
        (
            "comparison",
            &["a == b", "a is present", "a is absent", "a + 1 < b"],
            &["a < b < c", "a is b", "a == b == c"],
        ),
        (
            "comparator",
            &[
                "a != b",
                "a <= b",
                "a > b",
                "a >= b",
                "a in b",
                "a not in b",
                "a contains b",
                "a matches b",
            ],
            &["a = b", "a === b", "a <> b", "a not contains b", "a like b"],
        ),
        ("sum", &["a + b - c"], &["a +", "+ a"]),
        ("product", &["a * b / c", "a * -b"], &["a ** b", "a % b"]),
        ("signed", &["-a", "--a"], &["-"]),
        (
            "postfix",
            &["a.b.c", "a[0].b", "a.f(1)[\"k\"]"],
            &["a.", "a.0", "a[", "a[]", "a.\"b\""],
        ),
        (
            "primary",
            &["a", "f(a)", "(a)", "[a]", "1", "."],
            &["()", ")", "{a: 1}"],
        ),
        (
            "element",
            &[".", ".a", ".f(1)", ". in xs", ".a == 1"],
            &["..", ".1"],
        ),
        (
            "arguments",
            &["f()", "f(a, b)"],
            &["f(a,)", "f(,)", "f(a b)", "f(a"],
        ),
        ("list", &["[]", "[1]", "[1, 2,]"], &["[,]", "[1 2]", "[1"]),
        (
            "literal",
            &["true", "false", "null", "\"a\"", "1", "1ms"],
            &["True(", "1 2"],
        ),
        (
            "text",
            &["\"a\"", "'a'", "''", "\"\\\"\"", "'\\d'"],
            &["\"a", "'a", "\"\\d\""],
        ),
        (
            "escape",
            &["\"\\n\\t\\r\\b\\f\\/\\\\\\u0041\""],
            &["\"\\x\"", "\"\\u12\""],
        ),
        (
            "number",
            &["0", "1.5", "1e3", "1.5e-6", "2e+2"],
            &["1.", "1e", "99999999999999999999", "1e999", "0x10"],
        ),
        (
            "quantity",
            &["200ms", "1.5s", "1%", "0.40USD"],
            &["200 ms", "1sec", "1usd"],
        ),
        ("duration", &["1m30s", "1h2m3.5s"], &["30s1m", "1m30", "1.5m30s"]),
        (
            "unit",
            &["1MiB", "1MiB/s", "5/s", "5/m", "5/h", "1%"],
            &["5/min()x", "1Mib"],
        ),
        (
            "time-unit",
            &["1ns", "1us", "1ms", "1s", "1m", "1h", "1d"],
            &["1w"],
        ),
        (
            "size-unit",
            &["1B", "1KB", "1MB", "1GB", "1TB", "1KiB", "1MiB", "1GiB", "1TiB"],
            &["1kb"],
        ),
        ("currency", &["1EUR"], &["1QQQ"]),
        ("name", &["a_b1", "_x"], &["1a", "a-", "a$", "\u{e4}"]),
        ("digits", &["007"], &["0_1"]),
    ];

    #[test]
    fn each_production_allows_its_examples_and_nothing_else() {
        let productions: Vec<&str> = GRAMMAR
            .lines()
            .map(|line| line.split_once('=').expect("a production").0.trim())
            .collect();
        let shown: Vec<&str> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(productions, shown);
        for (name, good, bad) in EXAMPLES {
            for text in *good {
                assert!(parse(text).is_ok(), "{name}: {text}: {:?}", parse(text));
            }
            for text in *bad {
                assert!(
                    parse(text).is_err(),
                    "{name}: {text} is read as {}",
                    parse(text).unwrap()
                );
            }
        }
    }

    #[test]
    fn every_name_in_the_grammar_is_defined() {
        const BASIC: [&str; 5] = ["character", "hex", "letter", "digit", "upper"];
        let defined: Vec<&str> = EXAMPLES.iter().map(|(name, ..)| *name).collect();
        for line in GRAMMAR.lines() {
            // Quoted text is taken out, what is left are names and signs.
            let mut quote = None;
            let bare: String = line
                .chars()
                .filter(|c| match (quote, c) {
                    (None, '"' | '\'') => {
                        quote = Some(*c);
                        false
                    }
                    (Some(open), c) => {
                        if open == *c {
                            quote = None;
                        }
                        false
                    }
                    _ => true,
                })
                .collect();
            for word in bare
                .split(|c: char| !(c.is_alphabetic() || c == '-'))
                .filter(|w| !w.is_empty())
            {
                assert!(
                    defined.contains(&word) || BASIC.contains(&word),
                    "{word} in {line}"
                );
            }
        }
    }

    #[test]
    fn a_number_beside_s_is_a_rate_only_where_s_ends() {
        let is_rate = |text: &str| matches!(parse(text).unwrap().kind, ExprKind::Literal(_));
        assert!(is_rate("5/s"));
        let division = |text: &str| {
            let Expr {
                kind: ExprKind::Binary(..),
                ..
            } = parse(text).unwrap()
            else {
                panic!("{text} is no division");
            };
        };
        for text in ["5/s.x", "5/s(1)", "5/s[0]", "5/sum", "5 / s", "5/ s"] {
            division(text);
        }
    }
}
