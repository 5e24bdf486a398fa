//! A process with its group, and a guard that ends the group when specrun is killed.
//!
//! The guard is a shell that reads from a pipe which only specrun holds open: a word means that the service was
//! stopped in good order; the end of the pipe without one means that specrun is gone. Unlike a signal at the death of
//! the parent, which the kernel sends to one process only, this reaches the workers of a service as well.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::log::{Keeper, Log, Logs};

/// What is to be started.
pub(super) struct Spawn<'a> {
    pub(super) words: &'a [String],
    pub(super) variables: &'a [(String, String)],
    pub(super) dir: &'a Path,
    pub(super) log: &'a Path,
    pub(super) logs: &'a Logs,
    /// Whether it dies with this process.
    pub(super) guarded: bool,
}

/// A child that leads a process group.
pub(super) struct Group {
    child: Child,
    guard: Option<(Child, ChildStdin)>,
    keeper: Option<Keeper>,
    ended: Option<ExitStatus>,
}

impl Group {
    pub(super) fn spawn(s: &Spawn<'_>) -> io::Result<Self> {
        let (program, arguments) = s
            .words
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the command is empty"))?;
        let Log { to: out, keeper } = s.logs.open(s.log)?;
        let child = Command::new(program)
            .args(arguments)
            .envs(s.variables.iter().map(|(k, v)| (k, v)))
            .current_dir(s.dir)
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out)
            .process_group(0)
            .spawn()
            .map_err(|e| io::Error::new(e.kind(), format!("starting `{program}`: {e}")))?;
        let mut group = Self {
            child,
            guard: None,
            keeper,
            ended: None,
        };
        if s.guarded {
            group.guard = Some(guard(group.child.id())?);
        }
        Ok(group)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the leader ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Leaves it running without this process.
    pub(super) fn let_go(mut self) {
        self.release();
        // Nothing waits for it: whoever starts services for good ends soon, and init reaps them.
        self.ended = self.child.try_wait().ok().flatten();
        std::mem::forget(self);
    }

    /// Ends the whole group: politely, and by force after `within`.
    pub(super) fn stop(&mut self, within: Duration) {
        self.signal(Signal::TERM);
        let until = Instant::now() + within;
        while self.ended().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Workers of a leader that is gone, or all of them.
        self.signal(Signal::KILL);
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
        self.drain();
        self.release();
    }

    /// Waits a moment until what was printed is in the log.
    pub(super) fn drain(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.drain(Duration::from_secs(1));
        }
    }

    fn signal(&self, signal: Signal) {
        // The number of the group stays taken as long as one of its members lives or its leader is not reaped.
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, signal);
        }
    }

    fn release(&mut self) {
        if let Some((mut guard, mut pipe)) = self.guard.take() {
            let _ = pipe.write_all(b"stopped\n");
            drop(pipe);
            let _ = guard.wait();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.stop(Duration::ZERO);
        }
        self.release();
    }
}

fn guard(group: u32) -> io::Result<(Child, ChildStdin)> {
    let mut guard = Command::new("/bin/sh")
        .args(["-c", r#"read -r word || kill -s KILL -- "-$1""#, "specrun-guard"])
        .arg(group.to_string())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C at the terminal must not end the guard before the service.
        .process_group(0)
        .spawn()?;
    let pipe = guard
        .stdin
        .take()
        .ok_or_else(|| io::Error::other("the guard has no pipe"))?;
    Ok((guard, pipe))
}
