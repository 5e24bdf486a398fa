//! Reports that are files: one tree for all of them, written whole and atomically.
//!
//! A file is written at the end, when a signal arrives, and from time to time in between, each time under a
//! temporary name that then takes the final one. So after a kill there is a valid report of an earlier moment, in
//! which specs that had not ended are cancelled, and never half a file.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::fold::{Fold, Keep};
use super::target::{Format, Spec, Target};
use super::{Report, ctrf, github, html, json, junit, markdown, sarif};
use crate::event::{Event, EventKind, Severity, Sink};

/// What reports cannot know from events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Blocked specs count as errors (the default under CI).
    pub strict: bool,
    /// The least severity that fails the run.
    pub fail_on: Severity,
    /// The file that GitHub shows as the summary of a step (`GITHUB_STEP_SUMMARY`).
    pub step_summary: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            strict: false,
            fail_on: Severity::Critical,
            step_summary: None,
        }
    }
}

/// Opens one report; see [`open_all`].
///
/// # Errors
/// When its folder cannot be made or written to.
pub fn open(spec: &Spec, options: &Options) -> io::Result<Box<dyn Sink>> {
    open_all(std::slice::from_ref(spec), options)
}

/// Opens several reports that share one tree.
///
/// # Errors
/// When a folder cannot be made or written to; found now rather than after an hour of running.
pub fn open_all(specs: &[Spec], options: &Options) -> io::Result<Box<dyn Sink>> {
    for spec in specs {
        if let Target::File(path) = &spec.target {
            prepare(path).map_err(|e| told(&e, "preparing", spec))?;
        }
    }
    let everything = specs.iter().any(|s| match s.format {
        Format::Json | Format::Html | Format::Sarif => true,
        Format::Junit | Format::Xunit | Format::Markdown | Format::Github | Format::Ctrf => false,
    });
    let keep = if everything {
        Keep::Everything
    } else {
        Keep::Outcomes
    };
    Ok(Box::new(Files {
        fold: Fold::new(keep),
        specs: specs.to_vec(),
        options: options.clone(),
        pace: Pace::new(),
    }))
}

/// One format as text.
///
/// # Errors
/// When the tree cannot be serialised, which is a mistake in the format.
pub fn render(format: Format, report: &Report, options: &Options) -> io::Result<String> {
    match format {
        Format::Json => json::render(report),
        Format::Junit => junit::render(report, options, junit::Form::Common),
        Format::Xunit => junit::render(report, options, junit::Form::Strict),
        Format::Html => html::render(report),
        Format::Markdown => Ok(markdown::render(report, usize::MAX)),
        Format::Github => Ok(github::render(report, options)),
        Format::Ctrf => ctrf::render(report),
        Format::Sarif => sarif::render(report),
    }
}

/// Replaces a file as a whole: nobody ever sees half of it, also when the disk is full.
///
/// # Errors
/// When the folder cannot be written to; the file is then as it was.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".specrun-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As an ordinary new file; the umask takes its share.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// Reports in files or on stdout.
struct Files {
    fold: Fold,
    specs: Vec<Spec>,
    options: Options,
    pace: Pace,
}

impl Sink for Files {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.fold.event(event);
        let signal = matches!(event.kind, EventKind::Signalled { .. });
        let ended = matches!(event.kind, EventKind::SpecFinished { .. });
        if !(signal || ended && self.pace.due()) {
            return Ok(());
        }
        let began = Instant::now();
        let written = self.write_files();
        self.pace.took(began.elapsed());
        written
    }

    fn finish(&mut self) -> io::Result<()> {
        let files = self.write_files();
        let rest = self.write_rest();
        files.and(rest)
    }

    fn name(&self) -> String {
        self.specs
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl Files {
    /// Every file, also when one cannot be written; the first error is told.
    fn write_files(&mut self) -> io::Result<()> {
        let report = self.fold.report();
        let mut result = Ok(());
        for spec in &self.specs {
            let Target::File(path) = &spec.target else {
                continue;
            };
            let written = render(spec.format, report, &self.options)
                .and_then(|text| replace(path, &text))
                .map_err(|e| told(&e, "writing", spec));
            result = result.and(written);
        }
        result
    }

    /// What can only be written once, at the end: stdout and the step summary.
    fn write_rest(&mut self) -> io::Result<()> {
        let report = self.fold.report();
        let mut result = Ok(());
        for spec in &self.specs {
            if spec.target == Target::Stdout {
                let written = render(spec.format, report, &self.options)
                    .and_then(|text| {
                        let mut out = io::stdout().lock();
                        out.write_all(text.as_bytes())?;
                        out.flush()
                    })
                    .map_err(|e| told(&e, "writing", spec));
                result = result.and(written);
            }
            if let (Format::Github, Some(path)) = (spec.format, &self.options.step_summary) {
                let written = github::append_summary(path, report)
                    .map_err(|e| io::Error::new(e.kind(), format!("writing {}: {e}", path.display())));
                result = result.and(written);
            }
        }
        result
    }
}

/// When to write in between: seldom enough to cost at most a twentieth of the time.
struct Pace {
    last: Instant,
    wait: Duration,
}

impl Pace {
    const LEAST: Duration = Duration::from_secs(2);

    fn new() -> Self {
        Self {
            last: Instant::now(),
            wait: Self::LEAST,
        }
    }

    fn due(&self) -> bool {
        self.last.elapsed() >= self.wait
    }

    fn took(&mut self, cost: Duration) {
        self.last = Instant::now();
        self.wait = (cost * 20).max(Self::LEAST);
    }
}

fn prepare(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    std::fs::create_dir_all(folder)?;
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    // Its drop removes it; what counts is that it could be made.
    tempfile::NamedTempFile::new_in(folder).map(drop)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

fn told(e: &io::Error, doing: &str, spec: &Spec) -> io::Error {
    io::Error::new(e.kind(), format!("{doing} the report {spec}: {e}"))
}
