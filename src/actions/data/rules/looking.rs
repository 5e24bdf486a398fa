//! Looking at each value of a column on its way through a scan.

use polars::prelude::{
    BooleanChunked, Column, DataType, Expr, Field, IntoColumn, NULL, PolarsResult, Schema, UInt64Chunked,
    lit, when,
};

use crate::tools::tables::row_number;

/// An expression that shows each piece of a column, its rows that are not `among` left out, to `look` and gives the sum
/// of what it answers: how many values it looked at. Pieces come in no order, each once; who looks compares the sum
/// with the number of values there are.
///
/// The rows are left out here and not by a filter, which would make a stream of its own: streams of a scan that differ
/// in speed are held in memory, all of them.
pub fn looking(
    column: Expr,
    among: Option<&Expr>,
    look: impl Fn(&Column) -> PolarsResult<u64> + Send + Sync + 'static,
) -> Expr {
    let others: Vec<Expr> = among.into_iter().cloned().collect();
    pieces(column, &others, move |columns| match columns {
        [column, among] => look(&column.filter(among.bool()?)?),
        [column, ..] => look(column),
        [] => Ok(0),
    })
}

/// The same with the numbers of the rows beside their values. A piece is of rows that follow each other.
pub fn looking_at_rows(
    column: Expr,
    among: Option<&Expr>,
    look: impl Fn(&Column, &Column) -> PolarsResult<u64> + Send + Sync + 'static,
) -> Expr {
    let others: Vec<Expr> = [row_number()].into_iter().chain(among.cloned()).collect();
    pieces(column, &others, move |columns| match columns {
        [column, rows, among] => {
            let among = among.bool()?;
            look(&column.filter(among)?, &rows.filter(among)?)
        }
        [column, rows, ..] => look(column, rows),
        _ => Ok(0),
    })
}

/// The sum of what `look` answers to each piece of some columns.
fn pieces(
    column: Expr,
    others: &[Expr],
    look: impl Fn(&[Column]) -> PolarsResult<u64> + Send + Sync + 'static,
) -> Expr {
    let piece = move |columns: &mut [Column]| -> PolarsResult<Column> {
        let (name, length) = (columns[0].name().clone(), columns[0].len());
        let looked_at = look(columns)?;
        let mut out = vec![0_u64; length];
        if let Some(first) = out.first_mut() {
            *first = looked_at;
        }
        Ok(UInt64Chunked::from_vec(name, out).into_column())
    };
    let kind = |_: &Schema, fields: &[Field]| Ok(Field::new(fields[0].name().clone(), DataType::UInt64));
    column.map_many(piece, others, kind).sum()
}

/// The column with nulls in the rows that are not `among`.
pub fn masked(column: Expr, among: Option<&Expr>) -> Expr {
    match among {
        None => column,
        Some(among) => when(among.clone()).then(column).otherwise(lit(NULL)),
    }
}

/// An expression that asks of each value of a column whether it is one of those that are looked for.
pub fn asking(
    column: Expr,
    ask: impl Fn(&Column) -> PolarsResult<BooleanChunked> + Send + Sync + 'static,
) -> Expr {
    let piece = move |column: Column| -> PolarsResult<Column> {
        let name = column.name().clone();
        Ok(ask(&column)?.into_column().with_name(name))
    };
    let kind = |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Boolean));
    column.map(piece, kind)
}
