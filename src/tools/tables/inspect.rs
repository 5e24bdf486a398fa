//! A look at the first bytes of a file, before a reader guesses.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::place::split;
use super::{Format, footer};
use crate::check::{Class, Failure};

/// How much of a file is looked at; a CSV header must fit into it.
const HEAD: u64 = 4 << 20;

/// Refuses a file that is not what it is said to be.
///
/// # Errors
/// Class `missing` when it cannot be read, `unreadable_answer` when it is something else, with the path.
pub fn inspect(path: &Path, format: Format, delimiter: u8, header: bool) -> Result<(), Failure> {
    let shown = path.display();
    let mut head = Vec::new();
    File::open(path)
        .and_then(|f| f.take(HEAD).read_to_end(&mut head))
        .map_err(|e| Failure::new(Class::Missing, format!("reading {shown}: {e}")))?;
    if head.is_empty() {
        return Err(unreadable(path, "the file is empty"));
    }
    if let Some(found) = looks_like(&head)
        && found != format.word()
    {
        return Err(
            unreadable(path, &format!("the file is not {}: it is {found}", format.word())).help(format!(
                "give `format: {}` or unpack the file, if that is what it is",
                found.replace(' ', "_")
            )),
        );
    }
    match format {
        Format::Parquet => inspect_parquet(path, &head),
        Format::Ipc if !head.starts_with(b"ARROW1") => {
            Err(unreadable(path, "the file is not an Arrow IPC file"))
        }
        Format::Ipc => Ok(()),
        Format::Ndjson => inspect_text(path, &head).and_then(|text| inspect_ndjson(path, text)),
        Format::Csv => {
            let text = inspect_text(path, &head)?;
            if header {
                inspect_header(path, text, delimiter)
            } else {
                Ok(())
            }
        }
    }
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::new(
        Class::UnreadableAnswer,
        format!("reading {}: {why}", path.display()),
    )
}

/// What well-known first bytes say.
fn looks_like(head: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 6] = [
        (b"PAR1", "parquet"),
        (b"ARROW1", "ipc"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"BZh", "bzip2"),
    ];
    KNOWN
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, name)| *name)
}

fn inspect_parquet(path: &Path, head: &[u8]) -> Result<(), Failure> {
    use std::io::{Seek, SeekFrom};
    if !head.starts_with(b"PAR1") {
        return Err(unreadable(
            path,
            "the file is not Parquet (it does not begin with PAR1)",
        ));
    }
    let mut tail = [0_u8; 4];
    File::open(path)
        .and_then(|mut f| {
            f.seek(SeekFrom::End(-4))?;
            f.read_exact(&mut tail)
        })
        .map_err(|e| Failure::new(Class::Missing, format!("reading {}: {e}", path.display())))?;
    if &tail == b"PAR1" && head.len() >= 12 {
        footer::check(path)
    } else {
        Err(unreadable(
            path,
            "the Parquet file is cut off (it does not end with PAR1)",
        ))
    }
}

/// The bytes as text; the last character may be cut.
fn inspect_text<'a>(path: &Path, head: &'a [u8]) -> Result<&'a str, Failure> {
    match std::str::from_utf8(head) {
        Ok(text) => Ok(text),
        Err(e) if e.error_len().is_none() && head.len() as u64 == HEAD => {
            Ok(std::str::from_utf8(&head[..e.valid_up_to()]).unwrap_or_default())
        }
        Err(e) => {
            let line = head[..e.valid_up_to()].split(|b| *b == b'\n').count();
            Err(unreadable(
                path,
                &format!("the file is not UTF-8 (line {line}, byte {})", e.valid_up_to()),
            ))
        }
    }
}

fn inspect_ndjson(path: &Path, text: &str) -> Result<(), Failure> {
    let Some((number, line)) = text.lines().enumerate().find(|(_, l)| !l.trim().is_empty()) else {
        return Err(unreadable(path, "the file has no rows"));
    };
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) => Err(unreadable(
            path,
            &format!("line {} is not a JSON object", number + 1),
        )),
        Err(e) => Err(unreadable(
            path,
            &format!("line {}, column {} is not JSON: {e}", number + 1, e.column()),
        )),
    }
}

fn inspect_header(path: &Path, text: &str, delimiter: u8) -> Result<(), Failure> {
    let line = text
        .trim_start_matches('\u{feff}')
        .lines()
        .next()
        .unwrap_or_default();
    let names = split(line, char::from(delimiter));
    if let [_] = names.as_slice() {
        let other = [',', ';', '\t', '|']
            .into_iter()
            .find(|c| *c != char::from(delimiter) && line.contains(*c));
        if let Some(other) = other {
            let why = format!(
                "the header has one column at the delimiter {:?}",
                char::from(delimiter)
            );
            return Err(unreadable(path, &why).help(format!("give `delimiter: {other:?}`")));
        }
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name, at) {
            let why = format!(
                "the column name `{name}` stands twice (columns {} and {})",
                first + 1,
                at + 1
            );
            return Err(unreadable(path, &why));
        }
    }
    Ok(())
}
