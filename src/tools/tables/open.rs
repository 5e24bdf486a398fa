//! Opening tables.

use std::path::PathBuf;
use std::sync::Arc;

use polars::prelude::{
    CsvEncoding, DataType, Expr, IpcScanOptions, LazyCsvReader, LazyFileListReader, LazyFrame,
    LazyJsonLineReader, NullValues, PlRefPath, ScanArgsParquet, Schema, SchemaRef, Series, UnifiedScanArgs,
    col,
};
use serde::{Deserialize, Serialize};

use super::footer::guarded;
use super::{Statistics, dictionary, failure, inspect, placed};
use crate::check::{Class, Failure};

/// How the bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    Csv,
    Parquet,
    /// One JSON object a line.
    Ndjson,
    /// Arrow IPC (Feather version 2).
    Ipc,
}

impl Format {
    /// The format a file's ending stands for.
    #[must_use]
    pub fn of_ending(name: &str) -> Option<Self> {
        let ending = name.rsplit('.').next()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "arrow" | "ipc" | "feather" => Some(Self::Ipc),
            _ => None,
        }
    }

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Ndjson => "ndjson",
            Self::Ipc => "ipc",
        }
    }
}

/// What to open. All files have one format and one schema.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Local files, resolved and granted already.
    pub files: Vec<PathBuf>,
    /// By the ending when none is given.
    pub format: Option<Format>,
    /// CSV only; by the ending when none is given.
    pub delimiter: Option<u8>,
    /// CSV only: the first line holds the names.
    pub header: bool,
    /// CSV only: texts that stand for null, besides the empty field.
    pub null_values: Vec<String>,
    /// CSV only: the types of these columns, instead of what the first rows look like.
    pub types: Vec<(String, DataType)>,
    /// CSV only: columns that look like dates and times become such.
    pub parse_dates: bool,
    /// Only these columns are read; all when empty.
    pub columns: Vec<String>,
}

/// A table that can be scanned.
#[derive(Default)]
pub struct Opened {
    pub frame: LazyFrame,
    pub schema: SchemaRef,
    /// For messages: `data/sales.csv`, `3 files from data/a.csv`.
    pub name: String,
    pub files: Vec<PathBuf>,
    /// How its files are read, when it has some.
    pub format: Option<Format>,
    /// Between the fields of CSV files.
    pub delimiter: u8,
    /// A folder that must stay while the table is read.
    pub kept: Option<Arc<tempfile::TempDir>>,
}

impl Opened {
    /// What its files say of their own columns; none when they say nothing. Blocks.
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        let files = self.parquet()?;
        guarded(&self.name, || Ok(Statistics::read(files, &self.schema))).ok()?
    }

    /// Every value that can stand in a column, and perhaps some more, when the dictionaries of its files tell; a
    /// column with nothing but nulls has none. Blocks.
    #[must_use]
    pub fn dictionary(&self, column: &str) -> Option<Series> {
        let (files, dtype) = (self.parquet()?, self.schema.get(column)?);
        guarded(&self.name, || Ok(dictionary::values(files, column, dtype))).ok()?
    }

    /// Its files, when they are Parquet.
    fn parquet(&self) -> Option<&[PathBuf]> {
        (self.format == Some(Format::Parquet)).then_some(&self.files)
    }
}

