//! Whether values grow or fall from row to row, found in the one scan of all checks.
//!
//! Pieces of rows come in no order. Of each is kept where it begins, its first and its last value, and how many of its
//! values do not follow the one before; when the scan is over the pieces are put in their order, and the last value of
//! each is held against the first of the next.

use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::{
    AnyValue, BooleanChunked, ChunkCompareIneq as _, Column, DataType, Expr, IntoColumn as _, PolarsResult,
    Series, lit,
};

use super::looking::looking_at_rows;

/// How values have to follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// They grow; otherwise they fall.
    pub up: bool,
    /// None is equal to the one before.
    pub strictly: bool,
}

/// The values of one check, shared by the threads of a scan.
#[derive(Clone, Debug)]
pub struct Sequence {
    way: Way,
    pieces: Arc<Mutex<Vec<Piece>>>,
}

/// Some rows that follow each other, at least one.
#[derive(Debug)]
struct Piece {
    /// The number of its first row.
    at: u64,
    values: u64,
    /// How many of them do not follow the one before.
    broken: u64,
    first: AnyValue<'static>,
    last: AnyValue<'static>,
    dtype: DataType,
}

impl Sequence {
    pub fn new(way: Way) -> Self {
        Self {
            way,
            pieces: Arc::default(),
        }
    }

    /// An expression that looks at each value of a column, where `among` holds, and gives how many it looked at. No such
    /// value is null.
    pub fn look(&self, column: Expr, among: Option<&Expr>) -> Expr {
        let sequence = self.clone();
        looking_at_rows(column, among, move |column, rows| {
            let values = column.len();
            if values == 0 {
                return Ok(0);
            }
            let broken = sequence.way.broken(column, &column.shift(1))?;
            let piece = Piece {
                at: rows.get(0)?.try_extract()?,
                values: values as u64,
                broken: broken.sum().unwrap_or_default().into(),
                first: column.get(0)?.into_static(),
                last: column.get(values - 1)?.into_static(),
                dtype: column.dtype().clone(),
            };
            let mut pieces = sequence.pieces.lock().unwrap_or_else(PoisonError::into_inner);
            pieces.push(piece);
            Ok(values as u64)
        })
    }

    /// How many of so many values do not follow the one before.
    ///
    /// # Errors
    /// One line, when another number of values was looked at.
    pub fn broken(&self, of: u64) -> Result<u64, String> {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pieces = std::mem::take(&mut *pieces);
        let looked_at: u64 = pieces.iter().map(|piece| piece.values).sum();
        if looked_at != of {
            return Err(format!(
                "{looked_at} values were looked at, there are {of}: did the table change while it was read?"
            ));
        }
        pieces.sort_unstable_by_key(|piece| piece.at);
        let within: u64 = pieces.iter().map(|piece| piece.broken).sum();
        let between = self.between(&pieces).map_err(|e| e.to_string())?;
        Ok(within + between)
    }

    /// How many pieces begin with a value that does not follow the last one of the piece before.
    fn between(&self, pieces: &[Piece]) -> PolarsResult<u64> {
        let [first, rest @ ..] = pieces else {
            return Ok(0);
        };
        let column = |values: Vec<AnyValue<'static>>| {
            let series = Series::from_any_values_and_dtype("".into(), &values, &first.dtype, true)?;
            PolarsResult::Ok(series.into_column())
        };
        let this = column(rest.iter().map(|piece| piece.first.clone()).collect())?;
        let before = column(
            pieces
                .iter()
                .take(rest.len())
                .map(|piece| piece.last.clone())
                .collect(),
        )?;
        let broken = self.way.broken(&this, &before)?;
        Ok(broken.sum().unwrap_or_default().into())
    }
}

impl Way {
    /// Which values of one column do not follow those of the other.
    fn broken(self, this: &Column, before: &Column) -> PolarsResult<BooleanChunked> {
        let (low, high) = self.sides(this, before);
        if self.strictly {
            low.lt_eq(high)
        } else {
            low.lt(high)
        }
    }

    /// Whether a row does not follow the one before, of rows that are filtered already.
    pub fn breaks(self, column: &Expr) -> Expr {
        let (low, high) = self.sides(column.clone(), column.clone().shift(lit(1)));
        if self.strictly {
            low.lt_eq(high)
        } else {
            low.lt(high)
        }
    }

