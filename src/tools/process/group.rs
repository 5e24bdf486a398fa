//! Process groups: ending a program with everything it started.

use rustix::process::{Pid, Signal};

use super::MARKER;

/// A process group that is killed when this is dropped.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// The group led by a process that was started with `process_group(0)`.
    #[must_use]
    pub fn led_by(pid: Option<u32>) -> Self {
        Self(pid.and_then(|p| i32::try_from(p).ok()).and_then(Pid::from_raw))
    }

    /// Asks all members to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Kills all members.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // An error says that nobody is left, which is what is wanted.
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills every process that carries the marker of this run and is not this process itself: those that left their
/// group. Returns how many there were. Only where `/proc` exists; elsewhere it finds none.
pub fn sweep(run: &str) -> usize {
    let wanted = format!("{MARKER}={run}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    let own = std::process::id();
    let mut found = 0;
    for entry in entries.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if pid == own {
            continue;
        }
        let Ok(environ) = std::fs::read(entry.path().join("environ")) else {
            continue;
        };
        if environ.split(|b| *b == 0).any(|var| var == wanted.as_bytes())
            && let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
            && rustix::process::kill_process(pid, Signal::KILL).is_ok()
        {
            found += 1;
        }
    }
    found
}
