//! Whether the footer of a Parquet file fits the file, its pages and itself, before a reader believes it.
//!
//! A footer has no checksum, so a damaged one is found by what it says: groups have as many rows together as the file,
//! a column of values has as many of them as its group has rows, and the bytes of columns lie in front of the footer, each
//! in a place of its own. Readers take all that for granted; what is left for them to find is turned into a failure of
//! the file by [`guarded`]. What stands in the pages is not looked at.

use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use polars_parquet::read::{ColumnChunkMetadata, FileMetadata, read_metadata};

use super::pages;
use crate::check::{Class, Failure};

/// The magic at the beginning.
const HEAD: u64 = 4;
/// The length of the footer and the magic at the end.
const TAIL: u64 = 8;

/// Says what does not fit.
///
/// # Errors
/// Class `missing` when the file cannot be read, `unreadable_answer` otherwise, with the path.
pub fn check(path: &Path) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let cannot = |e: std::io::Error| Failure::new(Class::Missing, format!("reading {shown}: {e}"));
    let mut file = File::open(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    guarded(&shown, || {
        let damaged = |what: &str, why: String| {
            Failure::new(
                Class::UnreadableAnswer,
                format!("reading {shown}: {what} is damaged: {why}"),
            )
        };
        let metadata = read_metadata(&mut file).map_err(|e| damaged("its footer", e.to_string()))?;
        fits(&metadata, length).map_err(|why| damaged("its footer", why))?;
        for (number, chunk) in chunks(&metadata) {
            if let Some(place) = bytes(chunk) {
                pages::fit(&file, place, chunk.num_values())
                    .map_err(|why| damaged(&named(number, chunk), why))?;
            }
        }
        Ok(())
    })
}

/// Does something with files whose content a reader believes, and makes its panics failures of what is read.
///
/// # Errors
/// The work's own; `unreadable_answer` when it panicked.
pub fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let why = format!("reading {what}: it is damaged, or unlike what its format asks for: the reader broke down");
        Err(Failure::new(Class::UnreadableAnswer, why)
            .help("write the file again; if other programs read it, this is a mistake in specrun, and RUST_BACKTRACE=1 shows where"))
    })
}

fn fits(metadata: &FileMetadata, length: u64) -> Result<(), String> {
    let footer = metadata.footer_buf.len() as u64;
    // What the reader gives of the footer may hold its tail.
    let end = length.saturating_sub(footer.max(TAIL));
    let mut rows = 0_usize;
    let mut taken: Vec<Range<u64>> = Vec::new();
    for (number, group) in metadata.row_groups.iter().enumerate() {
        rows = rows
            .checked_add(group.num_rows())
            .ok_or_else(|| "it counts more rows than there can be".to_owned())?;
        for chunk in group.parquet_columns() {
            let flat = chunk.descriptor().descriptor.max_rep_level == 0;
            if flat && usize::try_from(chunk.num_values()) != Ok(group.num_rows()) {
                return Err(format!(
                    "{} has {} values and {} rows",
                    named(number, chunk),
                    chunk.num_values(),
                    group.num_rows()
                ));
            }
            let range = bytes(chunk).filter(|range| range.end <= end);
            let Some(range) = range else {
                return Err(format!(
                    "the bytes of {} do not lie in front of it",
                    named(number, chunk)
                ));
            };
            taken.push(range);
        }
    }
    if rows != metadata.num_rows {
        return Err(format!(
            "it counts {} rows, its groups have {rows}",
            metadata.num_rows
        ));
    }
    taken.retain(|range| !range.is_empty());
    taken.sort_unstable_by_key(|range| range.start);
    match taken.windows(2).find(|pair| pair[0].end > pair[1].start) {
        Some(_) => Err("two columns have bytes in common".to_owned()),
        None => Ok(()),
    }
}

/// The columns of each group, with the group's number.
fn chunks(metadata: &FileMetadata) -> impl Iterator<Item = (usize, &ColumnChunkMetadata)> {
    let groups = metadata.row_groups.iter().enumerate();
    groups.flat_map(|(number, group)| group.parquet_columns().iter().map(move |chunk| (number, chunk)))
}

fn named(group: usize, chunk: &ColumnChunkMetadata) -> String {
    let path = &chunk.descriptor().path_in_schema;
    let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    format!("the column `{}` in group {group}", names.join("."))
}

