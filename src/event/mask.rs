//! Takes secrets out of what goes into an event.

use serde_json::Value as Json;

use super::{CheckInfo, CleanupInfo, Event, EventKind};
use crate::check::{CheckOutcome, Failure};

/// Applies `mask` to every text of an event that came from outside, the keys of objects included. Names that only
/// the spec's author writes (ids, action names, places) stay.
pub fn apply(event: &mut Event, mask: &dyn Fn(&str) -> String) {
    match &mut event.kind {
        EventKind::RunStarted { run } => {
            texts(&mut run.argv, mask);
            for spec in &mut run.specs {
                text(&mut spec.title, mask);
                optional(&mut spec.description, mask);
                for input in &mut spec.inputs {
                    json(&mut input.value, mask);
                }
                for info in &mut spec.checks {
                    check(info, mask);
                }
            }
        }
        EventKind::SpecStarted {} | EventKind::RunFinished { .. } => {}
        EventKind::StepStarted { params, .. } => json(params, mask),
        EventKind::StepProgress { message }
        | EventKind::Polled { message, .. }
        | EventKind::Note { message } => text(message, mask),
        EventKind::AttemptFailed { failure: f, .. } => failure(f, mask),
        EventKind::Checked {
            check: info,
            outcome: o,
        } => {
            check(info, mask);
            outcome(o, mask);
        }
        EventKind::StepFinished {
            reason,
            output,
            failure: f,
            ..
        } => {
            optional(reason, mask);
            if let Some(output) = output {
                json(output, mask);
            }
            if let Some(f) = f {
                failure(f, mask);
            }
        }
        EventKind::CleanupRegistered { cleanup: c } => cleanup(c, mask),
        EventKind::CleanupFinished { failure: f, .. } => {
            if let Some(f) = f {
                failure(f, mask);
            }
        }
        EventKind::Service { message, .. } => optional(message, mask),
        EventKind::SpecFinished { reason, .. } => optional(reason, mask),
        EventKind::Signalled { signal } => text(signal, mask),
    }
}

fn text(text: &mut String, mask: &dyn Fn(&str) -> String) {
    *text = mask(text);
}

fn optional(value: &mut Option<String>, mask: &dyn Fn(&str) -> String) {
    if let Some(value) = value {
        text(value, mask);
    }
}

fn texts(values: &mut [String], mask: &dyn Fn(&str) -> String) {
    for value in values {
        text(value, mask);
    }
}

fn json(value: &mut Json, mask: &dyn Fn(&str) -> String) {
    match value {
        Json::Null | Json::Bool(_) => {}
        // A secret of digits only may come back as a number.
        Json::Number(number) => {
            let written = number.to_string();
            let masked = mask(&written);
            if masked != written {
                *value = Json::String(masked);
            }
        }
        Json::String(s) => text(s, mask),
        Json::Array(items) => {
            for item in items {
                json(item, mask);
            }
        }
        Json::Object(map) => {
            for (key, mut inner) in std::mem::take(map) {
                json(&mut inner, mask);
                map.insert(mask(&key), inner);
            }
        }
    }
}

fn check(info: &mut CheckInfo, mask: &dyn Fn(&str) -> String) {
    text(&mut info.text, mask);
    optional(&mut info.because, mask);
}

fn outcome(outcome: &mut CheckOutcome, mask: &dyn Fn(&str) -> String) {
    text(&mut outcome.message, mask);
    texts(&mut outcome.details, mask);
    for evidence in &mut outcome.evidence {
        text(&mut evidence.expression, mask);
        json(&mut evidence.value, mask);
    }
    for side in [&mut outcome.expected, &mut outcome.actual].into_iter().flatten() {
        json(side, mask);
    }
    for (_, value) in &mut outcome.statistics {
        json(value, mask);
    }
}

fn failure(failure: &mut Failure, mask: &dyn Fn(&str) -> String) {
    text(&mut failure.message, mask);
    optional(&mut failure.reason, mask);
    optional(&mut failure.help, mask);
    texts(&mut failure.details, mask);
}

