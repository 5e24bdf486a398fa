//! Reading the parts of a mapping, with a diagnostic for everything that is not as it should be.

use std::collections::HashMap;
use std::time::Duration;

use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::event::Severity;
use crate::source::{Entry, Kind, Node, Span, Spanned};
use crate::value::{Dimension, Quantity};

use super::Backoff;
use crate::check::Confidence;

/// Reports that a node is something else than it should be.
pub(super) fn wrong_kind(out: &mut Diagnostics, node: &Node, what: &str, wanted: &str) {
    out.push(
        Diagnostic::error(
            Code::WrongKind,
            format!("{what} must be {wanted}, not {}", node.describe()),
        )
        .label(node.span, format!("this is {}", node.describe())),
    );
}

/// Reports every key that is not in `known`; `what` says of what it is a key.
pub(super) fn only_known(out: &mut Diagnostics, node: &Node, what: &str, known: &[&'static str]) {
    for entry in node.entries() {
        if !known.contains(&entry.key.value.as_str()) {
            unknown_key(out, &entry.key, what, known);
        }
    }
}

pub(super) fn unknown_key(out: &mut Diagnostics, key: &Spanned<String>, what: &str, known: &[&str]) {
    out.push(
        Diagnostic::error(Code::UnknownKey, format!("{what} has no key `{}`", key.value))
            .label(key.span, "unknown key")
            .maybe_help(did_you_mean(&key.value, known.iter().copied())),
    );
}

/// The node as a mapping, or a report.
pub(super) fn mapping<'a>(out: &mut Diagnostics, node: &'a Node, what: &str) -> &'a [Entry] {
    if let Kind::Map(entries) = &node.kind {
        return entries;
    }
    wrong_kind(out, node, what, "a mapping");
    &[]
}

/// The node as a list that is not empty, or a report.
pub(super) fn list<'a>(out: &mut Diagnostics, node: &'a Node, what: &str) -> &'a [Node] {
    let Kind::Seq(items) = &node.kind else {
        wrong_kind(out, node, what, "a list");
        return &[];
    };
    if items.is_empty() {
        out.push(
            Diagnostic::error(Code::EmptyList, format!("{what} is an empty list"))
                .label(node.span, "nothing in it")
                .help("leave the key out if nothing is meant"),
        );
    }
    items
}

/// Text that holds no expression.
pub(super) fn text(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Spanned<String>> {
    let Kind::String(s) = &node.kind else {
        let help = match node.kind {
            Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => {
                Some("put it in quotes: YAML reads it as something else")
            }
            _ => None,
        };
        let mut d = Diagnostic::error(
            Code::WrongKind,
            format!("{what} must be text, not {}", node.describe()),
        )
        .label(node.span, format!("this is {}", node.describe()));
        d.help = help.map(str::to_owned);
        out.push(d);
        return None;
    };
    if s.contains("${{") {
        out.push(
            Diagnostic::error(Code::UnexpectedExpression, format!("{what} cannot be computed"))
                .label(node.span, "an expression may not stand here")
                .help("expressions may stand in the parameters of actions; here write the text itself"),
        );
        return None;
    }
    if s.trim().is_empty() {
        out.push(Diagnostic::error(Code::BadValue, format!("{what} is empty")).label(node.span, "no text"));
        return None;
    }
    Some(Spanned::new(s.clone(), node.span))
}

pub(super) fn boolean(out: &mut Diagnostics, node: &Node, what: &str) -> Option<bool> {
    if let Kind::Bool(b) = node.kind {
        return Some(b);
    }
    wrong_kind(out, node, what, "true or false");
    None
}

pub(super) fn integer(
    out: &mut Diagnostics,
    node: &Node,
    what: &str,
    range: std::ops::RangeInclusive<i64>,
) -> Option<i64> {
    let Kind::Int(n) = node.kind else {
        wrong_kind(out, node, what, "a whole number");
        return None;
    };
    if range.contains(&n) {
        return Some(n);
    }
    bad_value(
        out,
        node.span,
        format!(
            "{what} must be between {} and {}, not {n}",
            range.start(),
            range.end()
        ),
    );
    None
}

/// A name that expressions can use: a letter, then letters, digits, `_` (and `-` where `dash` allows it).
pub(super) fn name(out: &mut Diagnostics, name: &Spanned<String>, what: &str, dash: bool) -> bool {
    let mut chars = name.value.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let rest = chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || (dash && c == '-'));
    if !(first && rest) {
        out.push(
            Diagnostic::error(Code::BadName, format!("`{}` cannot name {what}", name.value))
                .label(name.span, "not a name")
                .help(if dash {
                    "a letter first, then letters, digits, `_` or `-`"
                } else {
                    "a letter first, then letters, digits or `_`, so that expressions can use it"
                }),
        );
    }
    first && rest
}

