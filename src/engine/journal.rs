//! The journal: every event of a run, one line each, on disk before the next thing begins.
//!
//! A line is the CRC-32 of the event's JSON in eight hex digits, a space, and the JSON. Each line is one `write` to a
//! file opened for appending, so a killed process leaves whole lines, save perhaps the last: [`read`] forgives a torn
//! tail and reports damage anywhere else. The data is flushed to the disk itself about once a second and at the end;
//! what a crash of the operating system may cost is that second.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::event::{Event, EventKind, VERSION};

/// Writes a journal.
pub(super) struct Writer {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    good: u64,
    line: Vec<u8>,
    synced: Instant,
    /// The first thing that went wrong; the run goes on.
    error: Option<io::Error>,
}

impl Writer {
    /// Starts a journal; there must be none of this name.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            good: 0,
            line: Vec::new(),
            synced: Instant::now(),
            error: None,
        })
    }

    /// Continues a journal whose writer is gone; a torn last line is cut off first.
    pub(super) fn reopen(path: &Path, whole: u64) -> io::Result<Self> {
        let file = File::options().append(true).open(path)?;
        file.set_len(whole)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            good: whole,
            line: Vec::new(),
            synced: Instant::now(),
            error: None,
        })
    }

    /// Appends one event. What goes wrong is kept for [`Writer::finish`]; a line that was cut short (a full disk) is
    /// taken back, so that later events find whole lines before them.
    pub(super) fn append(&mut self, event: &Event) {
        if let Err(e) = self.try_append(event) {
            let _ = self.file.set_len(self.good);
            self.error.get_or_insert(e);
        }
    }

    fn try_append(&mut self, event: &Event) -> io::Result<()> {
        const HEAD: usize = 9;
        self.line.clear();
        self.line.extend_from_slice(b"00000000 ");
        serde_json::to_writer(&mut self.line, event)?;
        let crc = format!("{:08x}", crc32fast::hash(&self.line[HEAD..]));
        self.line[..HEAD - 1].copy_from_slice(crc.as_bytes());
        self.line.push(b'\n');
        self.file.write_all(&self.line)?;
        self.good += self.line.len() as u64;
        let end = matches!(event.kind, EventKind::RunFinished { .. });
        if end || self.synced.elapsed() >= Duration::from_secs(1) {
            self.file.sync_data()?;
            self.synced = Instant::now();
        }
        Ok(())
    }

    /// The file, and the first error if there was one.
    pub(super) fn finish(mut self) -> (PathBuf, Option<io::Error>) {
        if let Err(e) = self.file.sync_data() {
            self.error.get_or_insert(e);
        }
        (self.path, self.error)
    }
}

/// A journal as it was found.
#[derive(Debug, Default)]
pub struct Journal {
    pub events: Vec<Event>,
    /// The last line was cut short: the run was killed while it wrote.
    pub torn: bool,
    /// Lines that are not what was written.
    pub damage: Vec<Damage>,
    /// Bytes up to the end of the last whole line.
    pub whole: u64,
}

impl Journal {
    /// Whether the run came to its end.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.events
            .iter()
            .rev()
            .any(|e| matches!(e.kind, EventKind::RunFinished { .. }))
    }
}

/// A line that cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Damage {
    pub line: u64,
    pub what: String,
}

/// Why a journal cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("reading the journal {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("the journal {} was written in format {found}; this specrun reads up to {VERSION}", path.display())]
    Newer { path: PathBuf, found: u32 },
    #[error("the journal {} holds no event", path.display())]
    Empty { path: PathBuf },
}

/// Reads a journal: the file, or the run directory it is in.
///
/// # Errors
/// When the file cannot be read, holds nothing, or was written by a newer specrun. Damage within is no error but is
/// told in [`Journal::damage`].
pub fn read(path: &Path) -> Result<Journal, ReadError> {
    let path = if path.is_dir() {
        super::run_dir::journal_of(path)
    } else {
        path.to_owned()
    };
    let io = |error| ReadError::Io {
        path: path.clone(),
        error,
    };
    let journal = parse(BufReader::new(File::open(&path).map_err(io)?)).map_err(io)?;
    for event in &journal.events {
        if let EventKind::RunStarted { run } = &event.kind
            && run.format > VERSION
        {
            return Err(ReadError::Newer {
                path,
                found: run.format,
            });
        }
    }
    if journal.events.is_empty() {
        return Err(ReadError::Empty { path });
    }
    Ok(journal)
}