fn cleanup(info: &mut CleanupInfo, mask: &dyn Fn(&str) -> String) {
    if let Some(params) = &mut info.params {
        json(params, mask);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::apply;
    use crate::check::{CheckOutcome, Class, Evidence, Failure, Verdict};
    use crate::event::{
        CheckInfo, CleanupInfo, Event, EventKind, InputInfo, Place, Role, RunId, RunInfo, Severity, SpecInfo,
    };

    const SECRET: &str = "hunter2";

    fn failure() -> Failure {
        let mut failure = Failure::new(Class::Server, "POST with hunter2")
            .detail("body hunter2")
            .help("hunter2");
        failure.reason = Some("hunter2".to_owned());
        failure
    }

    fn check() -> CheckInfo {
        CheckInfo {
            id: "expect[0]".to_owned(),
            text: "x == \"hunter2\"".to_owned(),
            severity: Severity::Critical,
            because: Some("hunter2".to_owned()),
            place: place(),
        }
    }

    fn place() -> Place {
        Place {
            file: "T01.yaml".to_owned(),
            line: 1,
            col: 1,
        }
    }

    /// One event of every kind with the secret wherever a text may come from outside.
    fn every_kind() -> Vec<EventKind> {
        let s = || SECRET.to_owned();
        let mut outcome = CheckOutcome::new(Verdict::Failed, "actual hunter2");
        outcome.details.push(s());
        outcome.evidence.push(Evidence {
            expression: s(),
            value: json!({"hunter2": ["hunter2"]}),
        });
        outcome.expected = Some(json!("hunter2"));
        outcome.actual = Some(json!(["hunter2"]));
        outcome.statistics.insert("method".to_owned(), json!("hunter2"));
        let kinds = vec![
            EventKind::RunStarted {
                run: RunInfo {
                    id: RunId("r".to_owned()),
                    format: 1,
                    version: "0".to_owned(),
                    argv: vec!["--set".to_owned(), "token=hunter2".to_owned()],
                    environment: None,
                    profile: None,
                    seed: 1,
                    jobs: 1,
                    started: String::new(),
                    pid: 1,
                    specs: vec![SpecInfo {
                        id: "T01".into(),
                        title: s(),
                        description: Some(s()),
                        category: None,
                        tags: Vec::new(),
                        severity: Severity::Critical,
                        place: place(),
                        inputs: vec![InputInfo {
                            name: "token".to_owned(),
                            value: json!("hunter2"),
                        }],
                        checks: vec![check()],
                        steps: Vec::new(),
                        digest: String::new(),
                    }],
                },
            },
            EventKind::SpecStarted {},
            EventKind::StepStarted {
                role: Role::Step,
                action: "http.request".to_owned(),
                attempt: 1,
                params: json!({"headers": {"authorization": "Bearer hunter2"}, "hunter2": 1}),
            },
            EventKind::StepProgress { message: s() },
            EventKind::AttemptFailed {
                attempt: 1,
                failure: failure(),
                next_in: 1.0,
            },
            EventKind::Polled {
                attempt: 1,
                held: false,
                message: s(),
            },
            EventKind::Checked {
                check: check(),
                outcome,
            },
            EventKind::StepFinished {
                role: Role::Step,
                verdict: Verdict::Errored,
                reason: Some(s()),
                output: Some(json!([{"body": "hunter2"}])),
                failure: Some(failure()),
                attempts: 1,
                duration: 0.0,
                skipped: false,
            },
            EventKind::CleanupRegistered {
                cleanup: CleanupInfo {
                    id: "c".to_owned(),
                    action: "a.b".to_owned(),
                    params: Some(json!("hunter2")),
                },
            },
            EventKind::CleanupFinished {
                id: "c".to_owned(),
                done: false,
                failure: Some(failure()),
            },
            EventKind::Service {
                name: "mlflow".to_owned(),
                state: "failed".to_owned(),
                message: Some(s()),
            },
            EventKind::SpecFinished {
                verdict: Verdict::Errored,
                reason: Some(s()),
                duration: 0.0,
                attempt: 1,
            },
            EventKind::Signalled { signal: s() },
            EventKind::Note { message: s() },
            EventKind::RunFinished {
                exit_code: 0,
                duration: 0.0,
            },
        ];
        kinds
    }

    #[test]
    fn no_event_keeps_a_secret() {
        for kind in every_kind() {
            let mut event = Event {
                seq: 0,
                at: String::new(),
                elapsed: 0.0,
                spec: None,
                step: None,
                kind,
            };
            apply(&mut event, &|text| text.replace(SECRET, "***"));
            let written = serde_json::to_string(&event).expect("an event is JSON");
            assert!(!written.contains(SECRET), "{written}");
        }
    }

    #[test]
    fn a_secret_of_digits_is_masked_as_a_number_too() {
        let mut event = Event {
            seq: 0,
            at: String::new(),
            elapsed: 0.0,
            spec: None,
            step: None,
            kind: EventKind::StepStarted {
                role: Role::Step,
                action: "a.b".to_owned(),
                attempt: 1,
                params: json!({"pin": 493_021, "other": 5}),
            },
        };
        apply(&mut event, &|text| text.replace("493021", "***"));
        let EventKind::StepStarted { params, .. } = event.kind else {
            panic!("the kind stays");
        };
        assert_eq!(params, json!({"pin": "***", "other": 5}));
    }
}
