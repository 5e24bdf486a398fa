//! Process groups: ending a program with everything it started.

use rustix::process::{Pid, Signal};

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
