//! Rows of a table as rows of numbers of one scale.

use std::collections::BTreeMap;

use super::super::Unsuitable;
use super::super::frame::{Column, Frame, MISSING};

/// So many categories of a column are told apart; all others are one.
const CATEGORIES: usize = 20;
/// With more features than this, products of features are left out.
const FEATURES: usize = 300;

/// The rows of both tables, those of the first before those of the second. Numbers are scaled to mean 0 and variance 1
/// over both, a category is 1 in its own place, and where values are missing a place says so. What is the same in all
/// rows is left out.
///
/// # Errors
/// When nothing is left.
pub fn encode(a: &Frame, b: &Frame) -> Result<Vec<Vec<f64>>, Unsuitable> {
    let n = a.rows() + b.rows();
    let mut rows = vec![Vec::new(); n];
    for ((name, a), (_, b)) in a.0.iter().zip(&b.0) {
        match (a, b) {
            (Column::Numeric(a), Column::Numeric(b)) => {
                let values: Vec<f64> = a.iter().chain(b).copied().collect();
                let there: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
                push(&mut rows, &scaled(&values, &there));
                let missing: Vec<f64> = values.iter().map(|v| f64::from(!v.is_finite())).collect();
                push(&mut rows, &missing);
            }
            (Column::Categorical { .. }, Column::Categorical { .. }) => {
                let names: Vec<Option<&str>> = names(a).into_iter().chain(names(b)).collect();
                for place in places(&names) {
                    push(&mut rows, &place);
                }
            }
            _ => {
                return Err(Unsuitable::because(format!(
                    "the column `{name}` is numeric on one side only"
                )));
            }
        }
    }
    if rows.first().is_none_or(Vec::is_empty) {
        return Err(Unsuitable::because("no column has two different values"));
    }
    Ok(rows)
}

/// The features with their squares and the products of pairs, all scaled, so that a linear model sees spreads and
/// correlations; without products when those would be too many.
#[must_use]
pub fn with_products(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let base = rows.first().map_or(0, Vec::len);
    let column = |of: &dyn Fn(&[f64]) -> f64| {
        let values: Vec<f64> = rows.iter().map(|r| of(r)).collect();
        scaled(&values, &values)
    };
    let mut wide = vec![Vec::new(); rows.len()];
    for i in 0..base {
        push(&mut wide, &column(&|row| row[i]));
    }
    if base + base * (base + 1) / 2 <= FEATURES {
        for i in 0..base {
            for j in i..base {
                push(&mut wide, &column(&|row| row[i] * row[j]));
            }
        }
    }
    wide
}

/// Adds a feature to every row unless it is the same in all.
fn push(rows: &mut [Vec<f64>], values: &[f64]) {
    let differs = values.iter().any(|v| (v - values[0]).abs() > 1e-12);
    if differs {
        for (row, value) in rows.iter_mut().zip(values) {
            row.push(*value);
        }
    }
}

/// Scaled by the mean and the standard deviation of the values that are there; the others are 0.
fn scaled(values: &[f64], there: &[f64]) -> Vec<f64> {
    let n = there.len().max(1) as f64;
    let mean = there.iter().sum::<f64>() / n;
    let sd = (there.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scale = if sd > 0.0 { sd } else { f64::INFINITY };
    let one = |v: &f64| if v.is_finite() { (v - mean) / scale } else { 0.0 };
    values.iter().map(one).collect()
}

fn names(column: &Column) -> Vec<Option<&str>> {
    match column {
        Column::Numeric(_) => Vec::new(),
        Column::Categorical { codes, names } => codes
            .iter()
            .map(|code| {
                if *code == MISSING {
                    None
                } else {
                    names.get(*code as usize).map(String::as_str)
                }
            })
            .collect(),
    }
}

/// One place for each of the most frequent categories, one for the others, one for what is missing.
fn places(values: &[Option<&str>]) -> Vec<Vec<f64>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in values.iter().flatten() {
        *counts.entry(name).or_default() += 1;
    }
    let mut order: Vec<(&str, usize)> = counts.into_iter().collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let known: Vec<&str> = order.iter().take(CATEGORIES).map(|(name, _)| *name).collect();
    let place = |is: &dyn Fn(Option<&str>) -> bool| values.iter().map(|v| f64::from(is(*v))).collect();
    let mut all: Vec<Vec<f64>> = known.iter().map(|k| place(&|v| v == Some(*k))).collect();
    all.push(place(&|v| v.is_some_and(|v| !known.contains(&v))));
    all.push(place(&|v| v.is_none()));
    all
}
