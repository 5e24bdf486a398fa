//! A ratio of pairs against a limit: Student's t on the mean of the logarithms.

use serde_json::json;

use super::estimate::{percent, quantity};
use super::shown;
use crate::check::{CheckOutcome, Verdict};
use crate::stats::paired::ratio;
use crate::value::Dimension;
use crate::value::expr::BinaryOp;

/// Tests `ratio op limit`, with a risk for each side.
pub(super) fn test(pairs: &[(f64, f64)], op: BinaryOp, limit: f64, show: f64, refute: f64) -> CheckOutcome {
    let claim = format!("{} {}", shown::sign(op), quantity(limit, &Dimension::Ratio));
    let upward = match op {
        BinaryOp::Lt | BinaryOp::Le => false,
        BinaryOp::Gt | BinaryOp::Ge => true,
        _ => {
            return CheckOutcome::new(
                Verdict::Errored,
                "a ratio of pairs can only be held against a limit with <, <=, > or >=",
            );
        }
    };
    let (Some(to_show), Some(to_refute)) = (ratio(pairs, 1.0 - show), ratio(pairs, 1.0 - refute)) else {
        let single = pairs
            .first()
            .map(|(a, b)| quantity(b / a, &Dimension::Ratio))
            .unwrap_or_default();
        return CheckOutcome::new(
            Verdict::Inconclusive,
            format!(
                "{single}, 1 of 1: one pair has no spread to judge by; measure five, or say `confidence: none`"
            ),
        );
    };
    // The bound that must lie on the right side of the limit, to show the claim and to refute it.
    let (shows, refutes) = if upward {
        (to_show.lower, to_refute.upper)
    } else {
        (to_show.upper, to_refute.lower)
    };
    let beyond = |bound: f64, up: bool| if up { bound > limit } else { bound < limit };
    let verdict = if beyond(shows, upward) {
        Verdict::Passed
    } else if beyond(refutes, !upward) {
        Verdict::Failed
    } else {
        Verdict::Inconclusive
    };
    let (bound, risk) = if verdict == Verdict::Failed {
        (refutes, refute)
    } else {
        (shows, show)
    };
    let mean = quantity(to_show.mean, &Dimension::Ratio);
    let side = if upward == (verdict != Verdict::Failed) {
        "at least"
    } else {
        "at most"
    };
    let what = format!(
        "{side} {} with {} confidence, from {} pairs",
        percent(bound),
        percent(1.0 - risk),
        pairs.len()
    );
    let mut outcome = CheckOutcome::new(
        verdict,
        match verdict {
            Verdict::Passed => format!("the ratio is {mean}, {claim}: {what}"),
            Verdict::Failed => format!("the ratio is {mean}, not {claim}: {what}"),
            _ => format!("the ratio is {mean}, neither {claim} nor the contrary: {what}; measure more pairs"),
        },
    );
    for (key, value) in [
        ("method", json!("paired log ratio, Student's t")),
        ("n", json!(pairs.len())),
        ("mean", json!(to_show.mean)),
        ("bound", json!(bound)),
        ("confidence", json!(1.0 - risk)),
    ] {
        outcome.statistics.insert(key.to_owned(), value);
    }
    outcome
}
