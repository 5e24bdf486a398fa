//! Plain scalars that YAML versions or readers read differently, and expressions that a comment cuts off.

use super::{SyntaxError, SyntaxErrorKind};
use crate::source::{Kind, Span};

/// Refuses a scalar that does not mean the same everywhere. `span` is the place where it was written.
pub(super) fn check(text: &str, kind: &Kind, span: Span) -> Result<(), SyntaxError> {
    let written = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or_default();
    if matches!(kind, Kind::Seq(_) | Kind::Map(_)) || written.starts_with(['"', '\'', '|', '>']) {
        return Ok(());
    }
    if let Kind::String(value) = kind
        && let Some(error) = cut_off(text, value, span)
    {
        return Err(error);
    }
    let Some(why) = reason(written.trim(), kind) else {
        return Ok(());
    };
    let written = written.trim();
    Err(SyntaxError {
        kind: SyntaxErrorKind::Ambiguous,
        message: format!("`{written}` is ambiguous: {}", why.what),
        span,
        help: Some(
            why.help
                .unwrap_or_else(|| format!("write \"{written}\" if text is meant")),
        ),
    })
}

struct Reason {
    what: &'static str,
    help: Option<String>,
}

fn reason(written: &str, kind: &Kind) -> Option<Reason> {
    if let Some(meant) = boolean(written) {
        return Some(Reason {
            what: "YAML 1.1 reads it as true or false, YAML 1.2 as text",
            help: Some(format!("write {meant}, or \"{written}\" if text is meant")),
        });
    }
    let digits = written.strip_prefix(['+', '-']).unwrap_or(written);
    let bytes = digits.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let number = |help: String| Some(help);
    if bytes.len() > 1 && bytes[0] == b'0' && bytes.iter().all(u8::is_ascii_digit) {
        return Some(Reason {
            what: "a leading zero makes it octal for some readers",
            help: number(format!(
                "write \"{written}\" if text is meant, or the number without the zero"
            )),
        });
    }
    if bytes.contains(&b'_')
        && bytes
            .iter()
            .all(|b| b.is_ascii_hexdigit() || b"_.xob".contains(b))
    {
        return Some(Reason {
            what: "YAML 1.1 reads it as a number, YAML 1.2 as text",
            help: number(format!(
                "write the number without `_`, or \"{written}\" if text is meant"
            )),
        });
    }
    if bytes.len() > 2
        && bytes[0] == b'0'
        && b"oObB".contains(&bytes[1])
        && bytes[2..].iter().all(u8::is_ascii_digit)
    {
        return Some(Reason {
            what: "octal and binary numbers differ between YAML versions",
            help: number(format!(
                "write the number in decimal, or \"{written}\" if text is meant"
            )),
        });
    }
    if sexagesimal(digits) {
        return Some(Reason {
            what: "YAML 1.1 reads it as a number to base 60, YAML 1.2 as text",
            help: None,
        });
    }
    if matches!(kind, Kind::Float(_)) && bytes.iter().all(u8::is_ascii_digit) {
        return Some(Reason {
            what: "it is too large for a whole number and would lose digits",
            help: None,
        });
    }
    None
}

/// `PyYAML`, libyaml and Ruby read these as booleans; `y` and `n` alone they do not.
fn boolean(written: &str) -> Option<bool> {
    const TRUE: [&str; 2] = ["yes", "on"];
    const FALSE: [&str; 2] = ["no", "off"];
    let lower = written.to_ascii_lowercase();
    let title = lower.get(..1).map(|c| c.to_ascii_uppercase() + &lower[1..]);
    if written != lower && Some(written) != title.as_deref() && written != lower.to_ascii_uppercase() {
        return None;
    }
    if TRUE.contains(&lower.as_str()) {
        Some(true)
    } else if FALSE.contains(&lower.as_str()) {
        Some(false)
    } else {
        None
    }
}

/// `1:30:45`, by the pattern of YAML 1.1's integer and float types.
fn sexagesimal(digits: &str) -> bool {
    let whole = digits.split('.').next().unwrap_or_default();
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut more = 0;
    for part in parts {
        let fits = matches!(part.len(), 1 | 2)
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|n| n < 60);
        if !fits {
            return false;
        }
        more += 1;
    }
    more > 0 && !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit())
}

/// A plain scalar that ends in the middle of an expression because ` #` begins a comment.
fn cut_off(text: &str, value: &str, span: Span) -> Option<SyntaxError> {
    let rest = &text[span.end as usize..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let comment = rest.trim_start();
    if !comment.starts_with('#') || comment.len() == rest.len() {
        return None;
    }
    let open_braces = value.rfind("${{").is_some_and(|at| !value[at..].contains("}}"));
    let open_quote = |q: char| value.matches(q).count() % 2 == 1 && comment.matches(q).count() % 2 == 1;
    if !open_braces && !open_quote('"') {
        return None;
    }
    let start = span.end as usize + (rest.len() - comment.len());
    Some(SyntaxError {
        kind: SyntaxErrorKind::UnquotedTemplate,
        message: "` #` begins a comment here and cuts the expression off".to_owned(),
        span: Span::new(span.source, start, span.end as usize + rest.len()),
        help: Some("put the whole value in quotes, so that `#` belongs to it".to_owned()),
    })
}
