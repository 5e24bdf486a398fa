//! The program, run as a user runs it: in a project folder of its own, without a terminal.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a run may take before the test gives it up; far more than any needs.
const CAP: Duration = Duration::from_mins(5);

/// A project in a temporary folder.
pub struct Project {
    dir: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A run that goes on; killed when dropped.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Project {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file below the project.
    pub fn file(&self, path: &str, text: &str) -> PathBuf {
        let full = self.path().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&full, text).unwrap();
        full
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap()
    }

    /// The command, not yet started: no terminal, no input, nothing of the surrounding CI or home.
    pub fn command(&self, args: &[&str]) -> Command {
        // What starts the tests may ignore signals (`nohup`, a shell's `&`), and a process inherits that.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=HUP,INT,TERM,TSTP")
            .arg(env!("CARGO_BIN_EXE_specrun"))
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_remove("CI")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env_remove("NO_COLOR")
            .env("HOME", self.path().join("home"))
            .env("SPECRUN_CACHE", self.path().join("cache"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Running::start(self.command(args)).wait()
    }
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        Self::start_with(command)
    }

    /// With the standard output the command has.
    pub fn start_with(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        drop(command);
        Self {
            stdout: child.stdout.take().map(read_all),
            stderr: child.stderr.take().map(read_all),
            child,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself.
    pub fn wait(self) -> Ran {
        self.wait_up_to(CAP)
    }

    /// Waits until it ends by itself, when that may take longer than usual.
    pub fn wait_up_to(mut self, cap: Duration) -> Ran {
        let status = self.ended(cap);
        let text = |t: Option<JoinHandle<String>>| t.map(|t| t.join().unwrap()).unwrap_or_default();
        let stdout = text(self.stdout.take());
        let stderr = text(self.stderr.take());
        Ran {
            code: code(status),
            stdout,
            stderr,
        }
    }

    fn ended(&mut self, cap: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < cap, "specrun did not end within {cap:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ran {
    /// Asserts the exit code; shows all output when it is another.
    #[track_caller]
    pub fn code(self, want: i32) -> Self {
        assert_eq!(
            self.code, want,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Sends a signal to a process.
pub fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args([name, pid.trim()]).status().unwrap();
    assert!(sent.success());
}

fn read_all(mut from: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A spec file with this id; `body` is everything after the title.
pub fn spec(id: &str, body: &str) -> String {
    format!("specrun: 1\nid: {id}\ntitle: Spec {id}\n{body}")
}

/// As a shell counts: 128 and the signal when it was killed.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