/// Opens a table; reads headers and metadata only. Blocks: call it off the async threads.
///
/// # Errors
/// Classed failures that name the file and, where there is one, the place.
pub fn open(source: &Source) -> Result<Opened, Failure> {
    let names: Vec<String> = source.files.iter().map(|p| p.display().to_string()).collect();
    let Some(first) = names.first() else {
        return Err(Failure::new(Class::Missing, "no file matches"));
    };
    let name = if names.len() == 1 {
        first.clone()
    } else {
        format!("{} files from {first}", names.len())
    };
    let format = match source.format {
        Some(format) => format,
        None => Format::of_ending(first).ok_or_else(|| {
            Failure::new(
                Class::BadParameter,
                format!("reading {first}: its ending says no format"),
            )
            .help("give `format: csv`, `parquet`, `ndjson` or `ipc`")
        })?,
    };
    let by_ending = if first.to_ascii_lowercase().ends_with(".tsv") {
        b'\t'
    } else {
        b','
    };
    let delimiter = source.delimiter.unwrap_or(by_ending);
    for file in &source.files {
        inspect::inspect(file, format, delimiter, source.header)?;
    }
    let paths: Vec<PlRefPath> = names.iter().map(PlRefPath::new).collect();
    let (frame, schema) = guarded(&name, || {
        let mut frame = scan(source, format, delimiter, paths).map_err(|e| failure(&name, &e))?;
        let schema = frame.collect_schema();
        let schema = schema.map_err(|e| placed(failure(&name, &e), &source.files, format, delimiter))?;
        Ok((frame, schema))
    })?;
    if source.columns.is_empty() {
        return Ok(Opened {
            frame,
            schema,
            name,
            files: source.files.clone(),
            format: Some(format),
            delimiter,
            kept: None,
        });
    }
    let known: Vec<&str> = schema
        .iter_names()
        .map(polars::prelude::PlSmallStr::as_str)
        .collect();
    let mut kept = Schema::default();
    for column in &source.columns {
        let Some(dtype) = schema.get(column.as_str()) else {
            return Err(unknown_column(column, &known, &name));
        };
        kept.with_column(column.as_str().into(), dtype.clone());
    }
    let wanted: Vec<Expr> = source.columns.iter().map(|c| col(c.as_str())).collect();
    Ok(Opened {
        frame: frame.select(wanted),
        schema: SchemaRef::new(kept),
        name,
        files: source.files.clone(),
        format: Some(format),
        delimiter,
        kept: None,
    })
}

/// The failure for a column that does not exist, with the nearest name.
#[must_use]
pub fn unknown_column(column: &str, known: &[&str], table: &str) -> Failure {
    let failure = Failure::new(Class::BadParameter, format!("{table} has no column `{column}`"));
    match crate::diag::did_you_mean(column, known.iter().copied()) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn scan(
    source: &Source,
    format: Format,
    delimiter: u8,
    paths: Vec<PlRefPath>,
) -> polars::prelude::PolarsResult<LazyFrame> {
    match format {
        Format::Csv => {
            let types: Schema = source
                .types
                .iter()
                .map(|(n, t)| (n.as_str().into(), t.clone()))
                .collect();
            let nulls: Vec<_> = source.null_values.iter().map(|v| v.as_str().into()).collect();
            LazyCsvReader::new_paths(paths.into_iter().collect())
                .with_has_header(source.header)
                .with_separator(delimiter)
                .with_encoding(CsvEncoding::Utf8)
                .with_infer_schema_length(Some(10_000))
                .with_try_parse_dates(source.parse_dates)
                .with_null_values((!nulls.is_empty()).then_some(NullValues::AllColumns(nulls)))
                .with_dtype_overwrite((!types.is_empty()).then(|| SchemaRef::new(types)))
                .with_raise_if_empty(true)
                .with_glob(false)
                .finish()
        }
        Format::Ndjson => LazyJsonLineReader::new_paths(paths.into_iter().collect())
            .with_infer_schema_length(std::num::NonZeroUsize::new(10_000))
            .finish(),
        Format::Parquet => {
            let args = ScanArgsParquet {
                glob: false,
                ..ScanArgsParquet::default()
            };
            LazyFrame::scan_parquet_files(paths.into_iter().collect(), args)
        }
        Format::Ipc => {
            let args = UnifiedScanArgs {
                glob: false,
                ..UnifiedScanArgs::default()
            };
            LazyFrame::scan_ipc_sources(
                polars::prelude::ScanSources::Paths(paths.into_iter().collect()),
                IpcScanOptions::default(),
                args,
            )
        }
    }
}
