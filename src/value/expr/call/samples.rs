//! Functions that make estimates.

use std::sync::Arc;

use super::super::eval::{EvalError, quantile};
use super::super::functions::Builtin;
use super::super::operate::{Problem, point};
use super::Call;
use crate::value::{Dimension, Distribution, Estimate, Proportion, Series, Value};

pub(super) fn run(call: &Call<'_>) -> Result<Value, EvalError> {
    match call.which {
        Builtin::Proportion => {
            let (k, n) = (whole(call, 0)?, whole(call, 1)?);
            if k > n {
                return Err(call.wrong(Problem::new(format!("{k} cannot be out of {n}"))));
            }
            Ok(Value::Estimate(Estimate::Proportion(Proportion { k, n })))
        }
        Builtin::Quantile => {
            let sample = sample(call)?;
            match &*call.value(1)? {
                Value::Quantity(q) if q.dimension == Dimension::Ratio && q.value > 0.0 && q.value < 1.0 => {
                    Ok(quantile(&sample, q.value))
                }
                other => Err(call.unfit(1, "a ratio between 0% and 100%", other)),
            }
        }
        Builtin::ShareAbove => {
            let sample = sample(call)?;
            let limit = call.value(1)?;
            match &*point(&limit).map_err(|problem| call.wrong(problem))? {
                Value::Quantity(limit) if limit.dimension == sample.dimension() => {
                    Ok(Value::Estimate(above(&sample, limit.value)))
                }
                other => Err(call.unfit(1, &format!("a limit, {}", sample.dimension()), other)),
            }
        }
        Builtin::PairedRatio => paired(call),
        _ => distribution(call),
    }
}

/// The ratios of two lists of one length and one dimension.
fn paired(call: &Call<'_>) -> Result<Value, EvalError> {
    let (first, first_dimension) = measured(call, 0)?;
    let (second, second_dimension) = measured(call, 1)?;
    if first.len() != second.len() {
        return Err(call.wrong(Problem::new(format!(
            "{} and {} values are no pairs",
            first.len(),
            second.len()
        ))));
    }
    if first_dimension != second_dimension {
        return Err(call.wrong(Problem::new("the two lists are not of one dimension".to_owned())));
    }
    if first.is_empty() {
        return Err(call.wrong(Problem::nothing("a ratio of no pairs says nothing")));
    }
    Ok(Value::Estimate(Estimate::Paired(
        first.into_iter().zip(second).collect(),
    )))
}

/// The positive numbers of a list, and what they measure.
fn measured(call: &Call<'_>, i: usize) -> Result<(Vec<f64>, Option<Dimension>), EvalError> {
    let list = call.value(i)?;
    let Value::List(items) = &*list else {
        return Err(call.unfit(i, "a list", &list));
    };
    let mut dimension = None;
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let (value, own) = match item {
            Value::Quantity(q) => (q.value, Some(q.dimension.clone())),
            Value::Int(n) => (*n as f64, None),
            Value::Float(x) => (*x, None),
            other => return Err(call.unfit(i, "measured values", other)),
        };
        if !(value.is_finite() && value > 0.0) {
            return Err(call.wrong(Problem::new(format!("{item} has no ratio to another value"))));
        }
        if values.is_empty() {
            dimension = own;
        } else if dimension != own {
            return Err(call.wrong(Problem::new("the values are not of one dimension".to_owned())));
        }
        values.push(value);
    }
    Ok((values, dimension))
}

/// The share above a limit, with what is known of how the sample was taken.
fn above(sample: &Distribution, limit: f64) -> Estimate {
    let (k, n) = (sample.above(limit), sample.count());
    match &sample.taken {
        None => Estimate::Proportion(Proportion { k, n }),
        Some(taken) => Estimate::Series(Series {
            k,
            n,
            pairs: taken.pairs(|value| value > limit),
            looks: taken.looks,
        }),
    }
}

fn sample(call: &Call<'_>) -> Result<Arc<Distribution>, EvalError> {
    match &*call.value(0)? {
        Value::Distribution(sample) => Ok(sample.clone()),
        other => Err(call.unfit(0, "a sample", other)),
    }
}

fn whole(call: &Call<'_>, i: usize) -> Result<u64, EvalError> {
    let value = call.value(i)?;
    let whole = match &*value {
        Value::Int(count) => u64::try_from(*count).ok(),
        _ => None,
    };
    whole.ok_or_else(|| call.unfit(i, "counts", &value))
}

fn distribution(call: &Call<'_>) -> Result<Value, EvalError> {
    let list = call.value(0)?;
    let Value::List(items) = &*list else {
        return Err(call.unfit(0, "a list", &list));
    };
    let mut dimension = None;
    let mut missing = 0;
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Null => missing += 1,
            Value::Quantity(q) if *dimension.get_or_insert_with(|| q.dimension.clone()) == q.dimension => {
                values.push(q.value);
            }
            other => return Err(call.unfit(0, "quantities of one dimension", other)),
        }
    }
    match dimension {
        Some(dimension @ Dimension::Money(_)) => Err(call.wrong(Problem::new(format!(
            "a sample is of durations, bytes, ratios, rates or throughputs, not of {dimension}"
        )))),
        Some(dimension) => Ok(Value::Distribution(Arc::new(Distribution::of(
            &dimension, values, missing,
        )))),
        None => Err(call.wrong(Problem::nothing("a sample of nothing says nothing"))),
    }
}
