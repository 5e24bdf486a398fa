//! Numbers of Prometheus, which are text without a unit, as values with one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{Bytes, Duration, Rate, Ratio};

/// What a query's numbers are. Prometheus does not know; the query's author does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share of one: 0.05 is 5%.
    Ratio,
    /// A share of a hundred: 5 is 5%.
    Percent,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// How many a second.
    PerSecond,
}

/// A number, and the same with its unit when the step says `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    /// The number as Prometheus gives it.
    pub value: f64,
    /// As a share, with `unit: ratio` or `percent`.
    pub ratio: Option<Ratio>,
    /// As a time span, with `unit: seconds` or `milliseconds`.
    pub duration: Option<Duration>,
    /// As a size, with `unit: bytes`.
    pub size: Option<Bytes>,
    /// As a rate, with `unit: per_second`.
    pub rate: Option<Rate>,
}

impl Measured {
    pub fn new(value: f64, unit: Option<Unit>) -> Self {
        let is = |wanted: &[Unit]| unit.is_some_and(|u| wanted.contains(&u));
        let scaled = match unit {
            Some(Unit::Percent) => value / 100.0,
            Some(Unit::Milliseconds) => value / 1000.0,
            _ => value,
        };
        Self {
            value,
            ratio: is(&[Unit::Ratio, Unit::Percent]).then_some(Ratio(scaled)),
            duration: is(&[Unit::Seconds, Unit::Milliseconds]).then_some(Duration(scaled)),
            size: is(&[Unit::Bytes]).then_some(Bytes(scaled)),
            rate: is(&[Unit::PerSecond]).then_some(Rate(scaled)),
        }
    }
}

/// Labels of a series, its name among them as `__name__` when the query keeps it.
pub type Labels = BTreeMap<String, String>;

/// A number of Prometheus' JSON: finite, or the text of one that is not.
///
/// # Errors
/// When the text is no number at all.
pub fn number(text: &str) -> Result<Result<f64, String>, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Ok(value)),
        Ok(_) => Ok(Err(text.to_owned())),
        Err(_) => Err(format!("`{text}` is no number")),
    }
}

/// `{job="api", instance="a"}`, for messages.
pub fn shown(labels: &Labels) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let others: Vec<String> = labels
        .iter()
        .filter(|(key, _)| *key != "__name__")
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    format!("{name}{{{}}}", others.join(", "))
}
