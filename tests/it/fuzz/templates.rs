//! Text templates: a text of bounded size or a message, and never a secret in either.

use specrun::value::template::{LARGEST, render};
use specrun::value::{Quantity, Secret, Value};

use super::Target;

const PIECES: &[&str] = &[
    "{{ name }}",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{% for r in rows %}",
    "{% endfor %}",
    "{% if token %}",
    "{% endif %}",
    "{% set x = ",
    "{% macro m(a) %}",
    "{% endmacro %}",
    "{{ m(1) }}",
    "range(99999)",
    "token",
    "name",
    "rows",
    "map",
    "|tojson",
    "|upper",
    "|join(',')",
    "|list",
    "|string",
    "|length",
    "|indent(9)",
    " ~ ",
    " * 9999",
    "[0]",
    ".a",
    "loop.index",
    "none",
    "-",
    "{% include 'a' %}",
    "{% extends 'a' %}",
    "{% block b %}",
    "\n",
    "ä",
    "'",
    "\"",
];

const SECRET: &str = "canary-7f3a";

#[test]
fn a_template_gives_a_bounded_text_or_a_message() {
    let target = Target {
        name: "templates",
        cases: 2000,
        pieces: PIECES,
        seeds: Vec::new(),
    };
    let rows = (0..20).map(Value::Int).collect();
    let values = vec![
        ("name".to_owned(), Value::String("a \"b\" {{ c }}".into())),
        (
            "limit".to_owned(),
            Value::Quantity("200ms".parse::<Quantity>().unwrap()),
        ),
        ("rows".to_owned(), Value::List(rows)),
        (
            "map".to_owned(),
            Value::Object(vec![("a".into(), Value::Null), ("z".into(), Value::Bool(true))]),
        ),
        ("token".to_owned(), Value::Secret(Secret::new("token", SECRET))),
    ];
    target.run(|input| {
        let text = String::from_utf8_lossy(input);
        let said = match render("body.json", &text, &values) {
            Ok(rendered) => {
                assert!(rendered.len() <= LARGEST, "{} bytes", rendered.len());
                rendered
            }
            Err(error) => {
                if let Some((start, end)) = error.at {
                    let good = start <= end && text.is_char_boundary(start) && text.is_char_boundary(end);
                    assert!(good, "{start}..{end} is no place in {text:?}");
                }
                error.message
            }
        };
        assert!(
            text.contains(SECRET) || !said.contains(SECRET),
            "{text:?} gives {said:?}"
        );
    });
}
