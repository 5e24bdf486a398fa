//! Starting a program, reading what it prints, and ending it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::capture::Capture;
use super::{Captured, Command, EnvValue, Finished, Group, INHERITED, MARKER, Processes, find};
use crate::check::{Class, Failure};
use crate::tools::Capability;
use crate::tools::http::Until;

/// How long outputs may stay open after the program and its group have ended: a process that left the group holds
/// them.
const LINGER: Duration = Duration::from_secs(2);
/// The most of a command line that messages show, in characters.
const SHOWN: usize = 300;
/// Variables that name code which a loader or an interpreter runs before the program itself.
const LOADERS: [&str; 18] = [
    "BASH_ENV",
    "ENV",
    "IFS",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PERL5OPT",
    "PERL5LIB",
    "RUBYOPT",
    "RUBYLIB",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "GIT_SSH_COMMAND",
    "GIT_EXEC_PATH",
    "GCONV_PATH",
];
/// Lines of the end of the output that a failure shows.
const SHOWN_LINES: usize = 20;

impl Finished {
    /// `exit code 3`, `signal 9`.
    #[must_use]
    pub fn how(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "an unknown end".to_owned(),
        }
    }

    /// The failure that shows how the program ended and the last lines it printed.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let mut failure = Failure::new(
            Class::ExitCode,
            format!("`{}` ended with {}", self.shown, self.how()),
        );
        failure.exit_code = self.code;
        failure.details = last_lines(&self.stdout, &self.stderr);
        failure
    }
}

impl Processes {
    /// Runs a program to its end, whatever its exit code.
    ///
    /// # Errors
    /// `not_granted`, `missing`, `bad_parameter` before it starts; `timeout`, `cancelled`, `too_large` when it had to
    /// be ended, with the last lines it printed.
    pub async fn run(&self, command: Command, until: &Until) -> Result<Finished, Failure> {
        let shown = self.shown(&command);
        let inherited = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
        let mut env: Vec<(String, std::ffi::OsString)> =
            INHERITED.iter().filter_map(|n| inherited(n)).collect();
        for (name, value) in &command.env {
            let text = match value {
                EnvValue::Plain(text) => text,
                EnvValue::Secret(secret) => secret.expose(),
            };
            if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
                return Err(Failure::new(
                    Class::BadParameter,
                    format!("`{shown}`: the variable `{}` cannot be set", name.escape_debug()),
                ));
            }
            self.judge_variable(name)?;
            env.retain(|(n, _)| n != name);
            env.push((name.clone(), text.into()));
        }
        env.push((MARKER.to_owned(), self.marker.clone().into()));
        self.judge(&command, command.known_as.as_deref().unwrap_or(&command.program))?;
        // Under a policy a name means the program of specrun's own PATH, or a spec could put another in its place.
        let own = std::env::var_os("PATH");
        let given = env.iter().find(|(n, _)| n == "PATH").map(|(_, v)| v.as_os_str());
        let path = if self.grants.open { given } else { own.as_deref() };
        let program = find(&command.program, &command.dir, path)?;
        // A rule that denies a program also denies it under the path it was found at, links followed.
        for name in [Some(program.clone()), program.canonicalize().ok()]
            .into_iter()
            .flatten()
        {
            self.judge_denied(&command, &name.to_string_lossy())?;
        }
        if command.args.iter().any(|a| a.contains('\0')) {
            return Err(Failure::new(
                Class::BadParameter,
                format!("`{shown}`: an argument holds a zero byte"),
            ));
        }

