//! A clock that stands still while the process is stopped (Ctrl-Z), so that no deadline passes meanwhile.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// A moment of the [`Clock`]: time since it was made, without the time it stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(Duration);

impl Moment {
    /// The earlier of two.
    pub(super) fn or_before(self, other: Option<Self>) -> Self {
        other.map_or(self, |o| self.min(o))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(d))
    }
}

impl std::ops::Sub for Moment {
    type Output = Duration;
    /// Zero when `other` is later.
    fn sub(self, other: Self) -> Duration {
        self.0.saturating_sub(other.0)
    }
}

#[derive(Clone, Copy, Default)]
struct Pauses {
    since: Option<Instant>,
    lost: Duration,
    count: u32,
}

/// Monotonic time with pauses taken out.
pub(super) struct Clock {
    origin: Instant,
    pauses: watch::Sender<Pauses>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            pauses: watch::Sender::new(Pauses::default()),
        }
    }

    pub(super) fn now(&self) -> Moment {
        let p = *self.pauses.borrow();
        let real = p.since.unwrap_or_else(Instant::now);
        Moment(real.saturating_duration_since(self.origin).saturating_sub(p.lost))
    }

    /// The real instant of a moment, if no further pause comes.
    pub(super) fn instant(&self, moment: Moment) -> Instant {
        // An instant cannot hold every duration; thirty years are as good as never.
        const NEVER: Duration = Duration::from_hours(30 * 365 * 24);
        Instant::now() + (moment - self.now()).min(NEVER)
    }

    /// How often time has been stopped so far.
    pub(super) fn pauses(&self) -> u32 {
        self.pauses.borrow().count
    }

    pub(super) fn pause(&self) {
        self.pauses.send_modify(|p| {
            if p.since.is_none() {
                p.since = Some(Instant::now());
                p.count += 1;
            }
        });
    }

    pub(super) fn resume(&self) {
        self.pauses.send_modify(|p| {
            if let Some(since) = p.since.take() {
                p.lost += since.elapsed();
            }
        });
    }

    pub(super) async fn sleep(&self, d: Duration) {
        self.sleep_until(self.now() + d).await;
    }

    pub(super) async fn sleep_until(&self, moment: Moment) {
        let mut pauses = self.pauses.subscribe();
        loop {
            let paused = pauses.borrow_and_update().since.is_some();
            if paused {
                if pauses.changed().await.is_err() {
                    return;
                }
                continue;
            }
            if moment - self.now() == Duration::ZERO {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.instant(moment).into()) => {}
                _ = pauses.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stopped_time_does_not_count() {
        let clock = Clock::new();
        let (before, real) = (clock.now(), Instant::now());
        clock.pause();
        assert_eq!(clock.now(), clock.now());
        std::thread::sleep(Duration::from_millis(30));
        clock.resume();
        assert!(clock.now() - before + Duration::from_millis(30) <= real.elapsed());
        assert_eq!(clock.pauses(), 1);
    }

    #[tokio::test]
    async fn a_sleep_ends_only_after_the_clock_goes_on() {
        let clock = Clock::new();
        clock.pause();
        let sleep = clock.sleep(Duration::from_millis(1));
        tokio::pin!(sleep);
        tokio::select! {
            () = &mut sleep => panic!("it ended while the clock stood still"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
        clock.resume();
        sleep.await;
    }
}