/// Where the bytes of a chunk lie, when that can be.
fn bytes(chunk: &ColumnChunkMetadata) -> Option<Range<u64>> {
    let data = u64::try_from(chunk.data_page_offset()).ok()?;
    let start = match chunk.dictionary_page_offset() {
        Some(dictionary) => u64::try_from(dictionary).ok().filter(|at| *at < data)?,
        None => data,
    };
    let length = u64::try_from(chunk.compressed_size()).ok()?;
    let end = start.checked_add(length)?;
    let inside = start >= HEAD && (data < end || length == 0) && chunk.uncompressed_size() >= 0;
    inside.then_some(start..end)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use polars::prelude::{DataFrame, ParquetWriter, StatisticsOptions, col, df, len};
    use serde_json::Value as Json;

    use super::*;
    use crate::tools::tables::{Source, figures, open};

    const ROWS: u64 = 50;

    fn frame() -> DataFrame {
        let rows = 0..ROWS as i64;
        df!(
            "id" => rows.clone().collect::<Vec<_>>(),
            "share" => rows.clone().map(|i| (i % 7 > 0).then_some(i as f64 / 3.0)).collect::<Vec<_>>(),
            "name" => rows.clone().map(|i| format!("n{}", i % 4)).collect::<Vec<_>>(),
            "flag" => rows.map(|i| i % 3 == 0).collect::<Vec<_>>(),
        )
        .expect("a frame")
    }

    fn written(path: &Path) -> Vec<u8> {
        ParquetWriter::new(File::create(path).expect("a file"))
            .with_row_group_size(Some(20))
            .with_statistics(StatisticsOptions::full())
            .finish(&mut frame())
            .expect("written");
        std::fs::read(path).expect("read")
    }

    /// The rows of a file by reading all of its columns, by its own count, and how many values a dictionary names.
    fn read(path: &Path) -> Result<(u64, Option<u64>), Failure> {
        let opened = open(&Source {
            files: vec![PathBuf::from(path)],
            ..Source::default()
        })?;
        let known = opened.statistics().map(|s| s.rows);
        let _ = opened.dictionary("name");
        let mut wanted = vec![len()];
        wanted.extend(
            opened
                .schema
                .iter_names()
                .map(|name| col(name.clone()).null_count()),
        );
        wanted.push(col("id").max());
        let found = figures(&opened, &wanted)?;
        Ok((found.first().and_then(Json::as_u64).expect("a number"), known))
    }

    #[test]
    fn a_whole_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.parquet");
        written(&path);
        check(&path).expect("a footer that fits");
        assert_eq!(read(&path), Ok((ROWS, Some(ROWS))));
    }

    /// Where the footer of a file begins.
    fn footer(whole: &[u8]) -> usize {
        let length = whole[whole.len() - 8..].first_chunk().expect("a length");
        whole.len() - 8 - u32::from_le_bytes(*length) as usize
    }

    #[test]
    fn every_damaged_byte_of_a_footer_is_named_or_harmless() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = written(&folder.path().join("whole.parquet"));
        let (named, harmless) = damaged(&whole, footer(&whole)..whole.len());
        assert!(named > 500 && harmless > 100, "{named}, {harmless}");
    }

    #[test]
    fn every_damaged_byte_of_the_pages_is_named_or_harmless() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = written(&folder.path().join("whole.parquet"));
        let (named, harmless) = damaged(&whole, HEAD as usize..footer(&whole));
        assert!(named > 500 && harmless > 100, "{named}, {harmless}");
    }

    /// Reads the file with each of these bytes changed, and says how many changes were named and how many were not
    /// noticed. None is a panic, an internal error, or another number of rows.
    fn damaged(whole: &[u8], bytes: Range<usize>) -> (usize, usize) {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut named, mut read_all_the_same) = (0, 0);
        for at in bytes {
            let byte = whole[at];
            for other in [byte ^ 0x01, byte ^ 0x80, byte.wrapping_add(2), 0x00, 0xff] {
                if other == byte {
                    continue;
                }
                let mut damaged = whole.to_vec();
                damaged[at] = other;
                // A file of its own each time: a reader that was given up may still look at the one before.
                let path = folder.path().join(format!("damaged-{at}-{other}.parquet"));
                std::fs::write(&path, damaged).expect("written");
                let found = read(&path);
                std::fs::remove_file(&path).expect("removed");
                match found {
                    Ok((rows, known)) => {
                        assert_eq!(
                            (rows, known.unwrap_or(ROWS)),
                            (ROWS, ROWS),
                            "byte {at}, {byte} to {other}"
                        );
                        read_all_the_same += 1;
                    }
                    Err(failure) => {
                        let text = format!("byte {at}, {byte} to {other}: {failure:?}");
                        assert!(failure.message.contains("damaged-"), "{text}");
                        assert!(!matches!(failure.class, Class::Internal), "{text}");
                        named += 1;
                    }
                }
            }
        }
        (named, read_all_the_same)
    }

    #[test]
    fn a_footer_that_is_cut_or_moved_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = written(&folder.path().join("whole.parquet"));
        for length in (12..whole.len()).step_by(7) {
            // The end is kept, so that the file looks whole.
            let mut cut = whole[..length].to_vec();
            cut.extend_from_slice(&whole[whole.len() - 8..]);
            let path = folder.path().join(format!("cut-{length}.parquet"));
            std::fs::write(&path, cut).expect("written");
            let failure = read(&path).expect_err("cut off");
            assert!(failure.message.contains("cut-"), "{length}: {failure:?}");
            assert!(!matches!(failure.class, Class::Internal), "{length}: {failure:?}");
        }
    }

    #[test]
    fn a_reader_that_breaks_down_is_a_failure_of_the_file() {
        let failure = guarded::<()>("t.parquet", || {
            let none: Vec<u8> = Vec::new();
            let _ = none[std::hint::black_box(0)];
            Ok(())
        })
        .expect_err("broken down");
        assert_eq!(failure.class, Class::UnreadableAnswer);
        assert!(failure.message.contains("t.parquet"), "{failure:?}");
        let own = guarded::<()>("t", || Err(Failure::new(Class::Missing, "gone"))).expect_err("its own");
        assert_eq!(own.class, Class::Missing);
    }
}