        let started = Instant::now();
        let mut child = tokio::process::Command::new(&program)
            .args(&command.args)
            .env_clear()
            .envs(env)
            .current_dir(if command.dir.as_os_str().is_empty() {
                std::path::Path::new(".")
            } else {
                &command.dir
            })
            .stdin(if command.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| start_failure(&shown, &command, &e))?;
        // From here on the group dies with this function, however it is left.
        let group = Group::led_by(child.id());
        let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Failure::new(
                Class::Internal,
                format!("`{shown}`: its outputs were not opened"),
            ));
        };
        let stdin = child.stdin.take().zip(command.stdin.clone());
        let feed = async move {
            if let Some((mut pipe, text)) = stdin {
                // A program may end without reading it all.
                let _ = pipe.write_all(&text).await;
            }
        };
        let mut stdout = Output::new(self, &command, "stdout");
        let mut stderr = Output::new(self, &command, "stderr");

        let end = {
            let feed = async {
                feed.await;
                Ok(())
            };
            // The first output that is too long ends the reading of all.
            let reading = async { tokio::try_join!(feed, stdout.read(out), stderr.read(err)) };
            tokio::pin!(reading);
            let mut read = None;
            let late = crate::tools::awake::until(until.deadline);
            tokio::pin!(late);
            let status = loop {
                tokio::select! {
                    biased;
                    () = until.cancel.cancelled() => break Err((Class::Cancelled, "the run was stopped")),
                    done = &mut reading, if read.is_none() => {
                        let over = done.is_err();
                        read = Some(());
                        if over {
                            break Err((Class::TooLarge, "it prints more than is allowed"));
                        }
                    }
                    status = child.wait() => break Ok(status),
                    () = &mut late => {
                        break Err((Class::Timeout, "it did not end in time"));
                    }
                }
            };
            if status.is_err() {
                group.terminate();
                // It may use its grace to print why; what it prints is read meanwhile.
                let polite = async {
                    if read.is_none() {
                        tokio::join!(child.wait(), async { (&mut reading).await }).0
                    } else {
                        child.wait().await
                    }
                };
                let _ = tokio::time::timeout(command.grace, polite).await;
                group.kill();
                let _ = child.wait().await;
            } else {
                // What the program left running in its group ends with it; then the pipes close.
                group.kill();
                if read.is_none() {
                    let _ = tokio::time::timeout(LINGER, &mut reading).await;
                }
            }
            status
        };
        let (stdout, stderr) = (stdout.done(), stderr.done());
        match end {
            Ok(status) => {
                let status = status.map_err(|e| {
                    Failure::new(Class::Internal, format!("`{shown}`: waiting for it failed: {e}"))
                })?;
                Ok(Finished {
                    code: status.code(),
                    signal: status.signal(),
                    stdout,
                    stderr,
                    elapsed: started.elapsed(),
                    shown,
                })
            }
            Err((class, why)) => {
                let mut failure = Failure::new(class, format!("`{shown}` was ended: {why}"));
                failure.details = last_lines(&stdout, &stderr);
                Err(failure)
            }
        }
    }

    fn judge(&self, command: &Command, program: &str) -> Result<(), Failure> {
        let wanted = wanted(command, program);
        if program == crate::tools::capability::UNKNOWN {
            return Err(Failure::new(Class::BadParameter, "`?` is no program"));
        }
        self.grants.check(&wanted)
    }

    /// Some variables make a program run other code than its own; under a policy they have to be granted by name.
    fn judge_variable(&self, name: &str) -> Result<(), Failure> {
        let loads_code = LOADERS.contains(&name) || name.starts_with("LD_") || name.starts_with("DYLD_");
        if self.grants.open || !loads_code {
            return Ok(());
        }
        self.grants.check(&Capability::Env {
            name: name.to_owned(),
        })
    }

    fn judge_denied(&self, command: &Command, program: &str) -> Result<(), Failure> {
        let denied = crate::tools::Grants {
            open: true,
            allow: Vec::new(),
            deny: self.grants.deny.clone(),
        };
        denied.check(&wanted(command, program))
    }

    fn shown(&self, command: &Command) -> String {
        let mut line = command.program.clone();
        for arg in &command.args {
            line.push(' ');
            if arg.is_empty() || arg.contains(|c: char| c.is_whitespace() || c.is_control()) {
                let _ = write!(line, "{arg:?}");
            } else {
                line.push_str(arg);
            }
        }
        let mut shown: String = self.redactor.redact(&line).chars().take(SHOWN).collect();
        if line.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        shown
    }
}

fn wanted(command: &Command, program: &str) -> Capability {
    Capability::Exec {
        program: program.to_owned(),
        args: command.args.clone(),
    }
}

/// One output while it is read.
struct Output {
    capture: super::capture::Redacted,
    size: u64,
    most: u64,
}

impl Output {
    fn new(processes: &Processes, command: &Command, name: &str) -> Self {
        Self {
            capture: Capture::redacted(command.keep, command.spill.as_deref(), name, &processes.redactor),
            size: 0,
            most: command.most,
        }
    }

    /// Reads to the end; an error says that there is more than allowed.
    async fn read(&mut self, mut from: impl AsyncRead + Unpin) -> Result<(), ()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(()),
                Ok(n) => {
                    self.size += n as u64;
                    // The capture keeps its own errors.
                    let _ = self.capture.write_all(&buffer[..n]);
                    if self.size > self.most {
                        return Err(());
                    }
                }
            }
        }
    }

    fn done(self) -> Captured {
        let size = self.size;
        self.capture.finish().map(|c| c.done(size)).unwrap_or_default()
    }
}

fn start_failure(shown: &str, command: &Command, error: &std::io::Error) -> Failure {
    if !command.dir.as_os_str().is_empty() && !command.dir.is_dir() {
        return Failure::new(
            Class::Missing,
            format!(
                "`{shown}` cannot start: its folder {} does not exist",
                command.dir.display()
            ),
        );
    }
    let failure = Failure::new(Class::BadParameter, format!("`{shown}` cannot start: {error}"));
    match error.raw_os_error() {
        // ENOEXEC: no binary and no `#!` line.
        Some(8) => failure.help("it has no `#!` line; name its interpreter: [python3, script.py]"),
        _ => failure,
    }
}

fn last_lines(stdout: &Captured, stderr: &Captured) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, output) in [("stderr", stderr), ("stdout", stdout)] {
        let all: Vec<&str> = output.text.lines().filter(|l| !l.trim().is_empty()).collect();
        for line in &all[all.len().saturating_sub(SHOWN_LINES)..] {
            lines.push(format!("{name}: {}", line.chars().take(500).collect::<String>()));
        }
        if let Some(file) = &output.file {
            lines.push(format!("{name} whole: {}", file.display()));
        }
    }
    lines
}
