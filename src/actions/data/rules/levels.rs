//! Limits on what a rule measured, in two levels: `warn_if` and `fail_if`.
//!
//! Both are conditions in the expression language over the names below. They are read and typed before the run, since
//! parameters hold them as they are; here is nothing about how the figures come to be.

use serde_json::Value as Json;

use super::{Finding, Outcome};
use crate::actions::data::rule::Check;
use crate::event::Severity;
use crate::value::expr::{Expr, Scope, TypeScope, check_condition, eval, parse};
use crate::value::{Dimension, Quantity, Type, Value};

/// What a rule measures, by which its limits can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Rows that fail: `failing`, `evaluated`, `rows`, `share`, `share_of_rows`.
    Rows,
    /// A number: `value`, and where there are some `evaluated` and `rows`.
    Number,
    /// A share between 0% and 100%: `value`.
    Share,
    /// A number, a text or a time: `value`.
    Own,
    /// Nothing that a limit could be written on.
    Nothing,
}

impl Measure {
    /// What the rule with this key measures.
    #[must_use]
    pub fn of(rule: &str) -> Self {
        match rule {
            "not_null" | "is_null" | "unique" | "unique_within_row" | "between" | "in_set" | "not_in_set"
            | "pairs_in_set" | "matches" | "not_matches" | "like" | "not_like" | "format" | "json_schema"
            | "length" | "compare" | "row_sum" | "expression" | "increasing" | "decreasing" | "z_score"
            | "references" => Self::Rows,
            "row_count" | "column_count" | "distinct_count" | "mean" | "median" | "sum" | "stddev"
            | "quantile" | "kl_divergence" => Self::Number,
            "null_fraction" | "unique_proportion" => Self::Share,
            "min" | "max" => Self::Own,
            _ => Self::Nothing,
        }
    }

    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Rows => &["failing", "evaluated", "rows", "share", "share_of_rows"],
            Self::Number | Self::Share | Self::Own => &["value", "evaluated", "rows"],
            Self::Nothing => &[],
        }
    }
}

impl TypeScope for Measure {
    fn type_of(&self, name: &str) -> Option<Type> {
        if !self.words().contains(&name) {
            return None;
        }
        Some(match (name, self) {
            ("failing" | "evaluated" | "rows", _) => Type::Int,
            ("share" | "share_of_rows", _) | ("value", Self::Share) => Type::Quantity(Dimension::Ratio),
            ("value", Self::Number) => Type::Number,
            _ => Type::Any,
        })
    }

    fn names(&self) -> Vec<String> {
        self.words().iter().map(|n| (*n).to_owned()).collect()
    }
}

/// The limits of one check.
#[derive(Clone, Debug, Default)]
pub struct Levels {
    measure: Option<Measure>,
    warn: Option<Expr>,
    fail: Option<Expr>,
}

impl Levels {
    /// Reads the limits of a check whose rule has this key.
    ///
    /// # Errors
    /// The first mistake.
    pub fn of(check: &Check, rule: &str) -> Result<Self, String> {
        let read = |text: &Option<String>, key: &str| match text {
            None => Ok(None),
            Some(text) => limit(text, key, rule).map(Some),
        };
        let (warn, fail) = (read(&check.warn_if, "warn_if")?, read(&check.fail_if, "fail_if")?);
        if fail.is_some() && check.max_failing.is_some() {
            return Err("`fail_if` and `max_failing` both say when it fails: give one".to_owned());
        }
        let measure = (warn.is_some() || fail.is_some()).then(|| Measure::of(rule));
        Ok(Self { measure, warn, fail })
    }

    /// The finding as the limits judge it, and what it weighs. Where nothing was looked at, nothing is judged.
    ///
    /// # Errors
    /// A limit that does not fit what was measured.
    pub fn judge(&self, mut finding: Finding, severity: Severity) -> Result<(Finding, Severity), String> {
        let Some(measure) = self.measure else {
            return Ok((finding, severity));
        };
        if finding.outcome == Outcome::Inconclusive || finding.evaluated == Some(0) {
            return Ok((finding, severity));
        }
        let measured = Measured {
            measure,
            finding: &finding,
        };
        let holds = |limit: &Option<Expr>| match limit {
            None => Ok(None),
            Some(limit) => match eval(limit, &measured) {
                Ok(Value::Bool(holds)) => Ok(Some(holds)),
                Ok(other) => Err(format!(
                    "`{limit}` is neither true nor false but {}",
                    other.describe()
                )),
                Err(e) => Err(format!("`{limit}`: {}", e.message)),
            },
        };
        let (fails, warns) = (holds(&self.fail)?, holds(&self.warn)?);
        if let Some(fails) = fails {
            finding.outcome = if fails { Outcome::Failed } else { Outcome::Passed };
        }
        let said = |finding: &Finding, limit: &Option<Expr>, word: &str| {
            let text = limit.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{}; {word}: {text}", finding.message)
        };
        if finding.outcome == Outcome::Failed {
            if fails.is_some() {
                finding.message = said(&finding, &self.fail, "fails if");
            }
            return Ok((finding, severity));
        }
        if warns == Some(true) {
            finding.message = said(&finding, &self.warn, "warns if");
            finding.outcome = Outcome::Failed;
            return Ok((finding, severity.min(Severity::Warning)));
        }
        Ok((finding, severity))
    }
}

/// Reads and types one limit of a rule.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn limit(text: &str, key: &str, rule: &str) -> Result<Expr, String> {
    let measure = Measure::of(rule);
    if measure == Measure::Nothing {
        return Err(format!(
            "`{key}` does not go with `{rule}`, which measures nothing"
        ));
    }
    let tree = parse(text).map_err(|e| format!("`{key}: {text}`: {}", e.message))?;
    check_condition(&tree, &measure).map_err(|found| {
        let (message, help) = found
            .into_iter()
            .next()
            .map(|f| (f.message, f.help))
            .unwrap_or_default();
        let known = measure.words().join(", ");
        let help = help.unwrap_or_else(|| format!("it may speak of {known}"));
        format!("`{key}: {text}`: {message} ({help})")
    })?;
    Ok(tree)
}

/// What was measured, as names.
struct Measured<'a> {
    measure: Measure,
    finding: &'a Finding,
}

impl Scope for Measured<'_> {
    fn value_of(&self, name: &str) -> Option<Value> {
        let whole = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok()).map(Value::Int);
        let share = |of: Option<u64>| {
            let (failing, of) = (self.finding.failing?, of?);
            let share = if of == 0 { 0.0 } else { failing as f64 / of as f64 };
            Some(Value::Quantity(Quantity::new(share, Dimension::Ratio)))
        };
        match name {
            "failing" => whole(self.finding.failing),
            "evaluated" => whole(self.finding.evaluated),
            "rows" => whole(self.finding.rows),
            "share" => share(self.finding.evaluated),
            "share_of_rows" => share(self.finding.rows),
            "value" => {
                let observed = self.finding.observed.as_ref()?;
                match (self.measure, observed) {
                    (Measure::Share, Json::Number(n)) => {
                        Some(Value::Quantity(Quantity::new(n.as_f64()?, Dimension::Ratio)))
                    }
                    _ => Value::from_json(observed, &Type::Any).ok(),
                }
            }
            _ => None,
        }
    }
}
