//! What parts tell, recorded like what the run itself does.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::check::Verdict;
use crate::engine::ledger::{Ledger, Open};
use crate::engine::recorder::Recorder;
use crate::event::{Event, EventKind, RunInfo};
use crate::plan::SpecPlan;
use crate::value::SpecId;

/// The specs of one part, and what was heard of them.
pub(super) struct Heard {
    digests: HashMap<SpecId, String>,
    /// The number of the next event.
    next: u64,
    /// Whether the run asked it to end.
    pub(super) asked: bool,
    /// Somebody else ended it: by this signal.
    ended_by: Option<String>,
}

impl Heard {
    pub(super) fn of(specs: &[Arc<SpecPlan>]) -> Self {
        Self {
            digests: specs.iter().map(|s| (s.id.clone(), s.digest.clone())).collect(),
            next: 0,
            asked: false,
            ended_by: None,
        }
    }

    /// What an event says of the whole run: a spec that was cut off because its pod was ended did not end as the run
    /// wanted it.
    fn seen_from_here(&self, kind: EventKind) -> EventKind {
        match (kind, &self.ended_by) {
            (
                EventKind::SpecFinished {
                    verdict: Verdict::Cancelled,
                    duration,
                    attempt,
                    ..
                },
                Some(signal),
            ) => EventKind::SpecFinished {
                verdict: Verdict::Errored,
                reason: Some(format!("its pod was told to end ({signal})")),
                duration,
                attempt,
            },
            (other, _) => other,
        }
    }
}

/// Takes events of all parts.
pub(super) struct Relay {
    recorder: Arc<Recorder>,
    ledger: Mutex<Ledger>,
}

impl Relay {
    pub(super) fn new(recorder: Arc<Recorder>) -> Self {
        Self {
            recorder,
            ledger: Mutex::default(),
        }
    }

    /// Takes the next event of a part.
    ///
    /// # Errors
    /// When it cannot be one of this part: it does other work than it was given, or something was lost on the way.
    pub(super) fn heard(&self, part: &mut Heard, event: Event) -> Result<(), String> {
        if event.seq != part.next {
            return Err(format!(
                "its events from {} to {} are missing",
                part.next, event.seq
            ));
        }
        part.next += 1;
        match (&event.kind, &event.spec) {
            (EventKind::RunStarted { run }, _) => same(part, run),
            (_, Some(spec)) if !part.digests.contains_key(spec) => {
                Err(format!("it tells of the spec {spec}, which it was not given"))
            }
            (_, Some(_)) => {
                self.ledger().take(&event);
                let kind = part.seen_from_here(event.kind);
                self.recorder.emit(event.spec.as_ref(), event.step.as_ref(), kind);
                Ok(())
            }
            (EventKind::Signalled { signal }, None) if !part.asked => {
                part.ended_by = Some(signal.clone());
                Ok(())
            }
            (EventKind::Note { .. }, None) => {
                self.recorder.emit(None, None, event.kind);
                Ok(())
            }
            // The run has its own beginning, end, signals and services.
            (_, None) => Ok(()),
        }
    }

    /// Ends those of these specs that have not ended.
    pub(super) fn end<'a>(
        &self,
        specs: impl IntoIterator<Item = &'a SpecId>,
        verdict: Verdict,
        reason: &str,
    ) {
        let specs: HashSet<&SpecId> = specs.into_iter().collect();
        let open: Vec<(SpecId, u32)> = self.recorder.with_summary(|summary| {
            let mine = summary.specs.iter().filter(|spec| specs.contains(&spec.info.id));
            mine.filter(|spec| spec.verdict.is_none())
                .map(|spec| (spec.info.id.clone(), spec.attempts + 1))
                .collect()
        });
        for (spec, attempt) in open {
            let kind = EventKind::SpecFinished {
                verdict,
                reason: Some(reason.to_owned()),
                duration: 0.0,
                attempt,
            };
            self.recorder.emit(Some(&spec), None, kind);
        }
    }

    /// What the parts promised to undo and did not, last first.
    pub(super) fn open(&self) -> Vec<Open> {
        std::mem::take(&mut *self.ledger()).last_first()
    }

    fn ledger(&self) -> std::sync::MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part that runs other specs than it was given would be believed for what it did not do.
