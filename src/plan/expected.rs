//! `expect_failure`: whether an action failed in the way the spec asks for. Pure, for runs and for recorded ones.

use serde_json::Value as Json;

use super::ExpectFailure;
use crate::check::{CheckOutcome, Class, Failure, Verdict};

/// Compares. Another failure than the expected one is a failed check when the service answered, and errored when it
/// did not: a dead server rejects nothing.
#[must_use]
pub fn judge(expected: &ExpectFailure, result: Result<&Json, &Failure>) -> CheckOutcome {
    let Err(failure) = result else {
        return CheckOutcome::new(
            Verdict::Failed,
            format!("expected a failure ({}), but it succeeded", wanted(expected)),
        );
    };
    let differences = differences(expected, failure);
    let by_message = expected.class.is_none()
        && expected.status.is_none()
        && expected.exit_code.is_none()
        && expected.reason.is_none();
    if differences.is_empty() && by_message && !heard(failure.class) {
        let class = failure.class.word();
        return CheckOutcome::new(
            Verdict::Errored,
            format!(
                "its message is as expected, but nobody was heard: if this is the failure that must come, write \
                 `class: {class}` too; the failure was: {failure}"
            ),
        );
    }
    if differences.is_empty() {
        return CheckOutcome::new(Verdict::Passed, format!("it failed as expected: {failure}"));
    }
    let verdict = if answered(failure.class) || Some(failure.class) == expected.class {
        Verdict::Failed
    } else {
        Verdict::Errored
    };
    CheckOutcome::new(
        verdict,
        format!(
            "it failed in another way: {}; the failure was: {failure}",
            differences.join(", ")
        ),
    )
}

/// Whether the failure tells of what was asked for, rather than of a way there that is blocked: "connection refused" has
/// the word, and is no refusal.
const fn heard(class: Class) -> bool {
    !matches!(
        class,
        Class::Unavailable
            | Class::Unreachable
            | Class::Timeout
            | Class::Missing
            | Class::NotGranted
            | Class::Cancelled
            | Class::Internal
    )
}

/// Whether the failure is what someone answered, rather than that nobody could be asked.
const fn answered(class: Class) -> bool {
    match class {
        Class::Unauthorized
        | Class::Forbidden
        | Class::NotFound
        | Class::Conflict
        | Class::Invalid
        | Class::Denied
        | Class::RateLimited
        | Class::Server
        | Class::Redirect
        | Class::ExitCode => true,
        // Whoever cannot now has not judged.
        Class::Unavailable
        | Class::Unreachable
        | Class::Timeout
        | Class::Tls
        | Class::UnreadableAnswer
        | Class::TooLarge
        | Class::Missing
        | Class::BadParameter
        | Class::NotGranted
        | Class::Cancelled
        | Class::Internal => false,
    }
}

fn wanted(e: &ExpectFailure) -> String {
    let parts = [
        e.class.map(|c| format!("class {}", c.word())),
        e.status.map(|s| format!("status {s}")),
        e.exit_code.map(|c| format!("exit code {c}")),
        e.reason.as_ref().map(|r| format!("reason {r}")),
        e.message.as_ref().map(|m| format!("message matching `{m}`")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn differences(e: &ExpectFailure, f: &Failure) -> Vec<String> {
    fn differ<T: PartialEq + std::fmt::Display>(
        what: &str,
        wanted: Option<&T>,
        actual: Option<&T>,
    ) -> Option<String> {
        let wanted = wanted?;
        match actual {
            Some(actual) if actual == wanted => None,
            Some(actual) => Some(format!("expected {what} {wanted}, got {actual}")),
            None => Some(format!("expected {what} {wanted}, got none")),
        }
    }
    let mut all: Vec<String> = [
        differ("class", e.class.map(Class::word).as_ref(), Some(&f.class.word())),
        differ("status", e.status.as_ref(), f.status.as_ref()),
        differ("exit code", e.exit_code.as_ref(), f.exit_code.as_ref()),
        differ("reason", e.reason.as_ref(), f.reason.as_ref()),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(pattern) = &e.message {
        match regex::Regex::new(pattern) {
            Err(e) => all.push(format!("`{pattern}` is no regular expression: {e}")),
            Ok(re) if re.is_match(&f.message) || f.details.iter().any(|d| re.is_match(d)) => {}
            Ok(_) => all.push(format!("nothing in its message matches `{pattern}`")),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CheckInfo, Place, Severity};

    fn expected() -> ExpectFailure {
        ExpectFailure {
            info: CheckInfo {
                id: "s.expect_failure".into(),
                text: String::new(),
                severity: Severity::Critical,
                because: None,
                place: Place {
                    file: "a.yaml".into(),
                    line: 1,
                    col: 1,
                },
            },
            class: Some(Class::Forbidden),
            status: Some(403),
            exit_code: None,
            reason: None,
            message: Some("not allowed".into()),
        }
    }

    fn forbidden() -> Failure {
        Failure {
            status: Some(403),
            ..Failure::new(Class::Forbidden, "POST /x: 403").detail("you are not allowed to")
        }
    }

    #[test]
    fn every_given_key_must_match() {
        assert_eq!(judge(&expected(), Err(&forbidden())).verdict, Verdict::Passed);
        let other_status = Failure {
            status: Some(418),
            ..forbidden()
        };
        let outcome = judge(&expected(), Err(&other_status));
        assert_eq!(outcome.verdict, Verdict::Failed);
        assert!(
            outcome.message.contains("expected status 403, got 418"),
            "{}",
            outcome.message
        );
        let other_message = Failure {
            details: vec![],
            ..forbidden()
        };
        assert_eq!(judge(&expected(), Err(&other_message)).verdict, Verdict::Failed);
    }

    #[test]
    fn a_message_alone_is_no_answer_of_a_service_that_is_down() {
        let by_message = ExpectFailure {
            class: None,
            status: None,
            message: Some("refused".into()),
            ..expected()
        };
        let down = Failure::new(Class::Unreachable, "GET /x: connection refused");
        let outcome = judge(&by_message, Err(&down));
        assert_eq!(outcome.verdict, Verdict::Errored);
        assert!(
            outcome.message.contains("`class: unreachable`"),
            "{}",
            outcome.message
        );
        let denied = Failure::new(Class::Denied, "the webhook refused it");
        assert_eq!(judge(&by_message, Err(&denied)).verdict, Verdict::Passed);
        let both = ExpectFailure {
            class: Some(Class::Unreachable),
            ..by_message
        };
        assert_eq!(judge(&both, Err(&down)).verdict, Verdict::Passed);
    }

    #[test]
    fn a_success_is_a_failed_check_and_a_dead_server_an_errored_one() {
        assert_eq!(judge(&expected(), Ok(&Json::Null)).verdict, Verdict::Failed);
        for class in Class::ALL {
            let outcome = judge(&expected(), Err(&Failure::new(class, "x")));
            assert_ne!(outcome.verdict, Verdict::Passed, "{class:?}");
            let answered = answered(class);
            assert_eq!(outcome.verdict == Verdict::Failed, answered, "{class:?}");
        }
    }
}
