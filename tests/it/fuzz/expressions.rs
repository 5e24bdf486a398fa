//! Expressions: what is read is printed and read again the same; the checker and the evaluator take whatever was read.

use specrun::value::expr::{FUNCTIONS, Range, TypeScope, check, check_condition, eval, parse};
use specrun::value::{Quantity, Secret, Type, Value, Values};

use super::Target;

const PIECES: &[&str] = &[
    "a",
    "x",
    "pods",
    "limit",
    "token",
    "json",
    ".",
    ".phase",
    "[0]",
    "[-1]",
    "1",
    "1.5",
    "1e400",
    "200ms",
    "5/s",
    "1%",
    "0.40USD",
    "\"t\"",
    "'t'",
    "\\",
    "\"",
    "(",
    ")",
    "[",
    "]",
    ", ",
    " == ",
    " != ",
    " < ",
    " >= ",
    " and ",
    " or ",
    "not ",
    " in ",
    " contains ",
    " matches ",
    " is present",
    " is absent",
    " + ",
    " - ",
    " * ",
    " / ",
    "null",
    "true",
    "any(",
    ".all(",
    "len(",
    "json(",
    "round(",
    "matches \"(a|a)*$\"",
    "now()",
    "ä",
    "\u{0}",
    "9223372036854775807",
    "-9223372036854775808",
];

struct World(Vec<(&'static str, Value, Type)>);

impl World {
    fn new() -> Self {
        let json = serde_json::json!({"n": 3, "text": "3", "list": [1, "a", null], "big": u64::MAX});
        let pod =
            serde_json::json!([{"phase": "Running", "ready": true}, {"phase": "Failed", "ready": false}]);
        let any = |json| Value::from_json(json, &Type::Any).unwrap();
        let pods = Type::list(Type::object([("phase", Type::String), ("ready", Type::Bool)]));
        Self(vec![
            ("a", Value::String("iris".into()), Type::String),
            ("x", Value::Int(2), Type::Int),
            ("pods", any(&pod), pods),
            (
                "limit",
                Value::Quantity("200ms".parse::<Quantity>().unwrap()),
                Type::Quantity(specrun::value::Dimension::Duration),
            ),
            (
                "token",
                Value::Secret(Secret::new("token", "hunter2")),
                Type::Secret,
            ),
            ("json", any(&json), Type::Any),
        ])
    }

    fn values(&self) -> Values {
        let named = self
            .0
            .iter()
            .map(|(name, value, _)| ((*name).to_owned(), value.clone()));
        named.collect()
    }
}

impl TypeScope for World {
    fn type_of(&self, name: &str) -> Option<Type> {
        self.0
            .iter()
            .find(|(n, ..)| *n == name)
            .map(|(_, _, ty)| ty.clone())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, ..)| (*name).to_owned()).collect()
    }
}

/// A place is one a caret can point at.
fn stands_in(text: &str, at: Range) {
    let good = at.start <= at.end && text.is_char_boundary(at.start) && text.is_char_boundary(at.end);
    assert!(good, "{at:?} is no place in {text:?}");
}

#[test]
fn an_expression_has_a_tree_or_a_message_with_a_place() {
    let target = Target {
        name: "expressions",
        cases: 4000,
        pieces: PIECES,
        seeds: FUNCTIONS.iter().map(|f| f.example.as_bytes().to_vec()).collect(),
    };
    let world = World::new();
    let values = world.values();
    target.run(|input| {
        let text = String::from_utf8_lossy(input);
        let tree = match parse(&text) {
            Ok(tree) => tree,
            Err(error) => return stands_in(&text, error.at),
        };
        let printed = tree.to_string();
        assert_eq!(
            parse(&printed).as_ref(),
            Ok(&tree),
            "{text:?} is printed as {printed:?}"
        );
        let findings = check(&tree, &world).err().into_iter();
        let findings = findings.chain(check_condition(&tree, &world).err());
        for finding in findings.flatten() {
            stands_in(&text, finding.at);
        }
        match eval(&tree, &values) {
            Ok(value) => assert!(
                !value.to_string().contains("hunter2") || text.contains("hunter2"),
                "{text:?} shows a secret"
            ),
            Err(error) => {
                assert!(!error.message.contains("hunter2") || text.contains("hunter2"));
                stands_in(&text, error.at);
            }
        }
    });
}
