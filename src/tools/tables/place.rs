//! Where a file of text is no table, which polars does not say, or says by an offset in the piece it was reading.
//!
//! The file is read again from its start, after a reader broke; so nothing here is fast, and nothing is decided here.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::Format;

/// The first place in these files that explains why reading them broke: `b.csv, line 7 has 4 fields, the first has 2`.
/// `said` is what the reader said.
#[must_use]
pub fn of(files: &[PathBuf], format: Format, delimiter: u8, said: &str) -> Option<String> {
    files.iter().find_map(|file| {
        let place = match format {
            Format::Csv => csv(file, delimiter, unparsed(said)),
            Format::Ndjson => ndjson(file),
            Format::Parquet | Format::Ipc => None,
        }?;
        Some(format!("{}, {place}", file.file_name()?.display()))
    })
}

/// The number of the column, from 1, and the text in it that is none of its type, out of polars' words:
/// "could not parse `many` as dtype `i64` at column 'a' (column number 1)".
fn unparsed(said: &str) -> Option<(usize, &str)> {
    let (_, rest) = said.split_once("could not parse `")?;
    let (text, rest) = rest.split_once("` as dtype")?;
    let (_, rest) = rest.rsplit_once("(column number ")?;
    Some((rest.split_once(')')?.0.parse().ok()?, text))
}

fn csv(path: &Path, delimiter: u8, unparsed: Option<(usize, &str)>) -> Option<String> {
    let mut columns = None;
    for record in Records::open(path)? {
        let (line, bytes) = record?;
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Some(format!("line {line} is not UTF-8"));
        };
        let fields = split(text.trim_end_matches(['\n', '\r']), char::from(delimiter));
        let Some(columns) = columns else {
            columns = Some(fields.len());
            continue;
        };
        if fields.len() > columns {
            return Some(format!(
                "line {line} has {} fields, the first has {columns}",
                fields.len()
            ));
        }
        if let Some((number, wanted)) = unparsed
            && fields.get(number - 1).is_some_and(|field| field == wanted)
        {
            return Some(format!("line {line} holds `{wanted}` in column {number}"));
        }
    }
    None
}

fn ndjson(path: &Path) -> Option<String> {
    let file = BufReader::new(File::open(path).ok()?);
    for (number, line) in file.split(b'\n').enumerate() {
        let (line, bytes) = (number + 1, line.ok()?);
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Some(format!("line {line} is not UTF-8"));
        };
        if text.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(_) => {}
            Err(e) if e.is_data() => return Some(format!("line {line} is not a JSON object")),
            Err(e) => return Some(format!("line {line} is not JSON: {e}")),
        }
    }
    None
}

/// The records of a CSV file with the number of their first line; a quoted field may hold further lines.
struct Records {
    file: BufReader<File>,
    line: usize,
}

impl Records {
    fn open(path: &Path) -> Option<Self> {
        Some(Self {
            file: BufReader::new(File::open(path).ok()?),
            line: 1,
        })
    }
}

impl Iterator for Records {
    /// None within when the file cannot be read.
    type Item = Option<(usize, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut record, first) = (Vec::new(), self.line);
        let mut open = false;
        loop {
            let before = record.len();
            match self.file.read_until(b'\n', &mut record) {
                Err(_) => return Some(None),
                Ok(0) if record.is_empty() => return None,
                Ok(0) => break,
                Ok(_) => {}
            }
            self.line += 1;
            for byte in &record[before..] {
                open ^= *byte == b'"';
            }
            if !open {
                break;
            }
        }
        Some(Some((first, record)))
    }
}

/// The fields of a record, quotes taken off.
pub fn split(record: &str, delimiter: char) -> Vec<String> {
    let (mut out, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in record.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => out.push(std::mem::take(&mut field)),
            '\r' => {}
            c => field.push(c),
        }
    }
    out.push(field);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn place(format: Format, bytes: &[u8], said: &str) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.txt");
        std::fs::write(&path, bytes).expect("written");
        let found = of(&[path], format, b';', said)?;
        Some(found.strip_prefix("t.txt, ").expect("the file's name").to_owned())
    }

    #[test]
    fn the_first_bad_record_is_found() {
        let csv = |bytes: &[u8], said: &str| place(Format::Csv, bytes, said);
        assert_eq!(csv(b"a;b\n1;2\n", ""), None);
        assert_eq!(csv(b"", ""), None);
        assert_eq!(
            csv(b"a;b\n1;caf\xe9\n", ""),
            Some("line 2 is not UTF-8".to_owned())
        );
        // A field of two lines is one field.
        assert_eq!(
            csv(b"a;b\n1;\"x\n;y\"\n1;2;3\r\n", ""),
            Some("line 4 has 3 fields, the first has 2".to_owned())
        );
        let said = "could not parse `many` as dtype `i64` at column 'b' (column number 2)";
        assert_eq!(
            csv(b"a;b\nmany;1\n2;many\n", said),
            Some("line 3 holds `many` in column 2".to_owned())
        );
        assert_eq!(csv(b"a;b\n1;2\n", "could not parse `x"), None);
    }

    #[test]
    fn the_first_line_that_is_no_object_is_found() {
        let ndjson = |bytes: &[u8]| place(Format::Ndjson, bytes, "");
        assert_eq!(ndjson(b"{\"a\": 1}\n\n{}\n"), None);
        assert_eq!(
            ndjson(b"{}\n[2]\n"),
            Some("line 2 is not a JSON object".to_owned())
        );
        assert_eq!(
            ndjson(b"{}\n{\"a\xff\": 1}\n"),
            Some("line 2 is not UTF-8".to_owned())
        );
        let cut = ndjson(b"{}\n\n{\"a\": 2, \"b").expect("cut");
        assert!(
            cut.starts_with("line 3 is not JSON: EOF while parsing a string"),
            "{cut}"
        );
    }
}
