//! A clock that stands still while the process is stopped (Ctrl-Z), so that no deadline passes meanwhile.
//!
//! A stop that was asked for (SIGTSTP) is told by [`Clock::pause`] and [`Clock::resume`]. One that cannot be heard
//! (SIGSTOP) is noticed afterwards: while the clock [beats](Clock::beats), a second in which nobody looked at it is a
//! second in which nothing ran.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::control::Control;

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

/// How often a beating clock is looked at.
const BEAT: Duration = Duration::from_millis(100);
/// Nobody looked at a beating clock for so long: the process stood still.
const STILL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Default)]
struct Pauses {
    since: Option<Instant>,
    lost: Duration,
    count: u32,
    /// When somebody looked last; none while it does not beat.
    looked: Option<Instant>,
}

/// Lets a clock beat until it is dropped.
pub(super) struct Beats(#[expect(dead_code, reason = "its end is the signal")] mpsc::Sender<()>);

impl Pauses {
    /// Takes the time out in which nobody looked; says whether there was any.
    fn look(&mut self) -> bool {
        let (Some(looked), None) = (self.looked, self.since) else {
            return false;
        };
        let now = Instant::now();
        self.looked = Some(now);
        let unseen = now.saturating_duration_since(looked);
        let stood_still = unseen > STILL;
        if stood_still {
            self.lost += unseen;
            self.count += 1;
        }
        stood_still
    }
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
        let mut p = Pauses::default();
        // One look at a time: whoever is the first after a stop takes the lost time out for all.
        self.pauses.send_if_modified(|pauses| {
            let stood_still = pauses.look();
            p = *pauses;
            stood_still
        });
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

    /// Looks at the clock often, on a thread of its own, so that a stop nobody announced is noticed.
    pub(super) fn beats(control: Control) -> std::io::Result<Beats> {
        let (alive, dropped) = mpsc::channel::<()>();
        control
            .clock()
            .pauses
            .send_modify(|p| p.looked = Some(Instant::now()));
        std::thread::Builder::new()
            .name("clock".to_owned())
            .spawn(move || {
                while dropped.recv_timeout(BEAT) == Err(mpsc::RecvTimeoutError::Timeout) {
                    control.clock().now();
                }
                control.clock().pauses.send_modify(|p| p.looked = None);
            })?;
        Ok(Beats(alive))
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
                p.looked = p.looked.map(|_| Instant::now());
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

    #[test]
    fn a_stop_nobody_announced_does_not_count_either() {
        let now = Instant::now();
        let mut pauses = Pauses {
            looked: now.checked_sub(STILL * 3),
            ..Pauses::default()
        };
        assert!(pauses.look());
        assert!(pauses.lost >= STILL * 3);
        assert_eq!(pauses.count, 1);
        let mut quiet = Pauses::default();
        assert!(!quiet.look(), "it does not beat");
        let mut paused = Pauses {
            since: Some(now),
            ..pauses
        };
        paused.looked = now.checked_sub(STILL * 3);
        assert!(!paused.look(), "a pause is counted once");
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
