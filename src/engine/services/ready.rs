//! Whether a service is up: by what it says.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::texts::{Texts, absolute};
use crate::spec::environment::Probe;
use crate::tools::http::{Http, Request, Until};
use crate::tools::{Grants, Redactor};

/// Asks one service, as often as is wanted.
pub(super) struct Asker {
    question: Question,
    /// What it said last, for the message when it never becomes ready.
    pub(super) last: String,
}

enum Question {
    Http {
        url: String,
        matches: Option<regex::Regex>,
        runtime: tokio::runtime::Runtime,
        http: Http,
    },
    Exec {
        words: Vec<String>,
        dir: PathBuf,
    },
    Log {
        matches: regex::Regex,
        lines: Lines,
    },
}

impl Asker {
    pub(super) fn new(probe: &Probe, texts: &Texts<'_>, log: &Path) -> Result<Self, String> {
        let regex = |text: &str| regex::Regex::new(text).map_err(|e| format!("`ready.matches`: {e}"));
        let question = match probe {
            Probe::Http { url, matches } => Question::Http {
                url: texts.text(url)?,
                matches: matches.as_deref().map(regex).transpose()?,
                runtime: tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(|e| format!("making threads: {e}"))?,
                http: Http::new(Arc::new(Grants::open()), Arc::new(Redactor::new(&[]))),
            },
            Probe::Exec { command } => Question::Exec {
                words: texts.words(command)?,
                dir: absolute(&texts.environment.dir),
            },
            Probe::Log { matches } => Question::Log {
                matches: regex(matches)?,
                // What an earlier start said there says nothing of this one.
                lines: Lines::after(log),
            },
        };
        Ok(Self {
            question,
            last: "it was not asked yet".to_owned(),
        })
    }

    /// Asks once; takes a few seconds at most.
    pub(super) fn ask(&mut self) -> bool {
        const PATIENCE: Duration = Duration::from_secs(5);
        let answer = match &mut self.question {
            Question::Http {
                url,
                matches,
                runtime,
                http,
            } => {
                let until = Until {
                    deadline: Instant::now() + PATIENCE,
                    cancel: CancellationToken::new(),
                };
                let request = Request::new("GET", url.clone());
                match runtime.block_on(http.send(None, request, &until)) {
                    Err(failure) => Err(failure.to_string()),
                    Ok(response) if !(200..300).contains(&response.status) => {
                        Err(format!("GET {url} gave status {}", response.status))
                    }
                    Ok(response) => {
                        let text = String::from_utf8_lossy(&response.body);
                        match matches {
                            Some(re) if !re.is_match(&text) => {
                                let start: String = text.chars().take(80).collect();
                                Err(format!("GET {url} gave {start:?}, which does not match `{re}`"))
                            }
                            _ => Ok(()),
                        }
                    }
                }
            }
            Question::Exec { words, dir } => exec(words, dir, PATIENCE),
            Question::Log { matches, lines } => {
                let found = lines.more().iter().any(|line| matches.is_match(line));
                if found {
                    Ok(())
                } else {
                    Err(format!("no line of its output matches `{matches}`"))
                }
            }
        };
        match answer {
            Ok(()) => true,
            Err(why) => {
                self.last = why;
                false
            }
        }
    }
}

fn exec(words: &[String], dir: &Path, patience: Duration) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("starting `{program}`: {e}"))?;
    let until = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("`{program}` ended with {status}")),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("`{program}` did not end within {patience:?}"));
            }
            Err(e) => return Err(format!("waiting for `{program}`: {e}")),
        }
    }
}

/// Lines of a growing file.
pub(super) struct Lines {
    path: PathBuf,
    at: u64,
    rest: Vec<u8>,
}

impl Lines {
    /// From its beginning.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            at: 0,
            rest: Vec::new(),
        }
    }

    /// Those that come after what is there now.
    pub(super) fn after(path: &Path) -> Self {
        Self {
            at: std::fs::metadata(path).map_or(0, |m| m.len()),
            ..Self::of(path)
        }
    }

    /// Whole lines that came since the last call.
    pub(super) fn more(&mut self) -> Vec<String> {
        /// A service that floods its log is read on at the next call.
        const AT_ONCE: u64 = 4 << 20;
        let mut new = Vec::new();
        let read = File::open(&self.path).and_then(|mut f| {
            f.seek(SeekFrom::Start(self.at))?;
            f.take(AT_ONCE).read_to_end(&mut new)
        });
        let Ok(read) = read else { return Vec::new() };
        self.at += read as u64;
        self.rest.append(&mut new);
        let Some(end) = self.rest.iter().rposition(|b| *b == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        String::from_utf8_lossy(&whole)
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// The last lines of a log.
pub(super) fn tail(path: &Path, lines: usize) -> Vec<String> {
    const MOST: i64 = 64 << 10;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut f| {
        let back = MOST.min(i64::try_from(f.metadata()?.len()).unwrap_or(MOST));
        f.seek(SeekFrom::End(-back))?;
        f.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|l| (*l).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::Lines;

    #[test]
    fn what_an_earlier_start_said_is_not_heard_again() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("service.log");
        std::fs::write(&log, "ready on port 1\n").unwrap();
        assert_eq!(Lines::of(&log).more(), ["ready on port 1"]);
        let mut lines = Lines::after(&log);
        assert!(lines.more().is_empty());
        let mut file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
        file.write_all(b"ready on port 2\n").unwrap();
        assert_eq!(lines.more(), ["ready on port 2"]);
    }
}
