//! From a check to what must be computed over the table, and from the figures to a finding. Nothing is read here.
//!
//! Every check becomes expressions that give one value each, so that one scan serves all checks of a table, and a
//! function that judges those values. What takes more than one value a row to know (repeated values, quantiles, scores)
//! is counted on the way in memory that is bounded, and may ask for a further scan. Semantics are those of Great Expectations, with two departures: where no row
//! was looked at, the finding is inconclusive, and a column, type or bound that cannot be right is an error.

mod columns;
mod condition;
mod distribution;
mod figures;
mod levels;
mod literal;
mod looking;
mod plan;
pub mod proof;
mod ranks;
mod repeats;
mod rows;
mod scores;
mod seen;
mod sequence;
mod sets;
mod shape;
mod text;

pub use columns::Columns;
pub use levels::{Levels, limit};
pub use plan::{Elsewhere, plan};

use polars::prelude::{Expr, len};
use serde_json::Value as Json;

use crate::check::{Class, Failure};

/// More scans than any figure needs.
const SCANS: usize = 8;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub outcome: Outcome,
    /// One line: why.
    pub message: String,
    /// The figure or set that was looked at.
    pub observed: Option<Json>,
    /// How many rows there were, after `where`.
    pub rows: Option<u64>,
    /// How many of them were looked at.
    pub evaluated: Option<u64>,
    /// How many of those fail.
    pub failing: Option<u64>,
}

/// Whether a check holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    /// There was nothing to look at.
    Inconclusive,
}

/// From the figures to what was found.
pub type Judge = Box<dyn Fn(&[Json]) -> Finding + Send>;

/// A check that is ready to be computed.
pub struct Planned {
    /// One value each.
    pub figures: Vec<Expr>,
    /// Judges the values, in the same order.
    pub judge: Judge,
    /// How the rows that fail are found.
    pub failing: Option<Failing>,
    /// What has to be done with the figures before they are judged.
    pub settle: Option<Settle>,
}

/// From what a scan gave to what is next.
///
/// # Errors
/// One line: why the figures cannot be known.
pub type Settle = Box<dyn Fn(&[Json]) -> Result<Next, String> + Send>;

/// What comes after a scan.
pub enum Next {
    /// The figures are known.
    Judge(Vec<Json>),
    /// A further scan gives them, or what this one gave.
    Scan(Vec<Expr>),
}

/// The rows for which `is` holds, of those in `among`.
pub struct Failing {
    pub among: Option<Expr>,
    pub is: Expr,
}

impl Finding {
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            observed: None,
            rows: None,
            evaluated: None,
            failing: None,
        }
    }

    fn holds(is: bool, message: impl Into<String>) -> Self {
        Self::new(if is { Outcome::Passed } else { Outcome::Failed }, message)
    }

    /// Nothing was looked at, which the check may allow.
    fn nothing(allowed: bool, message: impl Into<String>) -> Self {
        let outcome = if allowed {
            Outcome::Passed
        } else {
            Outcome::Inconclusive
        };
        Self::new(outcome, message)
    }

    fn observed(mut self, value: Json) -> Self {
        self.observed = Some(value);
        self
    }
}

impl Planned {
    /// The figures as they are judged; `compute` evaluates expressions in a further scan.
    ///
    /// # Errors
    /// Those of `compute`; what cannot be known.
    pub fn settled(
        &self,
        found: &[Json],
        compute: impl Fn(&[Expr]) -> Result<Vec<Json>, Failure>,
    ) -> Result<Vec<Json>, Failure> {
        let mut found = found.to_vec();
        let Some(settle) = &self.settle else {
            return Ok(found);
        };
        let unknown = |why: &str| Failure::new(Class::Internal, format!("the figures are not known: {why}"));
        for _ in 0..SCANS {
            match settle(&found).map_err(|why| unknown(&why))? {
                Next::Judge(figures) => return Ok(figures),
                Next::Scan(wanted) => found = compute(&wanted)?,
            }
        }
        Err(unknown(&format!("{SCANS} scans did not find them")))
    }

    /// A check the columns alone decide.
    pub fn known(finding: Finding) -> Self {
        Self {
            figures: Vec::new(),
            judge: Box::new(move |_| finding.clone()),
            failing: None,
            settle: None,
        }
    }
}

/// A figure as a whole number; a sum over no rows is none.
fn count(value: Option<&Json>) -> u64 {
    value.and_then(Json::as_u64).unwrap_or(0)
}

/// How many rows `of` are.
fn count_where(of: Option<&Expr>) -> Expr {
    use polars::prelude::DataType;
    match of {
        None => len().cast(DataType::UInt64),
        Some(of) => of.clone().cast(DataType::UInt64).sum(),
    }
}

#[cfg(test)]
mod tests;
