//! What a Parquet file's dictionaries say of a column: every value that can stand in it.
//!
//! A writer that finds few different values in a group of rows keeps each once, on a dictionary page, and numbers in
//! the rows. Where all pages of all groups do so, the dictionaries hold all values of the column, and perhaps some that
//! no row uses. Where one page does not, or a page is of a kind that is not understood, nothing is known.
//!
//! Headers of pages are read, rows are not. Nothing here knows what is checked.

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use polars::prelude::{DataType, NamedFrom as _, Series};
use polars_parquet::parquet::compression::DecompressionContext;
use polars_parquet::parquet::page::{CompressedPage, DictPage, FormatEncoding, Page};
use polars_parquet::read::{ColumnChunkMetadata, PageReader, PhysicalType, decompress, read_metadata};

/// A group of rows of a column that is larger than this is not worth reading for its dictionary.
const LARGEST: usize = 64 << 20;
/// More values than this are not worth looking at one by one.
const MOST: usize = 1 << 20;

/// Values of one physical type.
enum Values {
    Texts(Vec<String>),
    Whole(Vec<i64>),
    Floats(Vec<f64>),
}

/// Every value that can stand in a column of these files, each at least once; none when that is not known. Blocks.
#[must_use]
pub fn values(files: &[PathBuf], column: &str, dtype: &DataType) -> Option<Series> {
    let mut all = match dtype {
        DataType::String => Values::Texts(Vec::new()),
        DataType::Int64 | DataType::Int32 => Values::Whole(Vec::new()),
        DataType::Float64 => Values::Floats(Vec::new()),
        _ => return None,
    };
    for file in files {
        of_file(file, column, &mut all)?;
    }
    let series = match all {
        Values::Texts(values) => Series::new(column.into(), values),
        Values::Whole(values) => Series::new(column.into(), values),
        Values::Floats(values) => Series::new(column.into(), values),
    };
    series.cast(dtype).ok()?.unique().ok()
}

fn of_file(path: &Path, column: &str, all: &mut Values) -> Option<()> {
    let mut file = File::open(path).ok()?;
    let metadata = read_metadata(&mut file).ok()?;
    for group in &metadata.row_groups {
        let mut chunks = group.columns_under_root_iter(column)?;
        // Several chunks are those of a nested column.
        let (Some(chunk), None) = (chunks.next(), chunks.next()) else {
            return None;
        };
        let nulls = chunk
            .statistics(&metadata.footer_buf)
            .and_then(Result::ok)
            .and_then(|statistics| statistics.null_count());
        if nulls.is_some_and(|nulls| usize::try_from(nulls) == Ok(group.num_rows())) {
            continue;
        }
        of_chunk(&mut file, chunk, all)?;
    }
    Some(())
}

/// Adds the dictionary of a chunk all of whose pages use it.
fn of_chunk(file: &mut File, chunk: &ColumnChunkMetadata, all: &mut Values) -> Option<()> {
    let start = u64::try_from(chunk.dictionary_page_offset()?).ok()?;
    let length = usize::try_from(chunk.compressed_size()).ok()?;
    if length > LARGEST {
        return None;
    }
    let mut bytes = vec![0; length];
    file.seek(SeekFrom::Start(start)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    let pages = PageReader::new(Cursor::new(bytes.into()), chunk, Vec::new(), LARGEST);
    let mut found = false;
    for page in pages {
        match page.ok()? {
            page @ CompressedPage::Dict(_) => {
                let mut context = DecompressionContext::Unset;
                let Ok(Page::Dict(dictionary)) = decompress(page, &mut Vec::new(), &mut context) else {
                    return None;
                };
                all.add(&dictionary, chunk.physical_type())?;
                found = true;
            }
            CompressedPage::Data(page) => {
                let encoding = page.header().encoding();
                if encoding != FormatEncoding::RLE_DICTIONARY && encoding != FormatEncoding::PLAIN_DICTIONARY
                {
                    return None;
                }
            }
        }
    }
    found.then_some(())
}

impl Values {
    /// Adds the values of a dictionary, which stand there one after the other.
    fn add(&mut self, page: &DictPage, physical: PhysicalType) -> Option<()> {
        let mut rest: &[u8] = &page.buffer;
        for _ in 0..page.num_values {
            match (&mut *self, physical) {
                (Self::Texts(all), PhysicalType::ByteArray) => {
                    let length = u32::from_le_bytes(*take::<4>(&mut rest)?) as usize;
                    let (text, after) = rest.split_at_checked(length)?;
                    rest = after;
                    all.push(std::str::from_utf8(text).ok()?.to_owned());
                }
                (Self::Whole(all), PhysicalType::Int64) => all.push(i64::from_le_bytes(*take(&mut rest)?)),
                (Self::Whole(all), PhysicalType::Int32) => {
                    all.push(i32::from_le_bytes(*take(&mut rest)?).into());
                }
                (Self::Floats(all), PhysicalType::Double) => all.push(f64::from_le_bytes(*take(&mut rest)?)),
                _ => return None,
            }
        }
        (self.len() <= MOST && rest.is_empty()).then_some(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Texts(all) => all.len(),
            Self::Whole(all) => all.len(),
            Self::Floats(all) => all.len(),
        }
    }
}

/// Takes the first bytes off.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(first)
}

