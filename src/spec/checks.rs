//! A check: an expression, alone or with why, how sure and how grave.

use crate::diag::{Code, Diagnostic, Diagnostics, closest};
use crate::event::Severity;
use crate::source::{Kind, Node};

use super::Check;
use super::fields::{
    bad_value, confidence, list, missing_key, only_known, severity, text, unknown_key, wrong_kind,
};

/// A check, or a list of checks.
pub(super) fn checks(out: &mut Diagnostics, node: &Node, what: &str) -> Vec<Check> {
    match &node.kind {
        Kind::Seq(_) => list(out, node, what)
            .iter()
            .filter_map(|item| check(out, item, &format!("an item of {what}")))
            .collect(),
        _ => check(out, node, what).into_iter().collect(),
    }
}

pub(super) fn check(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Check> {
    const KEYS: &[&str] = &["check", "confidence", "because", "severity"];
    if !matches!(node.kind, Kind::Map(_)) {
        return Some(Check {
            text: scalar_expression(out, node, what)?,
            confidence: None,
            because: None,
            severity: Severity::default(),
        });
    }
    if let Some(slip) = node
        .entries()
        .iter()
        .find(|e| closest(&e.key.value, ["check"]).is_some() && e.key.value != "check")
    {
        unknown_key(out, &slip.key, what, KEYS);
        return None;
    }
    if node.get("check").is_some() {
        only_known(out, node, what, KEYS);
    }
    let Some(e) = node.get("check") else {
        missing_key(
            out,
            node.entries().first().map_or(node.span, |e| e.key.span),
            what,
            "check",
            "write the expectation as text, or as `{check: EXPRESSION, because: WHY}`; text with `: ` or ` #` in it needs quotes",
        );
        return None;
    };
    Some(Check {
        text: scalar_expression(out, &e.value, "`check`")?,
        confidence: node.get("confidence").and_then(|e| confidence(out, &e.value)),
        because: node
            .get("because")
            .and_then(|e| text(out, &e.value, "`because`"))
            .map(|t| t.value),
        severity: node
            .get("severity")
            .and_then(|e| severity(out, &e.value))
            .unwrap_or_default(),
    })
}

/// The scalar of an expression, which stands there without `${{ }}`.
pub(super) fn scalar_expression(out: &mut Diagnostics, node: &Node, what: &str) -> Option<Node> {
    match &node.kind {
        Kind::String(s) if s.trim_start().starts_with("${{") => {
            out.push(
                Diagnostic::error(
                    Code::UnexpectedExpression,
                    format!("{what} is an expression already"),
                )
                .label(node.span, "`${{ }}` does not belong here")
                .help("leave `${{` and `}}` away"),
            );
            None
        }
        Kind::String(s) if s.trim().is_empty() => {
            bad_value(out, node.span, format!("{what} is empty"));
            None
        }
        Kind::String(_) => Some(node.clone()),
        Kind::Bool(b) => {
            out.push(
                Diagnostic::error(Code::ConstantCheck, format!("{what} is always {b}"))
                    .label(node.span, "says nothing about the run")
                    .help("write an expression over the output of a step: `predict.status == 200`"),
            );
            None
        }
        _ => {
            wrong_kind(out, node, what, "an expression");
            None
        }
    }
}
