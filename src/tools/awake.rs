//! Waiting for a moment without counting the time in which the whole process stood still (Ctrl-Z).
//!
//! What a program or a server could not do because nobody was there to hear it is no reason to call it late.

use std::time::{Duration, Instant};

/// How often the wait looks at the time.
const TICK: Duration = Duration::from_millis(250);
/// A tick that is later than this was no matter of load: the process stood still.
const STILL: Duration = Duration::from_secs(1);

/// Ends at `deadline`, or later by as long as the process was stopped meanwhile.
///
/// A stop shorter than a second is not noticed.
pub async fn until(mut deadline: Instant) {
    loop {
        let before = Instant::now();
        let left = deadline.saturating_duration_since(before);
        if left.is_zero() {
            return;
        }
        let tick = left.min(TICK);
        tokio::time::sleep(tick).await;
        deadline += lost(tick, before.elapsed());
    }
}

/// The time a tick lasted beyond its own, when that is so long that it was a stop.
fn lost(tick: Duration, took: Duration) -> Duration {
    let late = took.saturating_sub(tick);
    if late > STILL { late } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_delay_is_a_stop() {
        assert_eq!(lost(TICK, TICK), Duration::ZERO);
        assert_eq!(lost(TICK, TICK + STILL), Duration::ZERO);
        assert_eq!(lost(TICK, TICK + STILL * 3), STILL * 3);
        assert_eq!(lost(TICK, Duration::ZERO), Duration::ZERO);
    }

    #[tokio::test]
    async fn it_ends_and_not_before_its_time() {
        let deadline = Instant::now() + Duration::from_millis(20);
        until(deadline).await;
        assert!(Instant::now() >= deadline);
        until(deadline).await;
    }
}
