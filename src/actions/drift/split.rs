//! Halves of one table, to see what a detector says when nothing changed.

use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Class, Failure, ParamProblem};
use crate::stats::drift::frame::{Column, disjoint, disjoint_blocks};

/// How many rows the two sides get.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// Rows of the side that plays the reference.
    #[schemars(range(min = 2))]
    reference: usize,
    /// Rows of the side that plays the current table.
    #[schemars(range(min = 2))]
    current: usize,
}

/// How two sides are drawn from one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Two sets of rows without a common one.
    #[default]
    DisjointSplit,
    /// The same with all rows of one value of `block` on one side: for rows that depend on each other, such as those
    /// of one day or one customer.
    BlockSplit,
    /// Refused: drawing the current side from the very rows it is compared with hides false alarms.
    Bootstrap,
}

/// A way to draw two sides.
#[derive(Clone, Debug)]
pub struct Split {
    rows: usize,
    block: Option<Column>,
    pub reference: usize,
    pub current: usize,
    /// Whether the table has fewer rows than were asked for.
    pub shrunk: bool,
}

/// How many rows the sides get; with whole blocks, about so many.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Used {
    /// Rows of the side that plays the reference.
    reference: usize,
    /// Rows of the side that plays the current table.
    current: usize,
    /// Whether the table was too small for the sizes that were asked for, so that both were made smaller.
    shrunk: bool,
}

impl Split {
    /// Fits the sizes to the table; halves when none are given.
    pub fn new(rows: usize, sizes: Option<Sizes>, block: Option<Column>) -> Result<Self, Failure> {
        let (mut reference, mut current) =
            sizes.map_or((rows / 2, rows - rows / 2), |s| (s.reference, s.current));
        let wanted = reference.saturating_add(current);
        let shrunk = wanted > rows;
        if shrunk {
            // The same proportion, as large as the table allows.
            reference = (reference as f64 / wanted as f64 * rows as f64).floor() as usize;
            current = rows - reference;
        }
        if reference < 2 || current < 2 {
            return Err(Failure::new(
                Class::UnreadableAnswer,
                format!("a table of {rows} rows cannot be split into two sides"),
            ));
        }
        Ok(Self {
            rows,
            block,
            reference,
            current,
            shrunk,
        })
    }

    pub fn draw(&self, rng: &mut StdRng) -> (Vec<usize>, Vec<usize>) {
        match &self.block {
            None => disjoint(self.rows, self.reference, self.current, rng),
            Some(block) => disjoint_blocks(block, self.reference, self.current, rng),
        }
    }

    pub const fn used(&self) -> Used {
        Used {
            reference: self.reference,
            current: self.current,
            shrunk: self.shrunk,
        }
    }
}

/// What is wrong with a scheme and its block.
pub fn problems(params: &serde_json::Value) -> Vec<ParamProblem> {
    let scheme = params.get("scheme").and_then(serde_json::Value::as_str);
    let problem = |key: &str, message: &str, help: Option<&str>| ParamProblem {
        pointer: format!("/{key}"),
        key: None,
        message: message.to_owned(),
        help: help.map(str::to_owned),
    };
    match (scheme, params.get("block").is_some()) {
        (Some("bootstrap"), _) => vec![problem(
            "scheme",
            "`bootstrap` draws the current side from the rows it is compared with, which hides false alarms: a \
             detector that is wrong in 30% of the cases looks as if it were wrong in 4%",
            Some("use `disjoint_split`"),
        )],
        (Some("block_split"), false) => vec![problem(
            "scheme",
            "`block_split` needs `block`, the column whose rows stay together",
            None,
        )],
        (None | Some("disjoint_split"), true) => vec![problem(
            "block",
            "`block` has no meaning without `scheme: block_split`",
            None,
        )],
        _ => Vec::new(),
    }
}
