//! Words in a log: lines that can be told from everything else a container prints, and from what was torn.
//!
//! `specrun 12 1a2b3c4d {...}`: which word it is, counted from 0; the CRC-32 of what follows; one line of JSON. The number
//! tells what was read already when a log is read again, and what is missing. What is missing can be said again by who keeps
//! it: a node replaces the file of a log when it has grown (`containerLogMaxSize`), and who reads it may miss a piece.

use std::collections::VecDeque;
use std::io::{self, Write};

const MARK: &str = "specrun ";
/// A line is no longer than its word and this.
pub const AROUND: usize = 64;

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
    /// The last words, when they may be asked for again.
    kept: Option<Kept>,
}

/// Whole lines, the last of them the last that was written.
#[derive(Default)]
struct Kept {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl<W: Write> Framed<W> {
    pub const fn new(to: W) -> Self {
        Self {
            to,
            line: Vec::new(),
            number: 0,
            kept: None,
        }
    }

    /// One that keeps what was not heard yet; see [`Self::heard`].
    pub fn keeping(to: W) -> Self {
        Self {
            kept: Some(Kept::default()),
            ..Self::new(to)
        }
    }

    /// All words before this one were heard, and are not kept any longer.
    pub fn heard(&mut self, next: u64) {
        let Some(kept) = &mut self.kept else { return };
        while self.number - (kept.lines.len() as u64) < next {
            let Some(line) = kept.lines.pop_front() else { break };
            kept.bytes -= line.len();
        }
    }

    /// How many bytes are kept.
    #[must_use]
    pub fn unheard(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| kept.bytes)
    }

    /// Writes the words that are kept again, from this one on.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn again(&mut self, from: u64) -> io::Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let first = self.number - kept.lines.len() as u64;
        let known = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        for line in kept.lines.iter().skip(known) {
            self.to.write_all(line)?;
        }
        self.to.flush()
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
            if let Some(kept) = &mut self.kept {
                kept.bytes += whole.len();
                kept.lines.push_back(whole);
            }
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

    #[test]
    fn what_was_not_heard_can_be_said_again() {
        let said = |next, from| {
            let mut log = Vec::new();
            let mut out = Framed::keeping(&mut log);
            out.write_all(b"a\nb\nc\n").unwrap();
            let all = out.unheard();
            out.heard(next);
            let left = out.unheard();
            let before = out.to.len();
            out.again(from).unwrap();
            assert_eq!(all, before);
            (String::from_utf8(log.split_off(before)).unwrap(), left)
        };
        let b = "specrun 1 71beeff9 b\n";
        let c = "specrun 2 06b9df6f c\n";
        assert_eq!(said(0, 1), (format!("{b}{c}"), 3 * b.len()));
        assert_eq!(said(1, 1), (format!("{b}{c}"), 2 * b.len()));
        // What was heard is gone, and what was never said is not made up.
        assert_eq!(said(2, 0), (c.to_owned(), b.len()));
        assert_eq!(said(3, 2), (String::new(), 0));
        assert_eq!(said(9, 9), (String::new(), 0));
    }
}
