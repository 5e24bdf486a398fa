//! The values of the parts of an expression, for the report.

use std::collections::HashSet;

use super::{sample, shown};
use crate::check::Evidence;
use crate::value::expr::{Expr, ExprKind, Scope, eval};

/// Parts that are recorded at most.
const PARTS: usize = 24;

/// The parts that have a value, outermost first, each once. Literals are left out, and so is what has no value
/// outside its element.
pub(super) fn of(expr: &Expr, scope: &dyn Scope) -> Vec<Evidence> {
    let mut collected = Collected {
        scope,
        seen: HashSet::new(),
        parts: Vec::new(),
    };
    // The whole is the verdict itself.
    collected.children(expr);
    collected.parts
}

struct Collected<'a> {
    scope: &'a dyn Scope,
    seen: HashSet<String>,
    parts: Vec<Evidence>,
}

impl Collected<'_> {
    fn part(&mut self, expr: &Expr) {
        if matches!(expr.kind, ExprKind::Literal(_)) || self.parts.len() >= PARTS {
            return;
        }
        let text = expr.to_string();
        if self.seen.insert(text.clone())
            && let Ok(value) = eval(expr, self.scope)
        {
            self.parts.push(Evidence {
                expression: text,
                value: shown::json(&value),
            });
        }
        self.children(expr);
    }

    fn children(&mut self, expr: &Expr) {
        match &expr.kind {
            // What a path leads through (`traffic` of `traffic.sent`) says no more than its end.
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Element | ExprKind::Field(..) => {}
            ExprKind::Index(_, index) => self.part(index),
            ExprKind::Unary(_, inner) | ExprKind::Present { subject: inner, .. } => self.part(inner),
            ExprKind::Binary(_, left, right) => {
                self.part(left);
                self.part(right);
            }
            ExprKind::List(items) => items.iter().for_each(|i| self.part(i)),
            ExprKind::Call { name, args, .. } => {
                for (i, arg) in args.iter().enumerate() {
                    if i == 0 || !(sample::takes_elements(name) && sample::has_element(arg)) {
                        self.part(arg);
                    }
                }
            }
        }
    }
}
