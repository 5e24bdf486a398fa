//! Which values stand in a table more than once, counted in memory that does not grow with the rows.
//!
//! Of each value a print of 128 bits is kept, not the value, and no more than two of equal prints: whether a value stands
//! there once or more often is all that counting needs, because whoever is not alone is repeated. Prints are parted by
//! their first bits; when those that are left need more than the given memory, they go to a file without a name, which
//! nothing can leave behind. In the end the parts are brought back one after the other, sorted and counted. So a part
//! is small whether all values differ or all are equal.
//!
//! Two different values with the same print would be counted as equal ones: among a billion values the chance of that
//! is less than 1 in 10^20. It could make a check of uniqueness fail, whose report then shows two rows that differ; it
//! could not make one pass. Nothing here knows of columns or checks.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// How many parts there are; a billion prints make parts of 64 MB.
const PARTS: usize = 256;
/// The bytes of a print.
const SIZE: usize = 16;
/// At most so many repeated values are remembered, by their prints.
const REMEMBERED: usize = 1 << 20;

/// Where counting may put what memory should not hold.
#[derive(Clone, Debug)]
pub struct Room {
    /// A folder, which is made when it is needed.
    pub folder: PathBuf,
    /// How many bytes may stay in memory.
    pub memory: usize,
}

/// Prints of the values that were looked at so far.
#[derive(Debug)]
pub struct Prints {
    room: Room,
    /// By part, those in memory.
    held: Vec<Vec<u128>>,
    in_memory: usize,
    file: Option<File>,
    /// By part, where the file has some: the offset and how many.
    blocks: Vec<Vec<(u64, usize)>>,
    end: u64,
    looked_at: u64,
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many values there were.
    pub looked_at: u64,
    /// How many different ones.
    pub different: u64,
    /// How many stand there more than once, every member of a group counted.
    pub repeated: u64,
    /// The prints of repeated values in their order: all, or the first million of them.
    pub groups: Vec<u128>,
    /// Whether memory was not enough and the file was used.
    pub spilled: bool,
}

/// The print of a value.
#[must_use]
pub fn print(value: &[u8]) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(value);
        u128::from(hasher.finish())
    };
    (half(1) << 64) | half(2)
}

impl Prints {
    #[must_use]
    pub fn new(room: Room) -> Self {
        Self {
            room,
            held: vec![Vec::new(); PARTS],
            in_memory: 0,
            file: None,
            blocks: vec![Vec::new(); PARTS],
            end: 0,
            looked_at: 0,
        }
    }

    /// Adds prints.
    ///
    /// # Errors
    /// One line, when the file cannot be written.
    pub fn add(&mut self, prints: impl IntoIterator<Item = u128>) -> Result<(), String> {
        for print in prints {
            self.looked_at += 1;
            self.held[(print >> 120) as usize].push(print);
            self.in_memory += SIZE;
            if self.in_memory > self.room.memory {
                self.fold();
                // What folding leaves little of is of few values, and will be so next time.
                if self.in_memory > self.room.memory / 2 {
                    self.spill().map_err(|e| self.room.broken("writing", &e))?;
                }
            }
        }
        Ok(())
    }

    /// Keeps two of equal prints.
    fn fold(&mut self) {
        self.in_memory = 0;
        for held in &mut self.held {
            held.sort_unstable();
            let mut twice = false;
            held.dedup_by(|next, kept| {
                let equal = next == kept;
                let goes = equal && twice;
                twice = equal;
                goes
            });
            self.in_memory += held.len() * SIZE;
        }
    }

    /// Writes everything that is held to the file.
    fn spill(&mut self) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                std::fs::create_dir_all(&self.room.folder)?;
                none.insert(tempfile::tempfile_in(&self.room.folder)?)
            }
        };
        let mut bytes = Vec::new();
        for (held, blocks) in self.held.iter_mut().zip(&mut self.blocks) {
            if held.is_empty() {
                continue;
            }
            bytes.clear();
            bytes.extend(held.iter().flat_map(|print| print.to_le_bytes()));
            file.write_all(&bytes)?;
            blocks.push((self.end, held.len()));
            self.end += bytes.len() as u64;
            held.clear();
        }
        self.in_memory = 0;
        Ok(())
    }

    /// Counts, and forgets what was added.
    ///
    /// # Errors
    /// One line, when the file cannot be read.
    pub fn count(&mut self) -> Result<Counted, String> {
        let mut counted = Counted {
            looked_at: std::mem::take(&mut self.looked_at),
            spilled: self.file.is_some(),
            ..Counted::default()
        };
        let mut alone = 0;
        for part in 0..PARTS {
            let mut prints = std::mem::take(&mut self.held[part]);
            self.bring(part, &mut prints)
                .map_err(|e| self.room.broken("reading", &e))?;
            prints.sort_unstable();
            for group in prints.chunk_by(|a, b| a == b) {
                counted.different += 1;
                match group {
                    [first, _, ..] if counted.groups.len() < REMEMBERED => counted.groups.push(*first),
                    [_] => alone += 1,
                    _ => {}
                }
            }
        }
        counted.repeated = counted.looked_at - alone;
        *self = Self::new(self.room.clone());
        Ok(counted)
    }

    /// Adds what the file has of a part.
    fn bring(&mut self, part: usize, to: &mut Vec<u128>) -> std::io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let blocks = std::mem::take(&mut self.blocks[part]);
        to.reserve_exact(blocks.iter().map(|(_, many)| many).sum());
        let mut bytes = Vec::new();
        for (at, many) in blocks {
            bytes.resize(many * SIZE, 0);
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut bytes)?;
            let (prints, _) = bytes.as_chunks::<SIZE>();
            to.extend(prints.iter().map(|print| u128::from_le_bytes(*print)));
        }
        Ok(())
    }
}

