//! Processes found by the marks in their environment, and ended without ever hitting a stranger.
//!
//! What specrun starts carries `SPECRUN_RUN=<run id>` (or a mark of its own, for services that outlive a run), and so
//! do its children, wherever they went. A process is held by its file descriptor before its mark is read, so that a
//! number that was given to another process meanwhile is never signalled. Needs Linux's `/proc`.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::event::RunId;

/// The variable that names the run a process belongs to.
pub use crate::tools::process::MARKER as RUN_MARK;

/// A process that is held.
pub(super) struct Marked {
    pid: i32,
    fd: OwnedFd,
}

/// Every process, save this one, whose environment holds exactly `name=value`.
pub(super) fn marked(name: &str, value: &str) -> Vec<Marked> {
    let wanted = format!("{name}={value}").into_bytes();
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| u32::try_from(*pid).is_ok_and(|p| p != own))
        .filter_map(|pid| hold(pid, &wanted))
        .collect()
}

fn hold(pid: i32, wanted: &[u8]) -> Option<Marked> {
    let carries = || {
        let env = fs::read(format!("/proc/{pid}/environ")).ok()?;
        env.split(|b| *b == 0).any(|entry| entry == wanted).then_some(())
    };
    carries()?;
    let fd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // Looked at again: between the first look and the hold the number may have changed hands.
    carries()?;
    Some(Marked { pid, fd })
}

impl Marked {
    /// Lets it go on after a stop.
    pub(super) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        // It may just have ended, which is what is wanted.
        let _ = pidfd_send_signal(&self.fd, signal);
    }
}

/// Stops every process with this mark (SIGSTOP), and holds them until they shall go on.
pub(super) fn stop_marked(name: &str, value: &str) -> Vec<Marked> {
    let mut stopped: Vec<Marked> = Vec::new();
    // A process may have had a child while the others were looked for.
    for _ in 0..3 {
        let fresh: Vec<Marked> = marked(name, value)
            .into_iter()
            .filter(|m| stopped.iter().all(|s| s.pid != m.pid))
            .collect();
        if fresh.is_empty() {
            break;
        }
        for process in &fresh {
            process.signal(Signal::STOP);
        }
        stopped.extend(fresh);
    }
    stopped
}

/// Ends the programs of a run that left their process group, so that none outlives the run. Says how many there were,
/// and how many are still there. For the time after the run's services were stopped: they carry its mark too.
#[must_use]
pub fn end_strays(run: &RunId) -> (usize, usize) {
    end_marked(RUN_MARK, &run.0, Duration::from_secs(1))
}

/// Ends every process with this mark: politely, and by force after `within`. Says how many there were, and how many
/// are still there.
pub(super) fn end_marked(name: &str, value: &str, within: Duration) -> (usize, usize) {
    let found = marked(name, value);
    let count = found.len();
    for process in &found {
        process.signal(Signal::TERM);
    }
    let until = Instant::now() + within;
    while Instant::now() < until {
        if marked(name, value).is_empty() {
            return (count, 0);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // Killed ones may have had children meanwhile.
    for _ in 0..50 {
        let left = marked(name, value);
        if left.is_empty() {
            return (count, 0);
        }
        for process in &left {
            process.signal(Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (count, marked(name, value).len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn ends_exactly_the_marked_ones_with_their_children() {
        let mark = format!("t-{}-{:p}", std::process::id(), &RUN_MARK);
        let start = |mark: &str| {
            Command::new("sh")
                .args(["-c", "trap '' TERM; sleep 300 & wait; wait"])
                .env("SPECRUN_TEST_MARK", mark)
                .stdin(Stdio::null())
                .process_group(0)
                .spawn()
                .unwrap()
        };
        let mut mine = start(&mark);
        let mut other = start(&format!("{mark}-other"));
        let until = Instant::now() + Duration::from_mins(1);
        while marked("SPECRUN_TEST_MARK", &mark).len() < 2 && Instant::now() < until {
            std::thread::yield_now();
        }
        // Reaped as they die, as their real parent would.
        let reaper = std::thread::spawn(move || mine.wait().unwrap());
        let (found, left) = end_marked("SPECRUN_TEST_MARK", &mark, Duration::from_millis(50));
        let spared = marked("SPECRUN_TEST_MARK", &format!("{mark}-other")).len();
        end_marked("SPECRUN_TEST_MARK", &format!("{mark}-other"), Duration::ZERO);
        let _ = (other.wait(), reaper.join());
        assert_eq!((found, left), (2, 0));
        assert!(spared >= 1, "a process with another mark was ended");
    }
}
