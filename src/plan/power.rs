//! Samples that are too small to prove what a check asks.
//!
//! With n members and none of them bad, the one-sided Clopper-Pearson bound on the bad share is
//! 1 - (1 - confidence)^(1/n). If even that is not below the limit, the check can never pass.

use super::{CheckPlan, Params, StepPlan};
use crate::check::Confidence;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::value::expr::{BinaryOp, Expr, ExprKind};
use crate::value::{Type, Value};

/// Warns of checks that cannot pass with the number of requests the step states.
pub(super) fn warn(steps: &[StepPlan], expect: &[CheckPlan], out: &mut Diagnostics) {
    for check in expect {
        look(&check.expr, check, None, steps, out);
    }
    for step in steps {
        for check in &step.expect {
            look(&check.expr, check, Some(step), steps, out);
        }
    }
}

fn look(expr: &Expr, check: &CheckPlan, own: Option<&StepPlan>, steps: &[StepPlan], out: &mut Diagnostics) {
    let Confidence::Level(confidence) = check.confidence else {
        return;
    };
    let ExprKind::Binary(op, left, right) = &expr.kind else {
        return;
    };
    let (subject, limit) = match op {
        BinaryOp::And => {
            look(left, check, own, steps, out);
            look(right, check, own, steps, out);
            return;
        }
        BinaryOp::Lt | BinaryOp::Le => (left, right),
        BinaryOp::Gt | BinaryOp::Ge => (right, left),
        _ => return,
    };
    let Some((step, share)) = allowed_share(subject, limit, own, steps) else {
        return;
    };
    let Some(n) = sample_size(step) else { return };
    let needed = ((1.0 - confidence).ln() / (1.0 - share).ln()).ceil();
    if (n as f64) < needed {
        out.push(
            Diagnostic::warning(
                Code::TooFewSamples,
                format!(
                    "{n} requests cannot prove this with {}% confidence, even if all of them are good",
                    shown(confidence * 100.0)
                ),
            )
            .label(check.span, "can never pass")
            .label(step.span, format!("{n} requests"))
            .help(format!(
                "at least {needed} are needed; or say `confidence: none` to compare the point estimate"
            )),
        );
    }
}

/// The share of bad members below which the comparison is proved, and the step the sample comes from.
fn allowed_share<'a>(
    subject: &Expr,
    limit: &Expr,
    own: Option<&'a StepPlan>,
    steps: &'a [StepPlan],
) -> Option<(&'a StepPlan, f64)> {
    let path = path(subject)?;
    let (first, rest) = path.split_first()?;
    let step = match *first {
        "." => own?,
        name => steps.iter().find(|s| s.id.as_str() == name)?,
    };
    let (last, before) = rest.split_last()?;
    if let Some(Type::Distribution(_)) = field(&step.output, before) {
        let q = match *last {
            "p50" => 0.5,
            "p90" => 0.9,
            "p95" => 0.95,
            "p99" => 0.99,
            "p999" => 0.999,
            _ => return None,
        };
        return Some((step, 1.0 - q));
    }
    let ExprKind::Literal(Value::Quantity(limit)) = &limit.kind else {
        return None;
    };
    (field(&step.output, rest)? == Type::Proportion && limit.value > 0.0 && limit.value < 1.0)
        .then_some((step, limit.value))
}

fn path(expr: &Expr) -> Option<Vec<&str>> {
    match &expr.kind {
        ExprKind::Name(n) => Some(vec![n]),
        ExprKind::Element => Some(vec!["."]),
        ExprKind::Field(base, name) => {
            let mut p = path(base)?;
            p.push(name);
            Some(p)
        }
        _ => None,
    }
}

fn field(ty: &Type, path: &[&str]) -> Option<Type> {
    let Some((first, rest)) = path.split_first() else {
        return Some(ty.clone());
    };
    match ty {
        Type::Optional(t) => field(t, path),
        Type::Object(o) => field(&o.fields.iter().find(|f| f.name == *first)?.ty, rest),
        _ => None,
    }
}

/// The literal `requests` of a step.
fn sample_size(step: &StepPlan) -> Option<u64> {
    let found = match &step.params {
        Params::Literal(v) => v.get("requests").cloned(),
        Params::Map(entries) => entries.iter().find_map(|(k, e)| match &e.value {
            Params::Literal(v) if k == "requests" => Some(v.clone()),
            _ => None,
        }),
        Params::Text(_) | Params::List(_) => None,
    };
    found?.as_u64()
}

fn shown(percent: f64) -> String {
    let text = format!("{percent:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
