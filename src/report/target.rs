//! Which report goes where: the text after `--report`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::diag::did_you_mean;

/// A format that `--report` knows. The console is no format: it is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Json,
    Junit,
    Xunit,
    Html,
    Markdown,
    Github,
    Ctrf,
    Sarif,
}

impl Format {
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Junit,
        Self::Xunit,
        Self::Html,
        Self::Markdown,
        Self::Github,
        Self::Ctrf,
        Self::Sarif,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Xunit => "xunit",
            Self::Html => "html",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Ctrf => "ctrf",
            Self::Sarif => "sarif",
        }
    }

    /// One line for the reference.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Json => "the whole run as one versioned JSON document (schemas/report.schema.json)",
            Self::Junit => {
                "JUnit XML as GitLab, Jenkins and others read it: a suite for each spec, a case for each check"
            }
            Self::Xunit => {
                "the same, held to the schema of Jenkins' xUnit plugin, which refuses a file with one attribute more"
            }
            Self::Html => "one self-contained page: matrix, steps over time, values, requests and answers",
            Self::Markdown => "the matrix as a table, and what did not pass",
            Self::Github => "annotations for GitHub Actions, and the step summary",
            Self::Ctrf => "Common Test Report Format",
            Self::Sarif => "findings of scanners and failed checks of category security, SARIF 2.1.0",
        }
    }
}

/// One `--report`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub format: Format,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Stdout,
    File(PathBuf),
}

impl FromStr for Spec {
    type Err = String;

    /// `FORMAT=FILE`, `FORMAT=-`, or `FORMAT` alone for formats that may go to stdout. For `html`, a path that does
    /// not end in `.html` is a folder, which gets an `index.html`.
    fn from_str(s: &str) -> Result<Self, String> {
        let (word, path) = match s.split_once('=') {
            Some((word, path)) => (word, Some(path)),
            None => (s, None),
        };
        let Some(format) = Format::ALL.into_iter().find(|f| f.word() == word) else {
            let known = Format::ALL.iter().map(|f| f.word());
            let help = did_you_mean(word, known)
                .map(|h| format!("; {h}"))
                .unwrap_or_default();
            return Err(format!("unknown report format `{word}`{help}"));
        };
        let target = match path {
            Some("") => return Err(format!("`{s}` names no file; write {word}=FILE")),
            Some("-") => Target::Stdout,
            Some(path) if format == Format::Html && !ends_in_html(path) => {
                Target::File(PathBuf::from(path).join("index.html"))
            }
            Some(path) => Target::File(PathBuf::from(path)),
            None if format == Format::Html || format == Format::Junit => {
                return Err(format!("the {word} report needs a file; write {word}=FILE"));
            }
            None => Target::Stdout,
        };
        Ok(Self { format, target })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Stdout => f.write_str(self.format.word()),
            Target::File(path) => write!(f, "{}={}", self.format.word(), path.display()),
        }
    }
}

fn ends_in_html(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    [".html", ".htm"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        let file = |p: &str| Target::File(PathBuf::from(p));
        for (text, format, target) in [
            ("junit=a.xml", Format::Junit, file("a.xml")),
            ("html=out", Format::Html, file("out/index.html")),
            ("html=out/x.HTML", Format::Html, file("out/x.HTML")),
            ("json", Format::Json, Target::Stdout),
            ("json=-", Format::Json, Target::Stdout),
            ("github", Format::Github, Target::Stdout),
            ("json=a=b.json", Format::Json, file("a=b.json")),
        ] {
            assert_eq!(text.parse::<Spec>(), Ok(Spec { format, target }), "{text}");
        }
    }

    #[test]
    fn a_target_that_cannot_be_is_refused() {
        for text in ["junit", "html", "json=", "junit="] {
            let e = text.parse::<Spec>().unwrap_err();
            assert!(e.contains("=FILE"), "{text}: {e}");
        }
    }
}
