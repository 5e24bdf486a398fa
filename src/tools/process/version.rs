//! Asking a program for its version.

use std::path::Path;
use std::time::Duration;

use super::{Command, Processes};
use crate::check::{Class, Failure};
use crate::tools::http::Until;

impl Processes {
    /// The version a program reports to `--version`, `version` or `-V`, whichever answers first.
    ///
    /// # Errors
    /// Class `missing` when the program is not there, `unreadable_answer` when none of its answers holds a version.
    pub async fn version(
        &self,
        program: &str,
        dir: &Path,
        until: &Until,
    ) -> Result<semver::Version, Failure> {
        let mut said = Vec::new();
        for flag in ["--version", "version", "-V"] {
            let mut command = Command::new(program, [flag.to_owned()]);
            dir.clone_into(&mut command.dir);
            command.keep = 16 << 10;
            command.most = 1 << 20;
            command.grace = Duration::from_secs(1);
            let finished = match self.run(command, until).await {
                Ok(finished) => finished,
                Err(failure) if failure.class == Class::TooLarge => continue,
                Err(failure) => return Err(failure),
            };
            for text in [&finished.stdout.text, &finished.stderr.text] {
                if let (Some(version), Some(0)) = (first_version(text), finished.code) {
                    return Ok(version);
                }
                said.extend(text.lines().next().map(str::to_owned));
            }
        }
        let mut failure = Failure::new(
            Class::UnreadableAnswer,
            format!("the version of `{program}` is not known: `{program} --version` names none"),
        );
        failure.details = said;
        Err(failure)
    }
}

/// The first thing in a text that looks like a version: `v2.2.1`, `3.11`, `GitVersion: 1.4.0-rc.1`. Two numbers are
/// filled up with a zero.
#[must_use]
pub fn first_version(text: &str) -> Option<semver::Version> {
    text.split(|c: char| c.is_whitespace() || ",;()[]\"'=/".contains(c))
        .find_map(|word| {
            let word = word.trim_start_matches(['v', 'V']).trim_end_matches(['.', ':']);
            if !word.starts_with(|c: char| c.is_ascii_digit()) || !word.contains('.') {
                return None;
            }
            semver::Version::parse(word)
                .ok()
                .or_else(|| semver::Version::parse(&format!("{word}.0")).ok())
        })
}

#[cfg(test)]
mod tests {
    use super::first_version;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (text, version) in [
            ("cosign v2.2.1", "2.2.1"),
            ("Python 3.11.2\n", "3.11.2"),
            ("git version 2.39.5 (Apple Git-154)", "2.39.5"),
            ("GitVersion:    v1.4.0-rc.1\nGitCommit: abc", "1.4.0-rc.1"),
            ("tool 3.11", "3.11.0"),
            ("Version: 0.52.2, build 1", "0.52.2"),
            ("k6 v1.1.0 (go1.24.4, linux/amd64)", "1.1.0"),
        ] {
            assert_eq!(
                first_version(text).map(|v| v.to_string()).as_deref(),
                Some(version),
                "{text}"
            );
        }
        assert_eq!(first_version("no version, 12 things"), None);
        assert_eq!(first_version(""), None);
    }
}