/// A list of names, or one name alone.
pub(super) fn names(
    out: &mut Diagnostics,
    node: &Node,
    what: &str,
    may_be_empty: bool,
) -> Vec<Spanned<String>> {
    match &node.kind {
        Kind::String(_) => text(out, node, what).into_iter().collect(),
        Kind::Seq(items) if items.is_empty() && may_be_empty => Vec::new(),
        Kind::Seq(_) => {
            let mut seen: HashMap<String, Span> = HashMap::new();
            let mut all = Vec::new();
            for item in list(out, node, what) {
                let Some(t) = text(out, item, &format!("an item of {what}")) else {
                    continue;
                };
                if let Some(first) = seen.insert(t.value.clone(), t.span) {
                    out.push(
                        Diagnostic::error(Code::BadValue, format!("`{}` stands twice in {what}", t.value))
                            .label(t.span, "again")
                            .label(first, "first here"),
                    );
                } else {
                    all.push(t);
                }
            }
            all
        }
        _ => {
            wrong_kind(out, node, what, "a name or a list of names");
            Vec::new()
        }
    }
}

/// A positive time span.
pub(super) fn duration(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Duration> {
    if matches!(node.kind, Kind::Int(_) | Kind::Float(_)) {
        out.push(
            Diagnostic::error(
                Code::WrongKind,
                format!("{what} must be a duration, not a bare number"),
            )
            .label(node.span, "a number of what?")
            .help("give the unit: `500ms`, `30s`, `5m`"),
        );
        return None;
    }
    let t = text(out, node, what)?;
    duration_text(out, &t.value, t.span, what)
}

fn duration_text(out: &mut Diagnostics, t: &str, span: Span, what: &str) -> Option<Duration> {
    let problem = match t.parse::<Quantity>() {
        Ok(Quantity {
            value,
            dimension: Dimension::Duration,
        }) => match Duration::try_from_secs_f64(value) {
            Ok(d) if d > Duration::ZERO && value <= 31.0 * 86_400.0 => return Some(d),
            _ => format!("{what} must be more than nothing and at most 31 days, not `{t}`"),
        },
        Ok(_) => format!("{what} must be a duration such as `30s`, not `{t}`"),
        Err(e) => format!("{what} must be a duration such as `30s`: {e}"),
    };
    bad_value(out, span, problem);
    None
}

/// `2s` or `1s..10s`.
pub(super) fn backoff(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Backoff> {
    if let Some((a, b)) = node.as_str().and_then(|s| s.split_once("..")) {
        let first = duration_text(out, a.trim(), node.span, what)?;
        let last = duration_text(out, b.trim(), node.span, what)?;
        if first > last {
            bad_value(
                out,
                node.span,
                format!("{what} must grow: `{}` is more than `{}`", a.trim(), b.trim()),
            );
            return None;
        }
        return Some(Backoff { first, last });
    }
    let d = duration(out, node, what)?;
    Some(Backoff { first: d, last: d })
}

/// `95%` or `none`.
pub(super) fn confidence(out: &mut Diagnostics, node: &Node) -> Option<Confidence> {
    let what = "`confidence`";
    if matches!(node.kind, Kind::Int(_) | Kind::Float(_)) {
        wrong_kind(out, node, what, "a share such as `95%`, or `none`");
        return None;
    }
    let t = text(out, node, what)?;
    if t.value == "none" {
        return Some(Confidence::None);
    }
    match t.value.parse::<Quantity>() {
        Ok(Quantity {
            value,
            dimension: Dimension::Ratio,
        }) if (0.5..1.0).contains(&value) => Some(Confidence::Level(value)),
        Ok(Quantity {
            dimension: Dimension::Ratio,
            ..
        }) => {
            bad_value(
                out,
                t.span,
                format!(
                    "{what} must be at least 50% and less than 100%, not `{}`",
                    t.value
                ),
            );
            None
        }
        Ok(_) | Err(_) => {
            bad_value(
                out,
                t.span,
                format!(
                    "{what} must be a share such as `95%`, or `none`, not `{}`",
                    t.value
                ),
            );
            None
        }
    }
}

pub(super) fn severity(out: &mut Diagnostics, node: &Node) -> Option<Severity> {
    let t = text(out, node, "`severity`")?;
    let found = match t.value.as_str() {
        "critical" => Severity::Critical,
        "warning" => Severity::Warning,
        "info" => Severity::Info,
        other => {
            out.push(
                Diagnostic::error(Code::BadValue, format!("there is no severity `{other}`"))
                    .label(t.span, "unknown severity")
                    .maybe_help(did_you_mean(other, ["critical", "warning", "info"])),
            );
            return None;
        }
    };
    Some(found)
}

pub(super) fn bad_value(out: &mut Diagnostics, span: Span, message: String) {
    out.push(Diagnostic::error(Code::BadValue, message).label(span, "here"));
}

pub(super) fn missing_key(out: &mut Diagnostics, at: Span, what: &str, key: &str, help: &str) {
    out.push(
        Diagnostic::error(Code::MissingKey, format!("{what} has no `{key}`"))
            .label(at, format!("`{key}` is missing"))
            .help(help),
    );
}