#[cfg(test)]
mod tests {
    use polars::prelude::{IntoLazy as _, ParquetWriter, col, df};

    use polars_parquet::parquet::CowBuffer;

    use super::*;

    /// A file of so many rows in groups of a thousand; `of` makes the text of a row.
    fn written(rows: i64, of: impl Fn(i64) -> Option<String>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.parquet");
        let texts: Vec<Option<String>> = (0..rows).map(of).collect();
        let numbers: Vec<i64> = (0..rows).map(|i| i % 3).collect();
        let shares: Vec<f64> = (0..rows).map(|i| (i % 4) as f64 / 4.0).collect();
        let mut frame = df!("text" => texts, "number" => numbers, "share" => shares).expect("a frame");
        ParquetWriter::new(File::create(&path).expect("a file"))
            .with_row_group_size(Some(1000))
            .finish(&mut frame)
            .expect("written");
        (folder, path)
    }

    fn found(path: &Path, column: &str, dtype: &DataType) -> Option<Vec<String>> {
        let series = values(&[path.to_path_buf()], column, dtype)?;
        assert_eq!(series.dtype(), dtype);
        let mut all: Vec<String> = series.iter().map(|v| v.to_string()).collect();
        all.sort();
        Some(all)
    }

    #[test]
    fn all_values_of_all_groups_are_found() {
        let (_folder, path) = written(5000, |i| (i % 5 > 0).then(|| format!("v{}", i / 1000)));
        let texts = found(&path, "text", &DataType::String).expect("dictionaries");
        assert_eq!(texts, ["\"v0\"", "\"v1\"", "\"v2\"", "\"v3\"", "\"v4\""]);
        // What is few and whole is written with a dictionary or without one; what is found must be the truth.
        for (column, dtype) in [("number", DataType::Int64), ("share", DataType::Float64)] {
            if let Some(all) = found(&path, column, &dtype) {
                let frame = polars::prelude::LazyFrame::scan_parquet(
                    polars::prelude::PlRefPath::new(path.display().to_string().as_str()),
                    polars::prelude::ScanArgsParquet::default(),
                );
                let distinct = frame
                    .expect("a table")
                    .select([col(column).unique()])
                    .collect()
                    .expect("values");
                assert_eq!(all.len(), distinct.height(), "{column}");
            }
        }
    }

    #[test]
    fn texts_without_a_dictionary_are_not_known() {
        let (_folder, path) = written(5000, |i| Some(format!("each is another {i}")));
        assert_eq!(found(&path, "text", &DataType::String), None);
    }

    #[test]
    fn what_is_no_such_column_is_not_known() {
        let (folder, path) = written(10, |i| Some(i.to_string()));
        assert_eq!(found(&path, "nothing", &DataType::String), None);
        assert_eq!(found(&path, "text", &DataType::Int64), None);
        assert_eq!(found(&path, "text", &DataType::Date), None);
        assert_eq!(
            found(&folder.path().join("none"), "text", &DataType::String),
            None
        );
        let bytes = std::fs::read(&path).expect("read");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
        assert_eq!(found(&path, "text", &DataType::String), None);
        assert!(df!("a" => [1]).expect("a frame").lazy().collect().is_ok());
    }

    #[test]
    fn a_damaged_file_is_not_known_or_read_and_breaks_nothing() {
        let (_folder, path) = written(200, |i| Some(format!("v{}", i % 3)));
        let whole = std::fs::read(&path).expect("read");
        // Behind the pages stand the file's own notes, which every reader reads, and their length.
        let notes = whole[whole.len() - 8..]
            .first_chunk()
            .map(|n| u32::from_le_bytes(*n));
        let pages = whole.len() - 8 - notes.expect("a length") as usize;
        for at in 0..pages {
            for bit in [0x01, 0x80] {
                let mut damaged = whole.clone();
                damaged[at] ^= bit;
                std::fs::write(&path, damaged).expect("written");
                for column in ["text", "number"] {
                    let dtype = if column == "text" {
                        DataType::String
                    } else {
                        DataType::Int64
                    };
                    let _ = values(std::slice::from_ref(&path), column, &dtype);
                }
            }
        }
    }

    #[test]
    fn a_dictionary_of_another_kind_is_not_read() {
        let page = |bytes: &[u8], num_values| DictPage {
            buffer: CowBuffer::Owned(bytes.to_vec()),
            num_values,
            is_sorted: false,
        };
        let texts = || Values::Texts(Vec::new());
        let good = page(b"\x01\0\0\0a\x02\0\0\0bc", 2);
        assert!(texts().add(&good, PhysicalType::ByteArray).is_some());
        assert!(texts().add(&good, PhysicalType::Int64).is_none());
        for (bytes, many) in [
            (b"\x01\0\0\0a".as_slice(), 2),
            (b"\x01\0\0\0a\x02", 1),
            (b"\x09\0\0\0a", 1),
            (b"\x01\0\0\0\xff", 1),
        ] {
            assert!(
                texts().add(&page(bytes, many), PhysicalType::ByteArray).is_none(),
                "{bytes:?}"
            );
        }
    }
}
