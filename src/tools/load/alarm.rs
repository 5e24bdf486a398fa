//! Waking up when an arrival is due. tokio's own timer is coarse by a millisecond, which would be added to every latency
//! that is counted from the intended moment; where the system has finer timers they are used.

use std::time::Instant;

/// A timer of one thread.
pub(super) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>>,
}

impl Alarm {
    /// Must be made inside the runtime of the thread.
    pub fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            timer: linux::timer(),
        }
    }

    /// Ends at this moment, or at once when it has passed.
    pub async fn until(&self, at: Instant) {
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        #[cfg(target_os = "linux")]
        if let Some(timer) = &self.timer
            && linux::wait(timer, left).await.is_ok()
        {
            return;
        }
        tokio::time::sleep_until(at.into()).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    #[expect(
        deprecated,
        reason = "its successor is unsafe, and an OwnedFd keeps what that asks for"
    )]
    pub fn timer() -> Option<AsyncFd<OwnedFd>> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags).ok()?;
        AsyncFd::new(fd).ok()
    }

    pub async fn wait(timer: &AsyncFd<OwnedFd>, left: Duration) -> io::Result<()> {
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            // Nothing at all would disarm it.
            tv_nsec: i64::from(left.subsec_nanos().max(1)),
        };
        let spec = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        timerfd_settime(timer.get_ref(), TimerfdTimerFlags::empty(), &spec)?;
        loop {
            let mut ready = timer.readable().await?;
            let mut expired = [0_u8; 8];
            match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expired)?)) {
                Ok(read) => return read.map(|_| ()),
                // It was ready for an alarm that was given up.
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_wakes_after_the_moment_and_never_before() {
        let alarm = Alarm::new();
        for micros in [0, 1, 300, 2_000] {
            let at = Instant::now() + Duration::from_micros(micros);
            alarm.until(at).await;
            assert!(Instant::now() >= at, "{micros}");
        }
        // One that is given up does not wake the next.
        let far = Instant::now() + Duration::from_secs(60);
        let _ = tokio::time::timeout(Duration::from_millis(5), alarm.until(far)).await;
        let at = Instant::now() + Duration::from_millis(5);
        alarm.until(at).await;
        assert!(Instant::now() >= at);
    }
}
