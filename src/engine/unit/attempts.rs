//! Again and again: `retry` when an action fails, `eventually` until its output is the wanted one.

use std::time::Duration;

use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::Unit;
use super::act::Act;
use super::render::Rendered;
use super::scope::Local;
use crate::action::{Checks, OwnCheck};
use crate::check::{CheckOutcome, Class, Failure, Verdict};
use crate::engine::clock::Moment;
use crate::event::{EventKind, Role};
use crate::plan::{Backoff, Poll, Retry, StepPlan, expected};
use crate::value::{StepId, Value};

/// One run of a step: of this element, when it runs `for_each`.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) step: &'a StepPlan,
    pub(super) id: &'a StepId,
    pub(super) item: Option<(&'a str, &'a Value)>,
    pub(super) params: &'a Rendered,
    pub(super) cancel: &'a CancellationToken,
}

impl<'a> Turn<'a> {
    pub(super) fn local(&self, own: Option<&'a Value>) -> Local<'a> {
        Local {
            item: self.item,
            own: own.map(|value| (self.step.id.as_str(), value)),
        }
    }
}

/// What all attempts together came to.
pub(super) struct Got {
    pub(super) result: Result<(Json, Value), Failure>,
    /// Of `eventually`.
    pub(super) until: Option<CheckOutcome>,
    pub(super) attempts: u32,
    /// The checks the action made itself in the last attempt.
    pub(super) own: Vec<OwnCheck>,
}

impl Got {
    fn of(result: Result<(Json, Value), Failure>, attempts: u32) -> Self {
        Self {
            result,
            until: None,
            attempts,
            own: Vec::new(),
        }
    }

    fn held(output: (Json, Value), until: CheckOutcome, attempts: u32) -> Self {
        Self {
            until: Some(until),
            ..Self::of(Ok(output), attempts)
        }
    }
}

impl Unit<'_> {
    /// Lets the action act until its rules are met or exhausted.
    pub(super) async fn attempts(&self, turn: Turn<'_>) -> Got {
        let checks = Checks::default();
        let mut got = match &turn.step.poll {
            Some(poll) => self.poll(turn, poll, &checks).await,
            None => self.retry(turn, &checks).await,
        };
        got.own = checks.take();
        got
    }

    async fn retry(&self, turn: Turn<'_>, checks: &Checks) -> Got {
        let rule = retry_rule(turn.step, &turn.params.real);
        let mut attempt = 1;
        loop {
            self.about_to_act(turn, attempt);
            let timeout = turn.step.timeout;
            let deadline = self.clock().now() + timeout;
            let result = self.attempt(turn, attempt, deadline, timeout, checks).await;
            let failure = match &result {
                Err(f) if attempt < rule.attempts && !fatal(f.class) && !as_expected(turn.step, f) => f,
                _ => return Got::of(result, attempt),
            };
            let pause = pause(rule.every, attempt, failure.retry_after);
            self.failed(turn, attempt, failure, pause);
            if !self.rest(turn.cancel, pause).await {
                return Got::of(result, attempt);
            }
            attempt += 1;
        }
    }

    async fn poll(&self, turn: Turn<'_>, poll: &Poll, checks: &Checks) -> Got {
        let clock = self.clock();
        let end = clock.now() + poll.within;
        let mut attempt = 0;
        let mut held_since = None;
        // The last time there was an answer to look at.
        let mut seen: Option<((Json, Value), CheckOutcome)> = None;
        self.about_to_act(turn, 1);
        loop {
            attempt += 1;
            let own_end = clock.now() + turn.step.timeout;
            let deadline = own_end.or_before(Some(end));
            let within = if deadline == own_end {
                turn.step.timeout
            } else {
                poll.within
            };
            let result = self.attempt(turn, attempt, deadline, within, checks).await;
            let now = clock.now();
            let mut asked_pause = None;
            let failure = match result {
                Ok(output) => {
                    let Some(until) = &poll.until else {
                        if turn.step.expect_failure.is_none() {
                            return Got::of(Ok(output), attempt);
                        }
                        // Until it fails as expected: a success is one more try.
                        if self.over(turn, poll, attempt, end, None) {
                            return Got::of(Ok(output), attempt);
                        }
                        if !self.rest(turn.cancel, pause(poll.every, attempt, None)).await {
                            return Got::of(Ok(output), attempt);
                        }
                        continue;
                    };
                    let outcome = self.decide(until, turn.local(Some(&output.1)));
                    let held = outcome.verdict == Verdict::Passed;
                    let message = outcome.message.clone();
                    self.emit(
                        Some(turn.id),
                        EventKind::Polled {
                            attempt,
                            held,
                            message,
                        },
                    );
                    held_since = if held { held_since.or(Some(now)) } else { None };
                    let stable =
                        held_since.is_some_and(|since| now - since >= poll.stable_for.unwrap_or_default());
                    if stable {
                        return Got::held(output, outcome, attempt);
                    }
                    seen = Some((output, outcome));
                    None
                }
                Err(failure) => {
                    held_since = None;
                    if as_expected(turn.step, &failure)
                        || !passing(failure.class)
                        || turn.cancel.is_cancelled()
                    {
                        return Got::of(Err(failure), attempt);
                    }
                    asked_pause = failure.retry_after;
                    Some(failure)
                }
            };
            let pause = pause(poll.every, attempt, asked_pause);
            if let Some(failure) = &failure {
                self.failed(turn, attempt, failure, pause);
            }
            let over = self.over(turn, poll, attempt, end, asked_pause);
            if over || !self.rest(turn.cancel, pause).await {
                let cut_by_end =
                    deadline == end && failure.as_ref().is_some_and(|f| f.class == Class::Timeout);
                return given_up(
                    poll,
                    attempt,
                    seen,
                    failure,
                    cut_by_end,
                    held_since.map(|since| now - since),
                );
            }
        }
    }

