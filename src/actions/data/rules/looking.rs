//! Looking at each value of a column on its way through a scan.

use polars::prelude::{Column, DataType, Expr, Field, IntoColumn, PolarsResult, Schema, UInt64Chunked};

/// An expression that shows each piece of a column to `look` and gives the sum of what it answers: how many values it
/// looked at. Pieces come in no order, each once; who looks compares the sum with the number of values there are.
pub fn looking(column: Expr, look: impl Fn(&Column) -> PolarsResult<u64> + Send + Sync + 'static) -> Expr {
    let piece = move |column: Column| -> PolarsResult<Column> {
        let looked_at = look(&column)?;
        let mut out = vec![0_u64; column.len()];
        if let Some(first) = out.first_mut() {
            *first = looked_at;
        }
        Ok(UInt64Chunked::from_vec(column.name().clone(), out).into_column())
    };
    let kind = |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::UInt64));
    column.map(piece, kind).sum()
}

/// An expression that asks of each value of a column whether it is one of those that are looked for.
pub fn asking(
    column: Expr,
    ask: impl Fn(&Column) -> PolarsResult<Vec<bool>> + Send + Sync + 'static,
) -> Expr {
    let piece = move |column: Column| -> PolarsResult<Column> {
        let name = column.name().clone();
        let answers: polars::prelude::BooleanChunked = ask(&column)?.into_iter().map(Some).collect();
        Ok(answers.into_column().with_name(name))
    };
    let kind = |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Boolean));
    column.map(piece, kind)
}
