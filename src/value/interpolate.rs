//! Scalars with `${{ expression }}` in them.

use super::expr::{self, EvalError, Expr, ParseError, Range, Scope};
use super::{Secret, Value};

/// A scalar taken apart. `$${{` stands for a literal `${{`.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpolated {
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Literal(String),
    /// `start` is the offset, in the scalar's decoded text, at which the expression's own text begins.
    Expr {
        expr: Expr,
        start: usize,
    },
}

const OPEN: &str = "${{";
const ESCAPED: &str = "$${{";
const CLOSE: &str = "}}";

impl Interpolated {
    /// Takes a scalar apart; none when it stands for itself, with neither `${{` nor `$${{` in it.
    ///
    /// # Errors
    /// Every expression that cannot be read, and `${{` without `}}`; spans count in the scalar's decoded text.
    pub fn parse(text: &str) -> Result<Option<Self>, Vec<ParseError>> {
        if !text.contains(OPEN) {
            return Ok(None);
        }
        let mut pieces = Vec::new();
        let mut errors = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(OPEN) {
            let open = at + found;
            if text[..open].ends_with('$') && open > at {
                literal += &text[at..open - 1];
                literal += OPEN;
                at = open + OPEN.len();
                continue;
            }
            literal += &text[at..open];
            let start = open + OPEN.len();
            let Some(length) = end_of_expression(&text[start..]) else {
                errors.push(ParseError {
                    message: format!("`{OPEN}` has no closing `{CLOSE}`"),
                    at: Range {
                        start: open,
                        end: start,
                    },
                    help: Some(format!("close it, or write `{ESCAPED}` for the text itself")),
                });
                return Err(errors);
            };
            match expr::parse(&text[start..start + length]) {
                Ok(expr) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Expr { expr, start });
                }
                Err(mut error) => {
                    error.at = error.at.shifted(start);
                    errors.push(error);
                }
            }
            at = start + length + CLOSE.len();
        }
        literal += &text[at..];
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        if errors.is_empty() {
            Ok(Some(Self { pieces }))
        } else {
            Err(errors)
        }
    }

    /// The one expression the scalar consists of, if it does.
    #[must_use]
    pub fn alone(&self) -> Option<&Expr> {
        match self.pieces.as_slice() {
            [Piece::Expr { expr, .. }] => Some(expr),
            _ => None,
        }
    }

    /// Its expressions, with the offset at which each begins.
    pub fn exprs(&self) -> impl Iterator<Item = (&Expr, usize)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Expr { expr, start } => Some((expr, *start)),
            Piece::Literal(_) => None,
        })
    }

    /// The value: of the one expression, or the text with its expressions filled in. Text around a secret is a
    /// secret as a whole, under the name of the first.
    ///
    /// # Errors
    /// When an expression has no value, or one that cannot stand inside text; the place counts in the scalar's
    /// decoded text.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value, EvalError> {
        let value_of = |expr: &Expr, start: usize| {
            expr::eval(expr, scope).map_err(|mut error| {
                error.at = error.at.shifted(start);
                error
            })
        };
        if let [Piece::Expr { expr, start }] = self.pieces.as_slice() {
            return value_of(expr, *start);
        }
        let mut text = String::new();
        let mut secret: Option<String> = None;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text += literal,
                Piece::Expr { expr, start } => match value_of(expr, *start)? {
                    Value::Secret(value) => {
                        text += value.expose();
                        secret.get_or_insert_with(|| value.name().to_owned());
                    }
                    value => match value.scalar_text() {
                        Some(scalar) => text += &scalar,
                        None => {
                            return Err(EvalError {
                                message: format!("{} cannot stand inside text", value.describe()),
                                at: expr.at.shifted(*start),
                                inconclusive: false,
                            });
                        }
                    },
                },
            }
        }
        Ok(match secret {
            Some(name) => Value::Secret(Secret::new(name, text)),
            None => Value::String(text),
        })
    }
}

/// Where `}}` stands, texts in the expression skipped. When a text does not end, the first `}}` counts, so that the
/// message is about the text.
fn end_of_expression(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut quote = None;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (None, open @ (b'"' | b'\'')) => quote = Some(open),
            (Some(b'"'), b'\\') => at += 1,
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        at += 1;
    }
    text.find(CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Values;

    fn value(text: &str) -> Value {
        let scope = Values::from([
            ("n".to_owned(), Value::Int(3)),
            ("t".to_owned(), Value::String("a}}b".to_owned())),
            ("list".to_owned(), Value::List(vec![])),
            ("token".to_owned(), Value::Secret(Secret::new("token", "hunter2"))),
        ]);
        Interpolated::parse(text).unwrap().unwrap().eval(&scope).unwrap()
    }

    #[test]
    fn alone_it_keeps_its_type_and_inside_text_it_is_text() {
        assert_eq!(value("${{ n }}"), Value::Int(3));
        assert_eq!(value("${{ [n] }}"), Value::List(vec![Value::Int(3)]));
        assert_eq!(value("a${{ n }}b${{n+1}}"), Value::String("a3b4".into()));
        assert_eq!(value(" ${{ n }}"), Value::String(" 3".into()));
        assert_eq!(value("${{ 1.5s }}!"), Value::String("1.5s!".into()));
        assert_eq!(Interpolated::parse("plain }} text $ { {").unwrap(), None);
    }

    #[test]
    fn two_dollars_stand_for_the_text_itself() {
        assert_eq!(value("$${{ n }}"), Value::String("${{ n }}".into()));
        assert_eq!(value("$${{ ${{ n }} }}"), Value::String("${{ 3 }}".into()));
        assert_eq!(value("${{ n }}$${{"), Value::String("3${{".into()));
        assert_eq!(value("${{ n }}${{ n }}"), Value::String("33".into()));
    }

    #[test]
    fn closing_braces_in_a_text_do_not_close() {
        assert_eq!(value(r#"${{ t == "a}}b" }}"#), Value::Bool(true));
        assert_eq!(value(r"${{ t == 'a}}b' }}"), Value::Bool(true));
        assert_eq!(value(r#"${{ "\"}}" }}"#), Value::String("\"}}".into()));
    }

    #[test]
    fn mistakes_have_their_place_in_the_whole_text() {
        let errors = Interpolated::parse("ab ${{ n + }} ${{ = }} ${{ open").unwrap_err();
        let found: Vec<(&str, usize)> = errors.iter().map(|e| (e.message.as_str(), e.at.start)).collect();
        assert_eq!(found[0].1, 11);
        assert_eq!(found[1], ("`=` is not part of the language", 18));
        assert_eq!(found[2], ("`${{` has no closing `}}`", 23));
        let unclosed = Interpolated::parse("${{ n == \"a }}").unwrap_err();
        assert_eq!(unclosed[0].message, "the text has no closing `\"`");
    }

    #[test]
    fn what_is_no_scalar_cannot_stand_inside_text() {
        let scalar = Interpolated::parse("x ${{ list }}").unwrap().unwrap();
        let error = scalar
            .eval(&Values::from([("list".to_owned(), Value::List(vec![]))]))
            .unwrap_err();
        assert_eq!(
            (error.message.as_str(), error.at.start),
            ("an empty list cannot stand inside text", 6)
        );
    }

    #[test]
    fn text_around_a_secret_is_a_secret() {
        let Value::Secret(secret) = value("Bearer ${{ token }}") else {
            panic!("not a secret");
        };
        assert_eq!((secret.name(), secret.expose()), ("token", "Bearer hunter2"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\PC|\\$\\{\\{|\\}\\}){0,20}") {
            let _ = Interpolated::parse(&text);
        }
    }
}
