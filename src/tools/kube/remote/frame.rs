//! Words in a log: lines that can be told from everything else a container prints, and from what was torn.
//!
//! `specrun 12 1a2b3c4d {...}`: which word it is, counted from 0; the CRC-32 of what follows; one line of JSON. The number
//! tells what was read already when a log is read again, and what is missing.

use std::io::{self, Write};

const MARK: &str = "specrun ";

/// One line of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Word {
        number: u64,
        json: &'a [u8],
    },
    /// Begins as a word does, and is none.
    Torn,
    /// Whatever else is printed.
    Other,
}

pub(super) fn read(line: &[u8]) -> Line<'_> {
    let Some(rest) = line.strip_prefix(MARK.as_bytes()) else {
        return Line::Other;
    };
    let mut parts = rest.splitn(3, |b| *b == b' ');
    let number = parts
        .next()
        .and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
    let crc = parts
        .next()
        .and_then(|c| u32::from_str_radix(std::str::from_utf8(c).ok()?, 16).ok());
    match (number, crc, parts.next()) {
        (Some(number), Some(crc), Some(json)) if crc32fast::hash(json) == crc => Line::Word { number, json },
        _ => Line::Torn,
    }
}

/// Frames every line that is written.
pub struct Framed<W> {
    to: W,
    line: Vec<u8>,
    number: u64,
}

impl<W: Write> Framed<W> {
    pub const fn new(to: W) -> Self {
        Self {
            to,
            line: Vec::new(),
            number: 0,
        }
    }
}

impl<W: Write> Write for Framed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                continue;
            }
            let mut whole =
                format!("{MARK}{} {:08x} ", self.number, crc32fast::hash(&self.line)).into_bytes();
            whole.append(&mut self.line);
            whole.push(b'\n');
            self.to.write_all(&whole)?;
            self.number += 1;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_noise_and_from_what_was_torn() {
        let mut log = Vec::new();
        let mut out = Framed::new(&mut log);
        out.write_all(b"{\"a\":").unwrap();
        out.write_all(b"1}\n{\"b\":2}\n").unwrap();
        out.flush().unwrap();
        let lines: Vec<&[u8]> = log.split(|b| *b == b'\n').collect();
        let word = |number, json: &'static [u8]| Line::Word { number, json };
        assert_eq!(read(lines[0]), word(0, b"{\"a\":1}"));
        assert_eq!(read(lines[1]), word(1, b"{\"b\":2}"));
        assert_eq!(read(b"a warning of the libc"), Line::Other);
        for torn in [
            &lines[0][..lines[0].len() - 1],
            &b"specrun "[..],
            b"specrun 1",
            b"specrun x 00000000 ",
            b"specrun 1 00000001 {}",
        ] {
            assert_eq!(read(torn), Line::Torn, "{}", String::from_utf8_lossy(torn));
        }
    }
}
