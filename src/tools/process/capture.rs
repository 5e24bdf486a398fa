//! What a program prints: its start and end in memory, the whole in a file, redacted on the way.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::tools::{Redacting, Redactor};

/// One output of a program, redacted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The whole, or its start and end with a line between that says how much is left out. Bytes that are no UTF-8
    /// are replaced.
    pub text: String,
    /// Bytes the program wrote.
    pub size: u64,
    /// Whether `text` leaves something out.
    pub cut: bool,
    /// Where the whole is, when `text` leaves something out and a folder was given.
    pub file: Option<PathBuf>,
}

/// Keeps the start and the end of what is written, and writes the whole to a file once it is too long.
pub struct Capture {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Redacted bytes so far.
    kept: u64,
    half: usize,
    file: Option<(PathBuf, Option<File>)>,
    broken: Option<io::Error>,
}

/// The capture behind a redactor.
pub type Redacted = Redacting<Capture>;

impl Capture {
    pub fn redacted(keep: usize, spill: Option<&Path>, name: &str, redactor: &Arc<Redactor>) -> Redacted {
        let capture = Self {
            head: Vec::new(),
            tail: Vec::new(),
            kept: 0,
            half: (keep / 2).max(1),
            file: spill.map(|dir| (dir.join(format!("{name}.txt")), None)),
            broken: None,
        };
        Redacting::new(capture, Arc::clone(redactor))
    }

    pub fn done(mut self, size: u64) -> Captured {
        let cut = self.kept > (self.head.len() + self.tail.len()) as u64;
        let file = self.file.take().and_then(|(path, file)| {
            let mut file = file?;
            (file.flush().is_ok() && self.broken.is_none()).then_some(path)
        });
        let text = if cut {
            let left_out = self.kept - (self.head.len() + self.tail.len()) as u64;
            format!(
                "{}\n[... {left_out} bytes left out ...]\n{}",
                String::from_utf8_lossy(&self.head),
                String::from_utf8_lossy(&self.tail)
            )
        } else {
            let mut whole = self.head;
            whole.extend(self.tail);
            String::from_utf8_lossy(&whole).into_owned()
        };
        Captured {
            text,
            size,
            cut,
            file: file.filter(|_| cut),
        }
    }

    fn spill(&mut self, bytes: &[u8]) {
        // What fits into memory needs no file; the file starts with what was kept so far.
        if self.kept + bytes.len() as u64 <= 2 * self.half as u64
            && self.file.as_ref().is_none_or(|f| f.1.is_none())
        {
            return;
        }
        let Some((path, file)) = &mut self.file else {
            return;
        };
        let result = match file {
            Some(file) => file.write_all(bytes),
            None => path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| File::create(&*path))
                .and_then(|mut new| {
                    new.write_all(&self.head)?;
                    new.write_all(&self.tail)?;
                    new.write_all(bytes)?;
                    *file = Some(new);
                    Ok(())
                }),
        };
        if let Err(e) = result {
            // A full disk must not change what the program did; the text says that it is cut.
            self.broken.get_or_insert(e);
        }
    }
}

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spill(bytes);
        self.kept += bytes.len() as u64;
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        if self.tail.len() > self.half {
            let surplus = self.tail.len() - self.half;
            self.tail.drain(..surplus);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Secret;

    fn capture(keep: usize, dir: Option<&Path>, pieces: &[&str]) -> Captured {
        let redactor = Arc::new(Redactor::new(&[Secret::new("t", "hunter22")]));
        let mut w = Capture::redacted(keep, dir, "stdout", &redactor);
        for piece in pieces {
            w.write_all(piece.as_bytes()).unwrap();
        }
        let size = pieces.iter().map(|p| p.len() as u64).sum();
        w.finish().unwrap().done(size)
    }

    #[test]
    fn short_output_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let got = capture(100, Some(dir.path()), &["a\n", "hunt", "er22 b\n"]);
        assert_eq!(
            (got.text.as_str(), got.cut, got.file),
            ("a\n*** b\n", false, None)
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn long_output_keeps_both_ends_and_goes_to_a_file_whole() {
        let dir = tempfile::tempdir().unwrap();
        let pieces: Vec<String> = (0..100).map(|i| format!("line {i} hunter22\n")).collect();
        let refs: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let got = capture(64, Some(&dir.path().join("deep/er")), &refs);
        assert!(
            got.cut && got.text.starts_with("line 0 ***\n") && got.text.ends_with("line 99 ***\n"),
            "{}",
            got.text
        );
        assert!(got.text.contains("bytes left out"), "{}", got.text);
        let whole = std::fs::read_to_string(got.file.unwrap()).unwrap();
        assert_eq!(whole, pieces.concat().replace("hunter22", "***"));
    }

    #[test]
    fn without_a_folder_there_is_no_file() {
        let got = capture(4, None, &["abcdefghij"]);
        assert_eq!((got.cut, got.file), (true, None));
    }
}