fn same(part: &Heard, run: &RunInfo) -> Result<(), String> {
    let runs: HashSet<(&SpecId, &String)> = run.specs.iter().map(|s| (&s.id, &s.digest)).collect();
    let given: HashSet<(&SpecId, &String)> = part.digests.iter().collect();
    if runs == given {
        return Ok(());
    }
    Err("it runs other specs than it was given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Place;
    use crate::event::{RunId, Severity, SpecInfo, VERSION};
    use crate::tools::Redactor;

    fn info(id: &str, digest: &str) -> SpecInfo {
        SpecInfo {
            id: id.into(),
            title: id.to_owned(),
            description: None,
            category: None,
            tags: Vec::new(),
            severity: Severity::Critical,
            place: Place {
                file: String::new(),
                line: 1,
                col: 1,
            },
            inputs: Vec::new(),
            checks: Vec::new(),
            steps: Vec::new(),
            digest: digest.to_owned(),
        }
    }

    fn started(specs: Vec<SpecInfo>) -> EventKind {
        EventKind::RunStarted {
            run: RunInfo {
                id: RunId("r".to_owned()),
                format: VERSION,
                version: String::new(),
                argv: Vec::new(),
                environment: None,
                profile: None,
                seed: 0,
                jobs: 1,
                started: String::new(),
                pid: 1,
                specs,
            },
        }
    }

    fn event(seq: u64, spec: Option<&str>, kind: EventKind) -> Event {
        Event {
            seq,
            at: String::new(),
            elapsed: 0.0,
            spec: spec.map(Into::into),
            step: None,
            kind,
        }
    }

    /// A relay that heard the beginning of a run of A and B, which is what the part was given.
    fn begun() -> (Relay, Heard) {
        let recorder = Recorder::new(None, Vec::new(), Arc::new(Redactor::new(&[]))).unwrap();
        let relay = Relay::new(Arc::new(recorder));
        recorder_knows(&relay);
        let mut part = Heard {
            digests: [("A".into(), "1".to_owned()), ("B".into(), "2".to_owned())].into(),
            next: 0,
            asked: false,
            ended_by: None,
        };
        let kind = started(vec![info("A", "1"), info("B", "2")]);
        relay.heard(&mut part, event(0, None, kind)).unwrap();
        (relay, part)
    }

    fn recorder_knows(relay: &Relay) {
        let kind = started(vec![info("A", "1"), info("B", "2"), info("C", "3")]);
        relay.recorder.emit(None, None, kind);
    }

    fn passed(attempt: u32) -> EventKind {
        EventKind::SpecFinished {
            verdict: Verdict::Passed,
            reason: None,
            duration: 1.0,
            attempt,
        }
    }

    fn verdicts(relay: &Relay) -> Vec<(String, Option<Verdict>, u32)> {
        relay.recorder.with_summary(|s| {
            s.specs
                .iter()
                .map(|s| (s.info.id.to_string(), s.verdict, s.attempts))
                .collect()
        })
    }

    #[test]
    fn what_a_part_was_not_given_it_is_not_believed() {
        for specs in [
            vec![info("A", "1")],
            vec![info("A", "1"), info("B", "3")],
            vec![info("A", "1"), info("B", "2"), info("C", "3")],
        ] {
            let (relay, mut part) = begun();
            part.next = 0;
            let wrong = relay
                .heard(&mut part, event(0, None, started(specs)))
                .unwrap_err();
            assert!(wrong.contains("other specs"), "{wrong}");
        }
        let (relay, mut part) = begun();
        let wrong = relay
            .heard(&mut part, event(1, Some("C"), passed(1)))
            .unwrap_err();
        assert!(wrong.contains('C'), "{wrong}");
        assert_eq!(verdicts(&relay)[2].1, None);
    }

    #[test]
    fn a_missing_event_is_noticed() {
        let (relay, mut part) = begun();
        relay
            .heard(&mut part, event(1, Some("A"), EventKind::SpecStarted {}))
            .unwrap();
        let wrong = relay
            .heard(&mut part, event(3, Some("A"), passed(1)))
            .unwrap_err();
        assert_eq!(wrong, "its events from 2 to 3 are missing");
        assert_eq!(verdicts(&relay)[0].1, None);
    }

    #[test]
    fn what_is_cut_off_with_its_pod_is_errored_unless_the_run_wanted_it() {
        for (asked, verdict) in [(false, Verdict::Errored), (true, Verdict::Cancelled)] {
            let (relay, mut part) = begun();
            part.asked = asked;
            let signal = "SIGTERM".to_owned();
            let cut = EventKind::SpecFinished {
                verdict: Verdict::Cancelled,
                reason: Some(signal.clone()),
                duration: 1.0,
                attempt: 1,
            };
            for (seq, spec, kind) in [
                (1, Some("A"), EventKind::SpecStarted {}),
                (2, None, EventKind::Signalled { signal }),
                (3, Some("A"), cut),
                (4, Some("B"), passed(1)),
            ] {
                relay.heard(&mut part, event(seq, spec, kind)).unwrap();
            }
            assert_eq!(verdicts(&relay)[0].1, Some(verdict), "{asked}");
            assert_eq!(verdicts(&relay)[1].1, Some(Verdict::Passed));
        }
    }

    #[test]
    fn what_did_not_end_ends_with_its_part_and_what_did_stays() {
        let (relay, mut part) = begun();
        relay
            .heard(&mut part, event(1, Some("A"), EventKind::SpecStarted {}))
            .unwrap();
        relay.heard(&mut part, event(2, Some("A"), passed(1))).unwrap();
        // A second try of B is lost.
        let failed = EventKind::SpecFinished {
            verdict: Verdict::Failed,
            reason: None,
            duration: 1.0,
            attempt: 1,
        };
        relay
            .heard(&mut part, event(3, Some("B"), EventKind::SpecStarted {}))
            .unwrap();
        relay.heard(&mut part, event(4, Some("B"), failed)).unwrap();
        relay
            .heard(&mut part, event(5, Some("B"), EventKind::SpecStarted {}))
            .unwrap();
        // The run of the part has an end and signals of its own.
        relay
            .heard(
                &mut part,
                event(
                    6,
                    None,
                    EventKind::Signalled {
                        signal: "SIGTERM".to_owned(),
                    },
                ),
            )
            .unwrap();
        relay
            .heard(
                &mut part,
                event(
                    7,
                    None,
                    EventKind::RunFinished {
                        exit_code: 0,
                        duration: 0.0,
                    },
                ),
            )
            .unwrap();
        relay
            .recorder
            .with_summary(|s| assert!(!s.finished && s.interrupted_by.is_none()));
        let specs: Vec<SpecId> = ["A", "B"].map(Into::into).to_vec();
        relay.end(&specs, Verdict::Errored, "lost");
        let seen = verdicts(&relay);
        assert_eq!(seen[0], ("A".to_owned(), Some(Verdict::Passed), 1));
        assert_eq!(seen[1], ("B".to_owned(), Some(Verdict::Errored), 2));
        assert_eq!(seen[2].1, None);
    }
}
