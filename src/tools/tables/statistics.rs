//! What Parquet files say of their own columns: numbers of rows and nulls, the least and the greatest whole number.
//!
//! A file's writer put them there for every group of rows. They are read without any row; where one is missing or of a
//! type whose order writers disagree on, nothing is known.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use polars::prelude::{DataType, ParquetReader, SchemaRef, SerReader};

/// What is known of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    pub rows: u64,
    columns: BTreeMap<String, Known>,
}

/// What is known of a column over all files and groups of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub nulls: u64,
    /// The least and the greatest value, of columns of whole numbers that have any.
    pub range: Option<(i64, i64)>,
}

impl Statistics {
    /// Reads the statistics of these files; none when a file cannot be read, which a scan will say better. Blocks.
    #[must_use]
    pub fn read(files: &[PathBuf], schema: &SchemaRef) -> Option<Self> {
        let mut all = Self::default();
        let mut unknown: Vec<String> = Vec::new();
        for file in files {
            let mut reader = ParquetReader::new(File::open(file).ok()?);
            let metadata = reader.get_metadata().ok()?.clone();
            all.rows += metadata.num_rows as u64;
            for group in &metadata.row_groups {
                for (name, dtype) in schema.iter() {
                    let mut chunks = group.columns_under_root_iter(name.as_str())?;
                    let found = match (chunks.next(), chunks.next()) {
                        // Several chunks are those of a nested column.
                        (Some(chunk), None) => chunk.statistics(&metadata.footer_buf),
                        _ => None,
                    };
                    let known = found.and_then(Result::ok).and_then(|statistics| {
                        let nulls = u64::try_from(statistics.null_count()?).ok()?;
                        let narrow = |n: Option<i32>| n.map(i64::from);
                        let bounds = if let Some(s) = statistics.as_int32() {
                            (narrow(s.min_value), narrow(s.max_value))
                        } else if let Some(s) = statistics.as_int64() {
                            (s.min_value, s.max_value)
                        } else {
                            (None, None)
                        };
                        let range = bounds.0.zip(bounds.1).filter(|_| ordered(dtype));
                        Some((Known { nulls, range }, group.num_rows() as u64 > nulls))
                    });
                    match known {
                        None => unknown.push(name.to_string()),
                        Some((known, has_values)) => all.add(name.as_str(), known, has_values),
                    }
                }
            }
        }
        for name in unknown {
            all.columns.remove(&name);
        }
        Some(all)
    }

    /// What is known of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<Known> {
        self.columns.get(name).copied()
    }

    /// Adds a group of rows. A group with values whose range is not known makes the range of the column unknown.
    fn add(&mut self, name: &str, group: Known, has_values: bool) {
        let start = Known {
            nulls: 0,
            range: Some((i64::MAX, i64::MIN)),
        };
        let known = self.columns.entry(name.to_owned()).or_insert(start);
        known.nulls += group.nulls;
        if has_values {
            known.range = known
                .range
                .zip(group.range)
                .map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)));
        }
    }
}

impl Known {
    /// The range, when there are values.
    #[must_use]
    pub fn values(self) -> Option<(i64, i64)> {
        self.range.filter(|(least, most)| least <= most)
    }
}

/// Whether the type's order is that of the signed numbers a file keeps.
const fn ordered(dtype: &DataType) -> bool {
    matches!(
        dtype,
        DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::Date
    )
}
