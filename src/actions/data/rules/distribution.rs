//! The distribution of a column against an expected one.
//!
//! The relative entropy sum(p ln(p/q)) of the observed shares p to the expected shares q, both scaled to the sum 1 as
//! `scipy.stats.entropy` does; tails and holdouts as in Great Expectations' `expect_column_kl_divergence_to_be_less_than`.

use polars::prelude::{DataType, Expr, lit};
use serde_json::Value as Json;

use super::columns::Columns;
use super::figures::counts;
use super::looking::masked;
use super::sets::{comparable, same, tally};
use super::{Finding, Planned, count, count_where};
use crate::actions::data::rule::{Check, KlDivergence};

pub fn kl_divergence(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &KlDivergence,
) -> Result<Planned, String> {
    for (name, share) in [
        ("tail_weight_holdout", rule.tail_weight_holdout),
        ("internal_weight_holdout", rule.internal_weight_holdout),
    ] {
        if !(0.0..=1.0).contains(&share) {
            return Err(format!("`{name}: {share}` is not between 0 and 1"));
        }
    }
    let tails = rule.tail_weights.map_or(0.0, |(a, b)| a + b);
    let sum = rule.weights.iter().sum::<f64>() + tails;
    if (sum - 1.0).abs() > 1e-5 {
        return Err(format!("the weights sum up to {sum}, not to 1"));
    }
    match (rule.bins.is_empty(), rule.values.is_empty()) {
        (false, true) => continuous(columns, check, scope, rule),
        (true, false) => categorical(columns, check, scope, rule),
        _ => Err("either `bins` or `values` is needed".to_owned()),
    }
}

fn categorical(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &KlDivergence,
) -> Result<Planned, String> {
    if rule.values.len() != rule.weights.len() {
        return Err("`values` and `weights` are not of one length".to_owned());
    }
    if rule.internal_weight_holdout > 0.0 || rule.tail_weights.is_some() {
        return Err("`internal_weight_holdout` and `tail_weights` belong to `bins`".to_owned());
    }
    let values = masked(comparable(columns, &rule.column)?, scope).drop_nulls();
    let [rows, evaluated] = counts(scope, &rule.column);
    let expected: Vec<(Json, f64)> = rule
        .values
        .iter()
        .cloned()
        .zip(rule.weights.iter().copied())
        .collect();
    let (holdout, max, allow_empty) = (rule.tail_weight_holdout, rule.max, check.allow_empty);
    Ok(Planned {
        figures: vec![
            rows,
            evaluated,
            values.clone().unique_stable().implode(true),
            values.unique_counts().cast(DataType::UInt64).implode(true),
        ],
        judge: Box::new(move |figures| {
            let mut found = tally(figures.get(2), figures.get(3));
            let (mut observed, mut wanted) = (Vec::new(), Vec::new());
            for (value, weight) in &expected {
                let at = found.iter().position(|(v, _)| same(v, value));
                observed.push(at.map_or(0.0, |at| found.swap_remove(at).1 as f64));
                wanted.push(*weight);
            }
            if !found.is_empty() {
                for weight in &mut wanted {
                    *weight *= 1.0 - holdout;
                }
                let each = holdout / found.len() as f64;
                for (_, n) in &found {
                    observed.push(*n as f64);
                    wanted.push(each);
                }
            }
            judge(figures, entropy(&observed, &wanted), max, allow_empty)
        }),
        failing: None,
        settle: None,
    })
}

