//! Checks that hold of every script, whatever the spec asks: a run that proves nothing must not be green.

use super::figures::Tally;
use crate::action::{Class, Context, Failure, OwnCheck};
use crate::check::{CheckOutcome, Verdict};
use crate::event::Severity;

/// Adds a check.
pub fn add(cx: &Context, id: impl Into<String>, text: impl Into<String>, outcome: CheckOutcome) {
    cx.checks.add(OwnCheck {
        id: id.into(),
        text: text.into(),
        severity: Severity::Critical,
        outcome,
    });
}

/// Whether anything was sent; and that an answer came to some of it.
///
/// # Errors
/// The class of the most failures, when nothing that was sent was answered: then nothing was measured.
pub fn sent(cx: &Context, all: &Tally, sample: Option<&str>, shown: &str) -> Result<(), Failure> {
    let sent = all.sent();
    if sent > 0 && all.answered() == 0 {
        let class = match all.worst() {
            Some("timeout") => Class::Timeout,
            Some("tls") => Class::Tls,
            _ => Class::Unreachable,
        };
        let mut failure = Failure::new(
            class,
            format!("`{shown}` sent {sent} requests, and no answer came to any of them"),
        );
        failure
            .details
            .extend(sample.map(|text| format!("for example: {text}")));
        return Err(failure.help("is the service running, and is it the address that the script sends to?"));
    }
    let outcome = if sent == 0 {
        CheckOutcome::new(
            Verdict::Inconclusive,
            "not one request was sent, so nothing was tried",
        )
    } else {
        CheckOutcome::new(Verdict::Passed, format!("{sent} requests"))
    };
    add(cx, "sent", "the script sends requests", outcome);
    Ok(())
}

/// Whether the script itself was sound: `thrown` counts what it threw, with one of it.
pub fn sound(cx: &Context, thrown: u64, sample: Option<&str>) {
    let outcome = if thrown == 0 {
        CheckOutcome::new(Verdict::Passed, "it threw nothing")
    } else {
        let mut outcome = CheckOutcome::new(
            Verdict::Errored,
            format!("it threw {thrown} times, so it did not do all that it is for"),
        );
        outcome.details.extend(sample.map(str::to_owned));
        outcome
    };
    add(cx, "script", "the script throws no exception", outcome);
}

/// Whether the generator kept up; `why` says what shows that it did not.
pub fn kept_up(cx: &Context, why: Option<String>) {
    let outcome = match why {
        None => CheckOutcome::new(Verdict::Passed, "it did"),
        Some(why) => CheckOutcome::new(
            Verdict::Inconclusive,
            format!("{why}: it was the generator that was measured, not the service"),
        ),
    };
    add(cx, "generator", "the generator keeps up with the script", outcome);
}
