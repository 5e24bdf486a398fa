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
    /// Only the k-th of n parts of the selected specs: 1/4. With `run --on`, a number alone is how many parts there are.
    #[arg(long, value_name = "K/N")]
    pub partition: Option<Partition>,
    /// A profile of the project file.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// What is done of the selected specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// The `part`-th of `of` parts, counted from 1.
    One { part: usize, of: usize },
    /// All, in so many parts.
    All { of: usize },
}

impl Partition {
    /// Whether the spec with this index (from 0) is done.
    #[must_use]
    pub const fn takes(self, index: usize) -> bool {
        match self {
            Self::One { part, of } => index % of == part - 1,
            Self::All { .. } => true,
        }
    }

    /// Into how many parts what is done is taken apart.
    #[must_use]
    pub const fn parts(self) -> usize {
        match self {
            Self::One { .. } => 1,
            Self::All { of } => of,
        }
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a part; write 1/4 for the first of four");
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        let Some((part, of)) = text.split_once('/') else {
            return match number(text)? {
                0 => Err("there must be at least 1 part".to_owned()),
                of => Ok(Self::All { of }),
            };
        };
        let (part, of) = (number(part)?, number(of)?);
        if part == 0 || part > of {
            return Err(format!("part {part} of {of} does not exist; parts count from 1"));
        }
        Ok(Self::One { part, of })
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
        for text in ["0/4", "5/4", "0", "1/0", "-1/4", "a/b", "1/4/2", ""] {
            assert!(text.parse::<Partition>().is_err(), "{text}");
        }
    }
}
