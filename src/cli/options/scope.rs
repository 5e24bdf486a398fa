//! Which specs a verb is about.

use std::path::PathBuf;
use std::str::FromStr;

/// Paths and selection.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Scope {
    /// Spec files, folders or patterns; without one those of the project file.
    #[arg(value_name = "PATH|GLOB")]
    pub paths: Vec<PathBuf>,
    /// Only the specs this selects: 'tag(nightly) & category(serving) - id(T15)'.
    #[arg(short = 'E', long = "select", value_name = "SELECTION")]
    pub select: Option<String>,
    /// Only the k-th of n parts of the selected specs: 1/4.
    #[arg(long, value_name = "K/N")]
    pub partition: Option<Partition>,
    /// A profile of the project file.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// The `part`-th of `of` parts, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    part: usize,
    of: usize,
}

impl Partition {
    /// Whether the spec with this index (from 0) belongs to the part.
    #[must_use]
    pub const fn takes(self, index: usize) -> bool {
        index % self.of == self.part - 1
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a part; write 1/4 for the first of four");
        let (part, of) = text.split_once('/').ok_or_else(wrong)?;
        let part: usize = part.parse().map_err(|_| wrong())?;
        let of: usize = of.parse().map_err(|_| wrong())?;
        if part == 0 || part > of {
            return Err(format!("part {part} of {of} does not exist; parts count from 1"));
        }
        Ok(Self { part, of })
    }
}

#[cfg(test)]
mod tests {
    use super::Partition;

    #[test]
    fn every_spec_is_in_exactly_one_part() {
        let parts: Vec<Partition> = (1..=4).map(|k| format!("{k}/4").parse().unwrap()).collect();
        for index in 0..103 {
            assert_eq!(parts.iter().filter(|p| p.takes(index)).count(), 1, "spec {index}");
        }
    }

    #[test]
    fn parts_that_do_not_exist_are_refused() {
        for text in ["0/4", "5/4", "1", "1/0", "-1/4", "a/b", "1/4/2", ""] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
