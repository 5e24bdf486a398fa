//! Whether the pages of a Parquet column fit the column, before a reader believes their heads.
//!
//! The head of a page says how many bytes and values come behind it. A reader makes room for that many, and a damaged head
//! that names fewer than none makes it ask for more memory than there is, which ends the process. Only heads are read
//! here; what stands in the pages is left to the reader.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use polars_parquet_format::PageHeader;
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;

/// What is read for a head at once; most are shorter.
const PIECE: usize = 256;
/// The most memory that the texts of one head may take; statistics of long texts stand there too.
const LARGEST: usize = 16 << 20;

/// Says what does not fit in the pages that lie there and should have so many values.
pub(super) fn fit(file: &File, place: Range<u64>, values: i64) -> Result<(), String> {
    let mut file = BufReader::with_capacity(PIECE, file);
    file.seek(SeekFrom::Start(place.start))
        .map_err(|e| e.to_string())?;
    let mut at = place.start;
    let mut seen = 0_i64;
    while seen < values {
        let wrong = |why: &str| format!("the page at byte {at} {why}");
        let mut rest = file.by_ref().take(place.end - at);
        let head = PageHeader::read_from_in_protocol(&mut TCompactInputProtocol::new(&mut rest, LARGEST))
            .map_err(|e| wrong(&format!("has no head that can be read: {e}")))?;
        let left = rest.limit();
        let counted = counted(&head).ok_or_else(|| wrong("has counts that cannot be"))?;
        let bytes = u64::try_from(head.compressed_page_size)
            .ok()
            .filter(|bytes| *bytes <= left);
        let bytes = bytes.ok_or_else(|| wrong("does not end before its column does"))?;
        // Less than 2^31, since the head says it in as many bits.
        file.seek_relative(i64::from(head.compressed_page_size))
            .map_err(|e| e.to_string())?;
        at = place.end - left + bytes;
        seen += i64::from(counted);
    }
    if seen > values {
        return Err(format!("its pages have {seen} values and it has {values}"));
    }
    Ok(())
}

/// How many values a page has, unless one of its counts cannot be.
fn counted(head: &PageHeader) -> Option<i32> {
    let (values, can_be) = match (&head.data_page_header, &head.data_page_header_v2) {
        (Some(one), _) => (one.num_values, true),
        (None, Some(two)) => {
            let counts = [
                two.num_rows,
                two.definition_levels_byte_length,
                two.repetition_levels_byte_length,
            ];
            let nulls = (0..=two.num_values).contains(&two.num_nulls);
            (two.num_values, nulls && counts.iter().all(|count| *count >= 0))
        }
        (None, None) => (0, true),
    };
    (can_be && values >= 0 && head.uncompressed_page_size >= 0).then_some(values)
}
