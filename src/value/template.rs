//! Text templates (request bodies, manifests): minijinja with strict undefined, fuel and no file access of its own.
//!
//! Nothing is escaped by itself: text goes into JSON with the filter `tojson`. Specs are not templates, see
//! [`super::Interpolated`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Object, ObjectRepr, Value as Jinja};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::Value;

/// Why a template gave no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub message: String,
    /// Bytes of the template, when known.
    pub at: Option<(usize, usize)>,
}

/// How much work a template may do, in instructions.
const FUEL: u64 = 2_000_000;
/// The longest text a template may give, in bytes: one instruction can write a hundred thousand.
pub const LARGEST: usize = 16 << 20;

/// Renders a template with named values; a secret renders as an error, and so does null.
///
/// # Errors
/// Syntax, an undefined name, too much work, a text longer than [`LARGEST`], a secret.
pub fn render(name: &str, text: &str, values: &[(String, Value)]) -> Result<String, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    environment.set_syntax(syntax.build().map_err(|error| said(name, text, &error))?);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(true);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            let advice = "null has no text; ask `is none` first, or write it with `tojson`";
            return Err(Error::new(ErrorKind::InvalidOperation, advice));
        }
        minijinja::escape_formatter(out, state, value)
    });
    let secret_seen = Arc::new(AtomicBool::new(false));
    let context = object(values, &secret_seen);
    let mut written = Written::default();
    let rendered = environment
        .template_from_named_str(name, text)
        .and_then(|template| template.render_captured_to(context, &mut written).map(|_| ()));
    if secret_seen.load(Ordering::Relaxed) {
        return Err(TemplateError {
            message: format!("{name}: a secret cannot stand in a template"),
            at: None,
        });
    }
    if written.too_long {
        return Err(TemplateError {
            message: format!("{name}: the text is longer than {} MiB", LARGEST >> 20),
            at: None,
        });
    }
    rendered.map_err(|error| said(name, text, &error))?;
    String::from_utf8(written.text).map_err(|error| TemplateError {
        message: format!("{name}: what came out is no text: {error}"),
        at: None,
    })
}

/// What was written so far.
#[derive(Default)]
struct Written {
    text: Vec<u8>,
    too_long: bool,
}

impl io::Write for Written {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.text.len() + piece.len() > LARGEST {
            self.too_long = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn convert(value: &Value, secret_seen: &Arc<AtomicBool>) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(b) => Jinja::from(*b),
        Value::Int(i) => Jinja::from(*i),
        Value::Float(x) => Jinja::from(*x),
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Secret(_) => Jinja::from_object(Hidden(Arc::clone(secret_seen))),
        Value::List(items) => items.iter().map(|item| convert(item, secret_seen)).collect(),
        Value::Object(fields) => object(fields, secret_seen),
        Value::Quantity(_) | Value::Time(_) | Value::Estimate(_) => {
            value.scalar_text().map_or(Jinja::from(()), Jinja::from)
        }
        Value::Distribution(_) => Jinja::from(minijinja::value::Serde(value.to_json())),
    }
}

fn object(fields: &[(String, Value)], secret_seen: &Arc<AtomicBool>) -> Jinja {
    let pairs = fields
        .iter()
        .map(|(name, value)| (name.as_str(), convert(value, secret_seen)));
    Jinja::from_pairs(pairs)
}

/// Stands for a secret, and remembers when something wanted its text: also filters and `~` do, which the formatter
/// does not see. It is a map so that `tojson`, which would write null for it, has to ask for its keys.
#[derive(Debug)]
struct Hidden(Arc<AtomicBool>);

impl Object for Hidden {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.0.store(true, Ordering::Relaxed);
        Enumerator::NonEnumerable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.store(true, Ordering::Relaxed);
        f.write_str("***")
    }
}

/// One line, with the place in the template.
fn said(name: &str, text: &str, error: &Error) -> TemplateError {
    let line = error.line().map(|line| format!(":{line}")).unwrap_or_default();
    let reason = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the template does too much work".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    TemplateError {
        message: format!("{name}{line}: {reason}"),
        at: error.range().map(|range| around(text, range)),
    }
}

/// Whole characters: what the parser does not know may be one byte of a character.
fn around(text: &str, range: std::ops::Range<usize>) -> (usize, usize) {
    let start = text.floor_char_boundary(range.start);
    (start, text.ceil_char_boundary(range.end).max(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Quantity, Secret};

    fn values() -> Vec<(String, Value)> {
        vec![
            ("name".into(), Value::String("a \"b\"".into())),
            (
                "limit".into(),
                Value::Quantity("200ms".parse::<Quantity>().unwrap()),
            ),
            ("rows".into(), Value::List(vec![Value::Int(1), Value::Float(2.5)])),
            (
                "map".into(),
                Value::Object(vec![("z".into(), Value::Bool(true)), ("a".into(), Value::Null)]),
            ),
            ("token".into(), Value::Secret(Secret::new("token", "hunter2"))),
        ]
    }

    fn rendered(text: &str) -> Result<String, TemplateError> {
        render("body.json", text, &values())
    }

    #[test]
    fn values_keep_their_kinds_and_order() {
        assert_eq!(rendered("{{ name }} {{ limit }}\n").unwrap(), "a \"b\" 200ms\n");
        assert_eq!(
            rendered("{{ name|tojson }} {{ rows|tojson }}").unwrap(),
            "\"a \\\"b\\\"\" [1, 2.5]"
        );
        assert_eq!(
            rendered("{{ map|tojson }}").unwrap(),
            "{\"z\": true, \"a\": null}"
        );
        assert_eq!(
            rendered("{% for r in rows %}{{ r + 1 }};{% endfor %}").unwrap(),
            "2;3.5;"
        );
    }

    #[test]
    fn what_is_not_there_is_an_error_with_its_place() {
        let error = rendered("a\n{{ nme }}").unwrap_err();
        assert!(
            error.message.starts_with("body.json:2: ") && error.message.contains("nme"),
            "{error}"
        );
        assert_eq!(error.at, Some((5, 8)));
        for text in [
            "{{ map.missing }}",
            "{% if nme %}{% endif %}",
            "{{ nme == 3 }}",
            "{{ map.a }}",
            "{{ name",
            "{{ name|nofilter }}",
        ] {
            assert!(rendered(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_gets_into_no_text() {
        for text in [
            "{{ token }}",
            "{{ token|upper }}",
            "{{ 'x' ~ token }}",
            "{{ [token]|tojson }}",
            "{{ token|string }}",
            "{{ [token]|join(',') }}",
            "{% set t = token|string %}{{ t[0] }}",
        ] {
            let error = rendered(text).unwrap_err();
            assert!(!error.message.contains("hunter2"), "{text}");
        }
        assert_eq!(rendered("{% if token %}yes{% endif %}").unwrap(), "yes");
    }

    #[test]
    fn work_and_files_are_out_of_reach() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}";
        assert!(rendered(endless).unwrap_err().message.contains("too much work"));
        assert!(rendered("{% include '/etc/passwd' %}").is_err());
        let long = "{% for a in range(200) %}{{ 'x' * 99999 }}{% endfor %}";
        assert!(rendered(long).unwrap_err().message.contains("longer than 16 MiB"));
    }
}