    /// A value and the one before it, in the order in which the first is not to be the smaller one.
    fn sides<T>(self, this: T, before: T) -> (T, T) {
        if self.up { (this, before) } else { (before, this) }
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::{DataFrame, IntoLazy as _, LazyFrame, UnionArgs, col, concat, df};
    use serde_json::Value as Json;

    use super::*;
    use crate::tools::tables::{Opened, figures};

    /// How many values break the order, of a table in one piece and of the same in pieces of these sizes.
    fn broken(frame: &DataFrame, way: Way, sizes: &[usize]) -> Vec<u64> {
        let whole = frame.clone().lazy();
        let mut parts: Vec<LazyFrame> = Vec::new();
        let mut at = 0;
        for size in sizes {
            parts.push(frame.slice(at as i64, *size).lazy());
            at += size;
        }
        parts.push(frame.slice(at as i64, frame.height() - at).lazy());
        let parted = concat(parts, UnionArgs::default()).expect("one table");
        [whole, parted]
            .into_iter()
            .map(|mut lazy| {
                let opened = Opened {
                    schema: lazy.collect_schema().expect("a schema"),
                    frame: lazy,
                    name: "t".to_owned(),
                    ..Opened::default()
                };
                let sequence = Sequence::new(way);
                let among = col("v").is_not_null();
                let look = sequence.look(col("v"), Some(&among));
                let found = figures(&opened, &[look]).expect("figures");
                sequence
                    .broken(found.first().and_then(Json::as_u64).expect("a number"))
                    .expect("counted")
            })
            .collect()
    }

    #[test]
    fn values_are_held_against_their_neighbours_across_pieces() {
        let frame =
            df!("v" => [Some(1), None, Some(2), Some(2), None, Some(5), Some(4), None, None, Some(6)])
                .expect("a frame");
        for (up, strictly, wanted) in [
            (true, false, 1),
            (true, true, 2),
            (false, false, 3),
            (false, true, 4),
        ] {
            let way = Way { up, strictly };
            for sizes in [
                vec![],
                vec![1; 9],
                vec![1, 1, 1, 3],
                vec![2, 5, 2],
                vec![4, 1, 4],
                vec![7, 2],
            ] {
                assert_eq!(
                    broken(&frame, way, &sizes),
                    [wanted, wanted],
                    "{way:?} in pieces {sizes:?}"
                );
            }
        }
    }

    #[test]
    fn texts_and_times_and_odd_numbers_have_an_order() {
        let way = Way {
            up: true,
            strictly: true,
        };
        let texts = df!("v" => ["a", "ab", "b", "B", "c"]).expect("a frame");
        assert_eq!(broken(&texts, way, &[3]), [1, 1]);
        let numbers =
            df!("v" => [f64::NEG_INFINITY, -0.0, 0.0, 1.0, f64::INFINITY, f64::NAN]).expect("a frame");
        assert_eq!(broken(&numbers, way, &[2, 1]), [1, 1]);
        let times = df!("v" => [1_i64, 2, 2])
            .expect("a frame")
            .lazy()
            .select([col("v").cast(DataType::Datetime(polars::prelude::TimeUnit::Microseconds, None))]);
        assert_eq!(broken(&times.collect().expect("times"), way, &[1, 1]), [1, 1]);
    }

    #[test]
    fn many_pieces_of_a_stream_are_put_in_their_order() {
        let many = 1_000_000_i64;
        let values: Vec<i64> = (0..many).map(|i| if i % 250_000 == 7 { -1 } else { i }).collect();
        let frame = df!("v" => values).expect("a frame");
        let way = Way {
            up: true,
            strictly: true,
        };
        assert_eq!(broken(&frame, way, &[333_333, 1, 250_000]), [4, 4]);
    }

    #[test]
    fn nothing_and_other_values_than_there_are_is_told() {
        let sequence = Sequence::new(Way {
            up: true,
            strictly: false,
        });
        assert_eq!(sequence.broken(0), Ok(0));
        let why = sequence.broken(1).expect_err("nothing was looked at");
        assert!(why.contains("did the table change"), "{why}");
    }
}
