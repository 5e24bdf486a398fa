//! Runs told as events, for tests of reports and evidence.

mod every_verdict;

pub use every_verdict::every_verdict;

use serde_json::{Value as Json, json};
use specrun::check::{CheckOutcome, Failure, Verdict};
use specrun::event::{
    CheckInfo, Event, EventKind, InputInfo, Place, Role, RunId, RunInfo, Severity, SpecInfo,
};
use specrun::value::{SpecId, StepId};

/// Collects events with rising numbers and times.
pub struct Story {
    pub events: Vec<Event>,
    specs: Vec<SpecInfo>,
    now: f64,
}

impl Story {
    pub fn new(specs: Vec<SpecInfo>) -> Self {
        let mut story = Self {
            events: Vec::new(),
            specs: specs.clone(),
            now: 0.0,
        };
        story.add(
            None,
            None,
            EventKind::RunStarted {
                run: RunInfo {
                    id: RunId("20261126-113052-7f3a".into()),
                    format: 1,
                    version: "0.1.0".into(),
                    argv: vec!["specrun".into(), "specs".into(), "--env".into(), "lab".into()],
                    environment: Some("lab".into()),
                    profile: None,
                    seed: 4242,
                    jobs: 2,
                    started: "2026-11-26T11:30:52.000Z".into(),
                    pid: 1,
                    specs,
                },
            },
        );
        story
    }

    /// Lets seconds pass.
    pub fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now += seconds;
        self
    }

    pub fn add(&mut self, spec: Option<&str>, step: Option<&str>, kind: EventKind) -> &mut Self {
        self.events.push(Event {
            seq: self.events.len() as u64,
            at: "2026-11-26T11:30:52.000Z".into(),
            elapsed: self.now,
            spec: spec.map(SpecId::from),
            step: step.map(StepId::from),
            kind,
        });
        self
    }

    pub fn begin(&mut self, spec: &str) -> &mut Self {
        self.add(Some(spec), None, EventKind::SpecStarted {})
    }

    pub fn end(
        &mut self,
        spec: &str,
        verdict: Verdict,
        reason: Option<&str>,
        seconds: f64,
        attempt: u32,
    ) -> &mut Self {
        self.add(
            Some(spec),
            None,
            EventKind::SpecFinished {
                verdict,
                reason: reason.map(str::to_owned),
                duration: seconds,
                attempt,
            },
        )
    }

    pub fn start(&mut self, spec: &str, step: &str, role: Role, action: &str, params: Json) -> &mut Self {
        let kind = EventKind::StepStarted {
            role,
            action: action.into(),
            attempt: 1,
            params,
        };
        self.add(Some(spec), Some(step), kind)
    }

    pub fn pass(&mut self, spec: &str, step: &str, role: Role, output: Json, seconds: f64) -> &mut Self {
        self.wait(seconds);
        let kind = EventKind::StepFinished {
            role,
            verdict: Verdict::Passed,
            reason: None,
            output: Some(output),
            failure: None,
            attempts: 1,
            duration: seconds,
            skipped: false,
        };
        self.add(Some(spec), Some(step), kind)
    }

    pub fn fail(&mut self, spec: &str, step: &str, role: Role, failure: Failure, seconds: f64) -> &mut Self {
        self.wait(seconds);
        let kind = EventKind::StepFinished {
            role,
            verdict: Verdict::Errored,
            reason: Some(failure.message.clone()),
            output: None,
            failure: Some(failure),
            attempts: 1,
            duration: seconds,
            skipped: false,
        };
        self.add(Some(spec), Some(step), kind)
    }

    pub fn skip(&mut self, spec: &str, step: &str) -> &mut Self {
        let kind = EventKind::StepFinished {
            role: Role::Step,
            verdict: Verdict::Passed,
            reason: Some("`if` is false".into()),
            output: None,
            failure: None,
            attempts: 0,
            duration: 0.0,
            skipped: true,
        };
        self.add(Some(spec), Some(step), kind)
    }

    /// The check as the spec states it, with an outcome.
    pub fn checked(&mut self, spec: &str, step: Option<&str>, id: &str, outcome: CheckOutcome) -> &mut Self {
        let check = self
            .specs
            .iter()
            .filter(|s| s.id.as_str() == spec)
            .flat_map(|s| &s.checks)
            .find(|c| c.id == id)
            .expect("the spec has the check")
            .clone();
        self.add(Some(spec), step, EventKind::Checked { check, outcome })
    }

    pub fn finish(&mut self, exit_code: i32) -> &mut Self {
        let duration = self.now;
        self.add(None, None, EventKind::RunFinished { exit_code, duration })
    }
}

pub fn spec(id: &str, title: &str, category: &str, steps: &[&str], checks: &[(&str, &str)]) -> SpecInfo {
    let base = id.split('[').next().unwrap_or(id);
    let file = format!("specs/{category}/{base}.yaml");
    SpecInfo {
        id: id.into(),
        title: title.into(),
        description: None,
        category: Some(category.into()),
        tags: vec!["nightly".into()],
        severity: Severity::Critical,
        place: Place {
            file: file.clone(),
            line: 1,
            col: 1,
        },
        inputs: vec![InputInfo {
            name: "model".into(),
            value: json!("iris"),
        }],
        checks: checks
            .iter()
            .enumerate()
            .map(|(i, (id, text))| CheckInfo {
                id: (*id).into(),
                text: (*text).into(),
                severity: Severity::Critical,
                because: None,
                place: Place {
                    file: file.clone(),
                    line: 20 + u32::try_from(i).unwrap(),
                    col: 5,
                },
            })
            .collect(),
        steps: steps.iter().map(|s| StepId::from(*s)).collect(),
        digest: "0".repeat(64),
    }
}

pub fn outcome(verdict: Verdict, message: &str, actual: Json, expected: Json) -> CheckOutcome {
    CheckOutcome {
        actual: Some(actual),
        expected: Some(expected),
        ..CheckOutcome::new(verdict, message)
    }
}
