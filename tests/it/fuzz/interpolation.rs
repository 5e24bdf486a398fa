//! Scalars with expressions in them: every mistake has its place, a doubled dollar gives the text itself, and text with a
//! secret in it is a secret.

use specrun::value::{Interpolated, Secret, Value, Values};

use super::Target;

const PIECES: &[&str] = &[
    "${{",
    "$${{",
    "}}",
    "$",
    "{",
    "}",
    "${{ n }}",
    "${{ token }}",
    "${{ list }}",
    "${{ \"}}\" }}",
    "${{ '",
    "\"",
    "'",
    "\\",
    "n",
    "token",
    "list",
    " + ",
    " == ",
    ".x",
    "ä",
    "\n",
    "text",
];

const SECRET: &str = "canary-7f3a";

#[test]
fn a_scalar_is_taken_apart_or_its_mistakes_have_places() {
    let target = Target {
        name: "interpolation",
        cases: 4000,
        pieces: PIECES,
        seeds: Vec::new(),
    };
    let scope = Values::from([
        ("n".to_owned(), Value::Int(3)),
        ("list".to_owned(), Value::List(vec![Value::Int(1)])),
        ("token".to_owned(), Value::Secret(Secret::new("token", SECRET))),
    ]);
    target.run(|input| {
        let text = String::from_utf8_lossy(input);
        // Written so that nothing of it is an expression, it is the text itself.
        let quoted = text.replace("${{", "$${{");
        match Interpolated::parse(&quoted).unwrap() {
            Some(scalar) => {
                assert_eq!(scalar.eval(&scope), Ok(Value::String(text.clone().into_owned())));
            }
            None => assert_eq!(quoted, text),
        }
        match Interpolated::parse(&text) {
            Ok(None) => assert!(!text.contains("${{")),
            Ok(Some(scalar)) => {
                let said = match scalar.eval(&scope) {
                    Ok(Value::Secret(_)) => String::new(),
                    Ok(value) => value.to_string(),
                    Err(error) => {
                        assert!(text.is_char_boundary(error.at.start) && text.is_char_boundary(error.at.end));
                        error.message
                    }
                };
                assert!(
                    text.contains(SECRET) || !said.contains(SECRET),
                    "{text:?} gives {said:?}"
                );
            }
            Err(errors) => {
                assert!(!errors.is_empty());
                for error in errors {
                    let good = error.at.start <= error.at.end
                        && text.is_char_boundary(error.at.start)
                        && text.is_char_boundary(error.at.end);
                    assert!(good, "{:?} is no place in {text:?}", error.at);
                }
            }
        }
    });
}