impl Counted {
    /// Whether a value is one of those that are remembered as repeated.
    #[must_use]
    pub fn repeats(&self, print: u128) -> bool {
        self.groups.binary_search(&print).is_ok()
    }
}

impl Room {
    /// A place for this many bytes in memory.
    #[must_use]
    pub fn new(folder: &Path, memory: usize) -> Self {
        Self {
            folder: folder.to_path_buf(),
            memory,
        }
    }

    fn broken(&self, doing: &str, error: &std::io::Error) -> String {
        let folder = self.folder.display();
        format!("{doing} what is counted, in a file in {folder}: {error}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many numbers, with groups of different sizes, what counting must give.
    fn counted(memory: usize, many: u64) -> (Counted, Counted) {
        let folder = tempfile::tempdir().expect("a folder");
        let value = |i: u64| if i % 7 < 2 { i - i % 7 } else { i };
        let mut prints = Prints::new(Room::new(folder.path(), memory));
        let all: Vec<u128> = (0..many).map(|i| print(&value(i).to_le_bytes())).collect();
        for piece in all.chunks(1000) {
            prints.add(piece.iter().copied()).expect("added");
        }
        let found = prints.count().expect("counted");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        let mut sorted = all;
        sorted.sort_unstable();
        let mut wanted = Counted {
            looked_at: many,
            spilled: memory < 1 << 20,
            ..Counted::default()
        };
        for group in sorted.chunk_by(|a, b| a == b) {
            wanted.different += 1;
            if group.len() > 1 {
                wanted.repeated += group.len() as u64;
                wanted.groups.push(group[0]);
            }
        }
        (found, wanted)
    }

    #[test]
    fn the_file_changes_nothing() {
        let (in_memory, wanted) = counted(1 << 20, 50_000);
        assert_eq!(in_memory, wanted);
        assert!(wanted.repeated > 14_000, "{}", wanted.repeated);
        for memory in [0, 16, 1000, 100_000] {
            let (found, wanted) = counted(memory, 50_000);
            assert_eq!(found, wanted, "{memory} bytes");
        }
    }

    #[test]
    fn few_values_need_no_file_however_often_they_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prints = Prints::new(Room::new(folder.path(), 10_000));
        for i in 0..100_000_u32 {
            prints.add([print(&(i % 6).to_le_bytes())]).expect("added");
        }
        prints.add([print(b"alone")]).expect("added");
        let held: usize = prints.held.iter().map(Vec::len).sum();
        assert!(held <= 10_000 / SIZE, "{held} prints are held");
        let counted = prints.count().expect("counted");
        assert!(!counted.spilled);
        assert_eq!(
            (counted.looked_at, counted.different, counted.repeated),
            (100_001, 7, 100_000)
        );
        assert_eq!(counted.groups.len(), 6);
    }

    #[test]
    fn one_value_among_many_fills_no_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prints = Prints::new(Room::new(folder.path(), 100_000));
        for i in 0..100_000_u32 {
            let value = if i % 2 == 0 { 0 } else { i };
            prints.add([print(&value.to_le_bytes())]).expect("added");
        }
        let in_file = prints
            .blocks
            .iter()
            .flatten()
            .map(|(_, many)| many)
            .sum::<usize>();
        assert!(in_file < 55_000, "{in_file} prints are in the file");
        let counted = prints.count().expect("counted");
        assert!(counted.spilled);
        assert_eq!((counted.different, counted.repeated), (50_001, 50_000));
    }

    #[test]
    fn nothing_is_nothing() {
        let (found, wanted) = counted(1 << 20, 0);
        assert_eq!(found, wanted);
    }

    #[test]
    fn groups_are_found_again() {
        let mut prints = Prints::new(Room::new(Path::new("/"), 1 << 20));
        prints.add([b"a", b"b", b"a"].map(|v| print(v))).expect("added");
        let counted = prints.count().expect("counted");
        assert_eq!((counted.different, counted.repeated), (2, 2));
        assert!(counted.repeats(print(b"a")) && !counted.repeats(print(b"b")));
        // It starts anew.
        prints.add([print(b"a")]).expect("added");
        assert_eq!(prints.count().expect("counted").repeated, 0);
    }

    #[test]
    fn a_folder_that_cannot_be_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut prints = Prints::new(Room::new(&file.path().join("below"), 0));
        let why = prints.add([1]).expect_err("no folder");
        assert!(why.contains(&file.path().display().to_string()), "{why}");
    }
}