fn continuous(
    columns: Columns<'_>,
    check: &Check,
    scope: Option<&Expr>,
    rule: &KlDivergence,
) -> Result<Planned, String> {
    let mut edges = Vec::new();
    for edge in &rule.bins {
        let edge = edge
            .as_f64()
            .or_else(|| match edge.as_str() {
                Some("-inf") => Some(f64::NEG_INFINITY),
                Some("inf") => Some(f64::INFINITY),
                _ => None,
            })
            .ok_or_else(|| format!("{edge} is not the edge of a bin"))?;
        edges.push(edge);
    }
    if edges.len() != rule.weights.len() + 1 || edges.windows(2).any(|w| w[0] >= w[1]) {
        return Err("`bins` must grow and have one edge more than `weights`".to_owned());
    }
    let (first, last) = (edges[0], edges[edges.len() - 1]);
    let open = (first.is_infinite(), last.is_infinite());
    if rule.tail_weights.is_some() && (open.0 || open.1) {
        return Err("`tail_weights` do not go with bins that reach to infinity".to_owned());
    }
    if rule.tail_weight_holdout > 0.0 && open.0 && open.1 {
        return Err("`tail_weight_holdout` does not go with bins that reach to infinity".to_owned());
    }
    let kept = 1.0 - rule.tail_weight_holdout - rule.internal_weight_holdout;
    let mut wanted: Vec<f64> = rule.weights.iter().map(|w| w * kept).collect();
    let empty = wanted.iter().filter(|w| **w == 0.0).count();
    if empty > 0 && rule.internal_weight_holdout > 0.0 {
        let each = rule.internal_weight_holdout / empty as f64;
        wanted.iter_mut().filter(|w| **w == 0.0).for_each(|w| *w = each);
    }
    let holdout = rule.tail_weight_holdout;
    let (low, high) = match (rule.tail_weights, open) {
        (Some((low, high)), _) => (Some(low), Some(high)),
        (None, (true, true)) => (None, None),
        (None, (true, false)) => (None, Some(holdout)),
        (None, (false, true)) => (Some(holdout), None),
        (None, (false, false)) => (Some(holdout / 2.0), Some(holdout / 2.0)),
    };
    let value = masked(columns.number(&rule.column)?.cast(DataType::Float64), scope);
    let [rows, evaluated] = counts(scope, &rule.column);
    let mut figures = vec![rows, evaluated];
    let mut all = Vec::new();
    if let Some(low) = low {
        figures.push(count_where(Some(&value.clone().lt(lit(first)))));
        all.push(low);
    }
    for (i, pair) in edges.windows(2).enumerate() {
        let upper = if i + 2 == edges.len() {
            value.clone().lt_eq(lit(pair[1]))
        } else {
            value.clone().lt(lit(pair[1]))
        };
        figures.push(count_where(Some(&value.clone().gt_eq(lit(pair[0])).and(upper))));
        all.push(wanted[i]);
    }
    if let Some(high) = high {
        figures.push(count_where(Some(&value.gt(lit(last)))));
        all.push(high);
    }
    let (max, allow_empty) = (rule.max, check.allow_empty);
    Ok(Planned {
        figures,
        judge: Box::new(move |figures| {
            let observed: Vec<f64> = figures.iter().skip(2).map(|n| count(Some(n)) as f64).collect();
            judge(figures, entropy(&observed, &all), max, allow_empty)
        }),
        failing: None,
        settle: None,
    })
}

fn judge(figures: &[Json], divergence: f64, max: Option<f64>, allow_empty: bool) -> Finding {
    let (rows, evaluated) = (count(figures.first()), count(figures.get(1)));
    let mut finding = if evaluated == 0 {
        Finding::nothing(allow_empty, format!("no value in {rows} rows"))
    } else if divergence.is_finite() {
        let holds = max.is_none_or(|max| divergence <= max);
        Finding::holds(holds, format!("is {divergence:.6}, from {evaluated} values"))
            .observed(Json::from(divergence))
    } else {
        Finding::holds(false, "is infinite: values are where none is expected")
    };
    finding.rows = Some(rows);
    finding.evaluated = Some(evaluated);
    finding
}

/// The relative entropy of counts or shares, both scaled to the sum 1, in nats.
fn entropy(observed: &[f64], expected: &[f64]) -> f64 {
    let (p, q) = (observed.iter().sum::<f64>(), expected.iter().sum::<f64>());
    observed
        .iter()
        .zip(expected)
        .map(|(o, e)| (o / p, e / q))
        .map(|(o, e)| if o == 0.0 { 0.0 } else { o * (o / e).ln() })
        .sum()
}
