//! Expectations: an expression that is true or false, and that looks at something the run produced.

use super::CheckPlan;
use super::names::{Names, Place};
use super::params::required;
use crate::check::Confidence;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::event::CheckInfo;
use crate::source::{Node, Sources, Spanned, locate};
use crate::spec::Check;
use crate::value::Type;
use crate::value::expr::{Expr, parse};

/// What compiling checks and conditions needs.
pub(super) struct Checker<'a> {
    pub sources: &'a Sources,
    pub names: &'a Names,
    pub confidence: Confidence,
}

impl Checker<'_> {
    /// Compiles a check that is polled: only the step's own output changes while it is.
    pub fn poll(
        &self,
        check: &Check,
        id: String,
        place: &Place<'_>,
        out: &mut Diagnostics,
    ) -> Option<CheckPlan> {
        let (plan, own) = self.compile(check, id, place, out)?;
        if !own {
            out.push(
                Diagnostic::error(
                    Code::NoSubject,
                    "`eventually` does not look at the step itself, so trying again changes nothing",
                )
                .label(check.text.span, "the step's own output is not in it")
                .help("a leading dot is the step's own output: `eventually: .status == 200`"),
            );
        }
        Some(plan)
    }

    /// Compiles a check.
    pub fn check(
        &self,
        check: &Check,
        id: String,
        place: &Place<'_>,
        out: &mut Diagnostics,
    ) -> Option<CheckPlan> {
        self.compile(check, id, place, out).map(|(plan, _)| plan)
    }

    /// The check, and whether it looks at the step's own output.
    fn compile(
        &self,
        check: &Check,
        id: String,
        place: &Place<'_>,
        out: &mut Diagnostics,
    ) -> Option<(CheckPlan, bool)> {
        let node = &check.text;
        let (expr, uses, own) = self.condition(node, place, out)?;
        if uses.is_empty() && !own {
            out.push(
                Diagnostic::error(Code::NoSubject, "the check looks at nothing the run produced")
                    .label(node.span, "no step's output is in it")
                    .help("name the output of a step: `predict.status == 200`"),
            );
            return None;
        }
        let text = node.as_str().unwrap_or_default();
        let plan = CheckPlan {
            info: CheckInfo {
                id,
                text: text.trim().to_owned(),
                severity: check.severity,
                because: check.because.clone(),
                place: file_place(self.sources, node.span),
            },
            span: locate(self.sources, node, 0..text.len()),
            expr: expr.value,
            confidence: check.confidence.unwrap_or(self.confidence),
            uses,
        };
        Some((plan, own))
    }

    /// An expression that is true or false, the other steps it uses, and whether it uses the step's own output.
    pub fn condition(
        &self,
        node: &Node,
        place: &Place<'_>,
        out: &mut Diagnostics,
    ) -> Option<(Spanned<Expr>, Vec<usize>, bool)> {
        let text = node.as_str()?;
        let comment = self.comment_behind(node);
        let expr = match parse(text) {
            Ok(expr) => expr,
            Err(e) => {
                let span = locate(self.sources, node, e.at.start..e.at.end);
                out.push(match comment {
                    Some(_) => cut(node).label(span, e.message),
                    None => Diagnostic::error(Code::ExpressionSyntax, e.message)
                        .label(span, "here")
                        .maybe_help(e.help),
                });
                return None;
            }
        };
        if comment.is_some_and(|c| !c.starts_with(char::is_whitespace)) {
            out.push(cut(node));
        }
        let seen = self.names.see(self.sources, node, 0, &expr, place, out);
        let ty = seen.ty?;
        if !matches!(required(&ty), Type::Bool | Type::Any) {
            out.push(
                Diagnostic::error(Code::NotABool, format!("this is {ty}, not true or false"))
                    .label(node.span, format!("this is {ty}"))
                    .help("compare it with something: `... == 200`, `... < 200ms`, `... is present`"),
            );
            return None;
        }
        Some((
            Spanned::new(expr, node.span),
            seen.uses.into_iter().collect(),
            seen.own,
        ))
    }

    /// The comment that directly follows a plain scalar on its line, without its `#`.
    fn comment_behind(&self, node: &Node) -> Option<String> {
        let text = self.sources.text(node.span.source);
        let written = text.get(node.span.start as usize..node.span.end as usize)?;
        if written.starts_with(['"', '\'', '|', '>']) {
            return None;
        }
        let rest = text.get(node.span.end as usize..)?;
        let line = rest.split(['\n', '\r']).next()?;
        let behind = line.trim_start_matches([' ', '\t']);
        (behind.len() < line.len() || written.ends_with(' '))
            .then(|| behind.strip_prefix('#').map(str::to_owned))
            .flatten()
    }
}

/// A place for events and reports.
pub(super) fn file_place(sources: &Sources, span: crate::source::Span) -> crate::event::Place {
    let at = sources.line_col(span);
    crate::event::Place {
        file: sources.path(span.source).display().to_string(),
        line: at.line,
        col: at.col,
    }
}

fn cut(node: &Node) -> Diagnostic {
    Diagnostic::error(Code::CutByComment, "YAML ends the expression before ` #`")
        .label(node.span, "only this is left of it")
        .help("put the whole expression in quotes, or the comment on its own line")
}