    /// Whether the next poll would begin after the end.
    fn over(&self, turn: Turn<'_>, poll: &Poll, attempt: u32, end: Moment, asked: Option<f64>) -> bool {
        turn.cancel.is_cancelled() || self.clock().now() + pause(poll.every, attempt, asked) >= end
    }

    /// One attempt, with its output as a value.
    async fn attempt(
        &self,
        turn: Turn<'_>,
        attempt: u32,
        deadline: Moment,
        within: Duration,
        checks: &Checks,
    ) -> Result<(Json, Value), Failure> {
        let output = self
            .act(Act {
                step: turn.step,
                id: turn.id,
                params: turn.params,
                attempt,
                within,
                deadline,
                cancel: turn.cancel,
                checks,
            })
            .await?;
        let value = Value::from_json(&output, &turn.step.output).map_err(|e| {
            let name = turn.step.action.name();
            Failure::new(
                Class::UnreadableAnswer,
                format!("the output of `{name}` is not what it promises: {e}"),
            )
        })?;
        Ok((output, value))
    }

    fn about_to_act(&self, turn: Turn<'_>, attempt: u32) {
        self.emit(
            Some(turn.id),
            EventKind::StepStarted {
                role: turn.step.role,
                action: turn.step.action.name().to_owned(),
                attempt,
                params: turn.params.shown.clone(),
            },
        );
    }

    fn failed(&self, turn: Turn<'_>, attempt: u32, failure: &Failure, pause: Duration) {
        self.emit(
            Some(turn.id),
            EventKind::AttemptFailed {
                attempt,
                failure: failure.clone(),
                next_in: pause.as_secs_f64(),
            },
        );
    }

    /// Pauses; false when it was cut short.
    async fn rest(&self, cancel: &CancellationToken, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = cancel.cancelled() => false,
            () = self.clock().sleep(pause) => true,
        }
    }
}

/// What a step does on failure. Cleanup has to happen, so it is tried again without being told to, unless the action
/// is one that may do its work each time.
fn retry_rule(step: &StepPlan, params: &Json) -> Retry {
    let every = |first, last| Backoff {
        first: Duration::from_millis(first),
        last: Duration::from_millis(last),
    };
    let by_itself = if step.role == Role::Cleanup && step.action.repeatable(params) {
        3
    } else {
        1
    };
    step.retry.unwrap_or(Retry {
        attempts: by_itself,
        every: every(200, 2000),
    })
}

/// Failures that polling waits out. A program that is asked whether something is there says no with its exit code.
const fn passing(class: Class) -> bool {
    class.retriable() || matches!(class, Class::ExitCode)
}

/// Failures that no further attempt can change. What an explicit `retry` asks to try again is wider than what
/// `eventually` takes for a passing state.
const fn fatal(class: Class) -> bool {
    matches!(
        class,
        Class::BadParameter | Class::NotGranted | Class::Missing | Class::Cancelled | Class::Internal
    )
}

fn as_expected(step: &StepPlan, failure: &Failure) -> bool {
    step.expect_failure.as_ref().is_some_and(|e| expected::judge(e, Err(failure)).verdict == Verdict::Passed)
        // A cleanup that finds nothing has nothing to try again.
        || (step.role == Role::Cleanup && failure.class == Class::NotFound)
}

/// The pause after this attempt: doubled each time up to the last, and at least what the service asked for.
fn pause(every: Backoff, attempt: u32, asked: Option<f64>) -> Duration {
    let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let pause = every
        .first
        .saturating_mul(factor)
        .min(every.last.max(every.first));
    // A service that asks for hours is not obeyed: the deadline of the step decides.
    let asked = asked
        .and_then(|s| Duration::try_from_secs_f64(s).ok())
        .unwrap_or_default();
    pause.max(asked.min(Duration::from_hours(1)))
}

/// The end of a poll whose condition did not come true in time.
fn given_up(
    poll: &Poll,
    attempts: u32,
    seen: Option<((Json, Value), CheckOutcome)>,
    failure: Option<Failure>,
    cut_by_end: bool,
    held_for: Option<Duration>,
) -> Got {
    let within = poll.within;
    match (seen, failure) {
        (Some((output, mut outcome)), failure) if failure.is_none() || cut_by_end => {
            if let (Some(held), Some(asked)) = (held_for, poll.stable_for) {
                outcome.verdict = Verdict::Failed;
                outcome.message = format!(
                    "it held for {held:.1?} only, not for {asked:?}: {}",
                    outcome.message
                );
            }
            outcome.message = format!("{}; not within {within:?} ({attempts} polls)", outcome.message);
            Got::held(output, outcome, attempts)
        }
        (seen, Some(mut failure)) => {
            failure.message = format!(
                "not within {within:?} ({attempts} polls); the last: {}",
                failure.message
            );
            if let Some((_, outcome)) = seen {
                failure
                    .details
                    .push(format!("the last answer before: {}", outcome.message));
            }
            Got::of(Err(failure), attempts)
        }
        (_, None) => Got::of(
            Err(Failure::new(
                Class::Timeout,
                format!("nothing was seen within {within:?}"),
            )),
            attempts,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_last_and_obey_the_service() {
        let every = Backoff {
            first: Duration::from_secs(1),
            last: Duration::from_secs(10),
        };
        let seconds: Vec<u64> = (1..7).map(|n| pause(every, n, None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
        assert_eq!(pause(every, 1, Some(7.0)).as_secs(), 7);
        assert_eq!(pause(every, 5, Some(7.0)).as_secs(), 10);
        for odd in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert!(pause(every, 90, Some(odd)) <= Duration::from_hours(1));
        }
    }
}
