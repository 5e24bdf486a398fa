//! How a step runs: for which elements, how often, and which failure it expects.

use crate::check::Class;
use crate::diag::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::source::{Kind, Node, Span};

use super::fields::{
    backoff, bad_value, integer, list, mapping, missing_key, name, only_known, text, wrong_kind,
};
use super::steps::RESERVED;
use super::{Backoff, ExpectFailure, ForEach, Retry};

pub(super) fn for_each(out: &mut Diagnostics, node: &Node) -> Option<ForEach> {
    let entries = mapping(out, node, "`for_each`");
    match entries {
        [one] => {
            if !name(out, &one.key, "the element of `for_each`", false) {
                return None;
            }
            if RESERVED.contains(&one.key.value.as_str()) {
                out.push(
                    Diagnostic::error(
                        Code::BadName,
                        format!("`{}` cannot name the element of `for_each`", one.key.value),
                    )
                    .label(one.key.span, "this word means something else in expressions"),
                );
                return None;
            }
            match &one.value.kind {
                Kind::Seq(_) => {
                    list(out, &one.value, "the list of `for_each`");
                }
                Kind::String(_) => {}
                _ => {
                    wrong_kind(
                        out,
                        &one.value,
                        "the value of `for_each`",
                        "a list or an expression for one",
                    );
                    return None;
                }
            }
            Some(ForEach {
                name: one.key.clone(),
                items: one.value.clone(),
            })
        }
        [] => None,
        [_, second, ..] => {
            out.push(
                Diagnostic::error(Code::KeysDoNotFit, "`for_each` names exactly one element")
                    .label(second.key.span, "a second name")
                    .help("for all combinations use `matrix` at the top of the spec"),
            );
            None
        }
    }
}

pub(super) fn retry(out: &mut Diagnostics, node: &Node, every: Backoff) -> Option<Retry> {
    let (attempts, every) = match &node.kind {
        Kind::Map(_) => {
            only_known(out, node, "`retry`", &["attempts", "every"]);
            let every = match node.get("every") {
                Some(e) => backoff(out, &e.value, "`every`")?,
                None => every,
            };
            let Some(e) = node.get("attempts") else {
                missing_key(
                    out,
                    node.span,
                    "`retry`",
                    "attempts",
                    "say how often in all: `attempts: 3`",
                );
                return None;
            };
            (&e.value, every)
        }
        _ => (node, every),
    };
    let n = integer(out, attempts, "the number of attempts", 2..=1000)?;
    Some(Retry {
        attempts: u32::try_from(n).unwrap_or(2),
        every,
    })
}

pub(super) fn expect_failure(out: &mut Diagnostics, node: &Node, span: Span) -> Option<ExpectFailure> {
    let entries = mapping(out, node, "`expect_failure`");
    only_known(
        out,
        node,
        "`expect_failure`",
        &["class", "status", "exit_code", "reason", "message"],
    );
    if entries.is_empty() {
        if matches!(node.kind, Kind::Map(_)) {
            bad_value(
                out,
                node.span,
                "`expect_failure` must say which failure: a dead server is not a refusal".to_owned(),
            );
        }
        return None;
    }
    let class = node
        .get("class")
        .and_then(|e| text(out, &e.value, "`class`"))
        .and_then(|t| {
            let found = Class::ALL.into_iter().find(|c| c.word() == t.value);
            if found.is_none() {
                let words: Vec<String> = Class::ALL.iter().map(|c| c.word()).collect();
                out.push(
                    Diagnostic::error(Code::BadValue, format!("there is no failure class `{}`", t.value))
                        .label(t.span, "unknown class")
                        .maybe_help(did_you_mean(&t.value, words.iter().map(String::as_str))),
                );
            }
            found
        });
    let message = node
        .get("message")
        .and_then(|e| text(out, &e.value, "`message`"))
        .and_then(|t| match regex::Regex::new(&t.value) {
            Ok(_) => Some(t.value),
            Err(e) => {
                let last = e.to_string().lines().last().unwrap_or_default().to_owned();
                bad_value(
                    out,
                    t.span,
                    format!("`message` is not a regular expression: {last}"),
                );
                None
            }
        });
    Some(ExpectFailure {
        span,
        class,
        status: node
            .get("status")
            .and_then(|e| integer(out, &e.value, "`status`", 100..=599))
            .and_then(|n| u16::try_from(n).ok()),
        exit_code: node
            .get("exit_code")
            .and_then(|e| integer(out, &e.value, "`exit_code`", -255..=255))
            .and_then(|n| i32::try_from(n).ok()),
        reason: node
            .get("reason")
            .and_then(|e| text(out, &e.value, "`reason`"))
            .map(|t| t.value),
        message,
    })
}