/// Reads lines until the end.
///
/// # Errors
/// Only those of the reader itself.
pub fn parse(mut from: impl BufRead) -> io::Result<Journal> {
    /// No event is larger; a line without an end must not fill the memory.
    const LONGEST: u64 = 1 << 30;
    let mut journal = Journal::default();
    let mut line = Vec::new();
    let mut number = 0;
    let mut expected = 0;
    loop {
        line.clear();
        let read = from.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(journal);
        }
        number += 1;
        let Some(text) = line.strip_suffix(b"\n") else {
            journal.torn = true;
            return Ok(journal);
        };
        let what = match event_of(text) {
            Ok(event) => {
                let gap = event.seq != expected;
                expected = event.seq + 1;
                journal.events.push(event);
                gap.then(|| format!("events are missing before number {}", expected - 1))
            }
            Err(what) => Some(what),
        };
        journal.whole += read;
        journal
            .damage
            .extend(what.map(|what| Damage { line: number, what }));
    }
}

fn event_of(line: &[u8]) -> Result<Event, String> {
    serde_json::from_slice(json_of(line)?).map_err(|e| format!("it is not an event: {e}"))
}

/// What a line holds behind its checksum.
pub(super) fn json_of(line: &[u8]) -> Result<&[u8], String> {
    let (crc, json) = line
        .split_at_checked(9)
        .filter(|(head, _)| head[8] == b' ')
        .ok_or("it does not begin with a checksum")?;
    let crc = std::str::from_utf8(&crc[..8])
        .ok()
        .and_then(|t| u32::from_str_radix(t, 16).ok())
        .ok_or("it does not begin with a checksum")?;
    let actual = crc32fast::hash(json);
    if crc != actual {
        return Err(format!("the checksum is {actual:08x}, but {crc:08x} was written"));
    }
    Ok(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(seq: u64) -> Event {
        Event {
            seq,
            at: String::new(),
            elapsed: 0.0,
            spec: None,
            step: None,
            kind: EventKind::Note {
                message: format!("note {seq}"),
            },
        }
    }

    #[test]
    fn a_full_disk_is_told_at_the_end() {
        let mut writer = Writer::create(&tempfile::tempdir().unwrap().path().join("j")).unwrap();
        writer.file = File::options().append(true).open("/dev/full").unwrap();
        writer.append(&note(0));
        writer.append(&note(1));
        let (_, error) = writer.finish();
        assert_eq!(error.unwrap().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_missing_event_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut writer = Writer::create(&path).unwrap();
        for seq in [0, 1, 3] {
            writer.append(&note(seq));
        }
        assert!(writer.finish().1.is_none());
        let journal = read(&path).unwrap();
        assert_eq!(journal.events.len(), 3);
        assert_eq!(journal.damage.len(), 1);
        assert_eq!(journal.damage[0].line, 3);
    }

    #[test]
    fn writing_on_takes_a_torn_line_away_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        let mut writer = Writer::create(&path).unwrap();
        writer.append(&note(0));
        assert!(writer.finish().1.is_none());
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"0123")
            .unwrap();
        let torn = read(&path).unwrap();
        assert!(torn.torn);
        let mut writer = Writer::reopen(&path, torn.whole).unwrap();
        writer.append(&note(1));
        assert!(writer.finish().1.is_none());
        let whole = read(&path).unwrap();
        assert_eq!(
            (whole.events, whole.torn, whole.damage),
            (vec![note(0), note(1)], false, vec![])
        );
    }

    #[test]
    fn a_newer_format_and_an_empty_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("j");
        File::create(&path).unwrap();
        assert!(matches!(read(&path), Err(ReadError::Empty { .. })));
        assert!(matches!(
            read(&dir.path().join("none")),
            Err(ReadError::Io { .. })
        ));
    }
}
