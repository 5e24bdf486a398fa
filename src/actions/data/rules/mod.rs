//! From a check to what must be computed over the table, and from the figures to a finding. Pure: nothing is read.
//!
//! Every check becomes expressions that give one value each, so that one scan serves all checks of a table, and a
//! function that judges those values. Semantics are those of Great Expectations, with two departures: where no row
//! was looked at, the finding is inconclusive, and a column, type or bound that cannot be right is an error.

mod columns;
mod condition;
mod distribution;
mod figures;
mod levels;
mod literal;
mod plan;
pub mod proof;
mod rows;
mod seen;
mod sets;
mod shape;
mod text;

pub use columns::Columns;
pub use levels::{Levels, limit};
pub use plan::{Elsewhere, plan};

use polars::prelude::{Expr, len};
use serde_json::Value as Json;

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

/// From what a scan gave to figures; none when they are not known.
pub type Figures = Box<dyn Fn(&[Json]) -> Option<Vec<Json>> + Send>;

/// Figures that are known only when the scan is over, or have to be found another way.
pub struct Settle {
    /// From what the scan gave to the figures; none when they are not known.
    pub figures: Figures,
    /// What gives them then.
    pub otherwise: Vec<Expr>,
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

    fn observed(mut self, value: Json) -> Self {
        self.observed = Some(value);
        self
    }
}

impl Planned {
    /// The figures as they are judged; `compute` evaluates expressions in a further scan.
    ///
    /// # Errors
    /// Those of `compute`.
    pub fn settled<E>(
        &self,
        found: &[Json],
        compute: impl FnOnce(&[Expr]) -> Result<Vec<Json>, E>,
    ) -> Result<Vec<Json>, E> {
        match &self.settle {
            None => Ok(found.to_vec()),
            Some(settle) => match (settle.figures)(found) {
                Some(figures) => Ok(figures),
                None => compute(&settle.otherwise),
            },
        }
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
