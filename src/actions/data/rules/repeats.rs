//! Which values stand in a column, or in several together, more than once, and how many different ones there are: in
//! memory that does not grow with the rows.
//!
//! Whole numbers are tried with two bits for each ([`Seen`]). Where they are scattered, and for everything else,
//! their prints are counted ([`Prints`]), which takes a further scan only in the first case.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use polars::chunked_array::ops::row_encode::_get_rows_encoded_unordered;
use polars::prelude::{Column, Expr, PolarsResult};

use super::looking::{asking, looking};
use super::seen::Seen;
use crate::tools::tables::{Counted, Prints, Room, print};

/// What counts the values of one check.
#[derive(Clone, Debug)]
pub struct Repeats {
    seen: Option<Seen>,
    /// The prints, or why they could not be kept.
    prints: Arc<Mutex<Result<Prints, String>>>,
    counted: Arc<OnceLock<Counted>>,
}

/// How many values there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Different ones.
    pub different: u64,
    /// Those that stand there more than once, every member of a group counted.
    pub repeated: u64,
}

impl Repeats {
    /// For values that are `numbers`, that is whole ones, or anything.
    pub fn new(numbers: bool, room: &Room) -> Self {
        Self {
            seen: numbers.then(Seen::default),
            prints: Arc::new(Mutex::new(Ok(Prints::new(room.clone())))),
            counted: Arc::new(OnceLock::new()),
        }
    }

    /// Looks at the values of some rows in the scan of all checks.
    pub fn first(&self, values: Expr, among: Option<&Expr>) -> Expr {
        match &self.seen {
            Some(seen) => seen.of(values, among),
            None => self.again(values, among),
        }
    }

    /// Looks at them in a further scan, after [`Repeats::counts`] gave none.
    pub fn again(&self, values: Expr, among: Option<&Expr>) -> Expr {
        let prints = Arc::clone(&self.prints);
        looking(values, among, move |column| {
            let found = prints_of(column)?;
            let looked_at = found.len() as u64;
            let mut state = prints.lock().unwrap_or_else(PoisonError::into_inner);
            if let Ok(prints) = &mut *state
                && let Err(why) = prints.add(found)
            {
                *state = Err(why);
            }
            Ok(looked_at)
        })
    }

    /// The counts of so many values; none when they have to be looked at again.
    ///
    /// # Errors
    /// One line: what could not be kept, or that another number of values was looked at.
    pub fn counts(&self, of: u64) -> Result<Option<Counts>, String> {
        if let Some(found) = self.seen.as_ref().and_then(|seen| seen.counts(of)) {
            return Ok(Some(found));
        }
        let mut state = self.prints.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = state.as_mut().map_err(|why| why.clone())?.count()?;
        if counted.looked_at == 0 && of > 0 && self.seen.is_some() {
            return Ok(None);
        }
        if counted.looked_at != of {
            return Err(format!(
                "{} values were looked at, there are {of}: did the table change while it was read?",
                counted.looked_at
            ));
        }
        let counts = Counts {
            different: counted.different,
            repeated: counted.repeated,
        };
        let _ = self.counted.set(counted);
        Ok(Some(counts))
    }

    /// Whether a value is repeated, after it was counted; of more than a million repeated values, the first are known.
    pub fn repeated(&self, values: Expr) -> Expr {
        let all = self.clone();
        asking(values, move |column| match (all.counted.get(), &all.seen) {
            (Some(counted), _) => Ok(prints_of(column)?
                .into_iter()
                .map(|print| counted.repeats(print))
                .collect()),
            (None, Some(seen)) => seen.repeated(column),
            (None, None) => Ok(vec![false; column.len()]),
        })
    }
}

/// The print of each value, nulls among them. Equal values have one form here: 0 and -0, and every NaN, are equal.
fn prints_of(column: &Column) -> PolarsResult<Vec<u128>> {
    let rows = _get_rows_encoded_unordered(std::slice::from_ref(column))?;
    Ok(rows.iter().map(print).collect())
}
