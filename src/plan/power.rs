//! Samples that are too small to prove what a check asks.
//!
//! With n members and none of them bad, the one-sided Clopper-Pearson bound on the bad share is
//! 1 - (1 - confidence)^(1/n). If even that is not below the limit, the check can never pass.

use std::collections::HashMap;

use super::{CheckPlan, Params, StepPlan};
use crate::check::Confidence;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::value::expr::{BinaryOp, Expr, ExprKind};
use crate::value::{Type, Value};

type Ids<'a> = HashMap<&'a str, &'a StepPlan>;

/// Warns of checks that cannot pass with the number of requests the step states.
pub(super) fn warn(steps: &[StepPlan], expect: &[CheckPlan], out: &mut Diagnostics) {
    let ids: Ids<'_> = steps.iter().map(|s| (s.id.as_str(), s)).collect();
    for check in expect {
        look(&check.expr, check, None, &ids, out);
    }
    for step in steps {
        for check in &step.expect {
            look(&check.expr, check, Some(step), &ids, out);
        }
    }
}

fn look(expr: &Expr, check: &CheckPlan, own: Option<&StepPlan>, ids: &Ids<'_>, out: &mut Diagnostics) {
    let Confidence::Level(confidence) = check.confidence else {
        return;
    };
    let ExprKind::Binary(op, left, right) = &expr.kind else {
        return;
    };
    let (subject, limit) = match op {
        BinaryOp::And => {
            look(left, check, own, ids, out);
            look(right, check, own, ids, out);
            return;
        }
        BinaryOp::Lt | BinaryOp::Le => (left, right),
        BinaryOp::Gt | BinaryOp::Ge => (right, left),
        _ => return,
    };
    let Some(sample) = sample(subject, limit, own, ids) else {
        return;
    };
    let Sample { n, share, step } = sample;
    let needed = ((1.0 - confidence).ln() / (1.0 - share).ln()).ceil();
    if (n as f64) < needed {
        let mut d = Diagnostic::warning(
            Code::TooFewSamples,
            format!(
                "a sample of {n} cannot prove this with {}% confidence, even if all of it is good",
                shown(confidence * 100.0)
            ),
        )
        .label(check.span, "can never pass")
        .help(format!(
            "at least {needed} are needed; or say `confidence: none` to compare the point estimate"
        ));
        if let Some(step) = step {
            d = d.label(step.span, format!("{n} requests"));
        }
        out.push(d);
    }
}

/// A sample whose size is known, and a limit on the share of its bad members.
struct Sample<'a> {
    n: u64,
    /// The share of bad members below which the comparison is proved.
    share: f64,
    /// The step that takes the sample, when it is not written in the check.
    step: Option<&'a StepPlan>,
}

fn sample<'a>(subject: &Expr, limit: &Expr, own: Option<&'a StepPlan>, ids: &Ids<'a>) -> Option<Sample<'a>> {
    if let ExprKind::Call { name, args, .. } = &subject.kind {
        let ("proportion", [_, n]) = (name.as_str(), args.as_slice()) else {
            return None;
        };
        let ExprKind::Literal(Value::Int(n)) = n.kind else {
            return None;
        };
        return Some(Sample {
            n: u64::try_from(n).ok()?,
            share: share(limit)?,
            step: None,
        });
    }
    let path = path(subject)?;
    let (first, rest) = path.split_first()?;
    let step = match *first {
        "." => own?,
        name => ids.get(name).copied()?,
    };
    let (last, before) = rest.split_last()?;
    let share = if let Some(Type::Distribution(_)) = field(&step.output, before) {
        let q = match *last {
            "p50" => 0.5,
            "p90" => 0.9,
            "p95" => 0.95,
            "p99" => 0.99,
            "p999" => 0.999,
            _ => return None,
        };
        1.0 - q
    } else if field(&step.output, rest)? == Type::Proportion {
        share(limit)?
    } else {
        return None;
    };
    Some(Sample {
        n: sample_size(step, rest)?,
        share,
        step: Some(step),
    })
}

/// A literal share that is neither nothing nor the whole.
fn share(limit: &Expr) -> Option<f64> {
    match &limit.kind {
        ExprKind::Literal(Value::Quantity(limit)) if limit.value > 0.0 && limit.value < 1.0 => {
            Some(limit.value)
        }
        _ => None,
    }
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
        Type::Map(t) => field(t, rest),
        _ => None,
    }
}

/// How many requests a step states, as far as it is literal: `requests`, the most that `on_inconclusive` may extend it
/// to, a burst; of a tag its part by weight.
fn sample_size(step: &StepPlan, rest: &[&str]) -> Option<u64> {
    let literal = |key: &str| match &step.params {
        Params::Literal(v) => v.get(key).cloned(),
        Params::Map(entries) => entries.iter().find_map(|(k, e)| match &e.value {
            Params::Literal(v) if k == key => Some(v.clone()),
            _ => None,
        }),
        Params::Text(_) | Params::List(_) => None,
    };
    let number = |key: &str, inner: &str| literal(key)?.get(inner)?.as_u64();
    let whole = number("on_inconclusive", "extend_to")
        .or_else(|| literal("requests")?.as_u64())
        .or_else(|| number("arrival", "burst"))?;
    match rest {
        ["tags", tag, ..] => {
            let mix = literal("mix")?;
            let weight =
                |kind: &serde_json::Value| kind.get("weight").map_or(Some(1), serde_json::Value::as_u64);
            let kinds = mix.as_array()?;
            let all: u64 = kinds.iter().map(weight).sum::<Option<u64>>()?;
            let one = kinds
                .iter()
                .find(|k| k.get("tag").and_then(|t| t.as_str()) == Some(tag))?;
            Some((whole * weight(one)?).div_ceil(all.max(1)))
        }
        ["phases" | "windows", ..] => None,
        _ => Some(whole),
    }
}

fn shown(percent: f64) -> String {
    let text = format!("{percent:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
