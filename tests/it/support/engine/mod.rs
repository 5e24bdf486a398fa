//! Runs specs given as text with actions made for tests, and tells what happened.

mod actions;

pub use actions::REGISTRY;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use specrun::check::{Failure, Verdict};
use specrun::engine::{self, Control, Options, Outcome, RunDir};
use specrun::event::{Event, EventKind, RunId, RunInfo, Sink};
use specrun::plan::Plan;
use specrun::tools::{Endpoints, Grants, Redactor, Tools};
use specrun::value::Secret;

use super::plans::compile_texts;

/// The longest any wait for an event may take.
pub const CAP: Duration = Duration::from_mins(2);

/// Called with each event, on the thread of reports.
pub type OnEvent = Box<dyn Fn(&Event, &Control) + Send>;

/// A folder with specs, and how they shall run.
pub struct Bench {
    pub dir: tempfile::TempDir,
    pub control: Control,
    pub jobs: usize,
    pub retries: u32,
    pub max_fail: Option<usize>,
    pub deadline: Option<Duration>,
    pub cleanup_grace: Duration,
    pub shuffle: bool,
    pub seed: u64,
    pub secrets: Vec<Secret>,
    /// Called with each event as it happens, on the thread of reports.
    pub on_event: OnEvent,
    specs: Vec<(String, String)>,
}

/// A run that is over.
pub struct Ran {
    pub outcome: Outcome,
    pub events: Vec<Event>,
    pub dir: PathBuf,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            control: Control::new(),
            jobs: 1,
            retries: 0,
            max_fail: None,
            deadline: None,
            cleanup_grace: CAP,
            shuffle: false,
            seed: 7,
            secrets: Vec::new(),
            on_event: Box::new(|_, _| {}),
            specs: Vec::new(),
        }
    }

    /// A spec with this body; head and `tools` are added.
    pub fn spec(mut self, id: &str, body: &str) -> Self {
        let tools = if body.contains("tools:") {
            ""
        } else {
            "tools: [t]\n"
        };
        let text = format!("specrun: 1\nid: {id}\ntitle: {id}\n{tools}{body}");
        self.specs.push((format!("{id}.yaml"), text));
        self
    }

    pub fn plan(&self) -> Plan {
        let texts = self.specs.iter().map(|(name, text)| {
            let path = self.dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            (path, text.clone())
        });
        compile_texts(&REGISTRY, texts, &self.secrets).plan()
    }

    pub fn tools(&self, run: &str) -> Arc<Tools> {
        Arc::new(Tools::new(
            Endpoints::default(),
            Grants::open(),
            Redactor::new(&self.secrets),
            run,
        ))
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().join("runs")
    }

    pub fn run(self) -> Ran {
        let id = RunId(format!("run-{}", notes(self.dir.path()).len()));
        let plan = self.plan();
        let tools = self.tools(&id.0);
        let run_dir = RunDir::create(&self.root(), id.clone()).unwrap();
        let dir = run_dir.path().to_owned();
        let info = RunInfo {
            id,
            format: specrun::event::VERSION,
            version: "test".into(),
            argv: Vec::new(),
            environment: None,
            profile: None,
            seed: self.seed,
            jobs: u32::try_from(self.jobs).unwrap(),
            started: String::new(),
            pid: std::process::id(),
            specs: plan.specs.iter().map(|s| s.info()).collect(),
        };
        let mut options = Options::new(run_dir, self.seed, Arc::new(|_| 0));
        options.jobs = self.jobs;
        options.retries = self.retries;
        options.max_fail = self.max_fail;
        options.deadline = self.deadline;
        options.cleanup_grace = self.cleanup_grace;
        options.shuffle = self.shuffle;
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Listener {
            events: Arc::clone(&events),
            on_event: self.on_event,
            control: self.control.clone(),
        };
        let outcome = engine::run(
            Arc::new(plan),
            tools,
            options,
            info,
            vec![Box::new(sink)],
            self.control,
        );
        let events = events.lock().unwrap().clone();
        let ran = Ran { outcome, events, dir };
        ran.must_be_sound();
        // The folder goes with the bench; the journal was read in `must_be_sound`.
        let _ = self.dir.keep();
        ran
    }
}

impl Ran {
    /// What holds of every run: the journal has what the sinks were told, without a gap, and one verdict per spec.
    fn must_be_sound(&self) {
        let journal = engine::journal::read(&self.dir).unwrap();
        assert!(!journal.torn && journal.damage.is_empty(), "{:?}", journal.damage);
        assert_eq!(
            journal.events, self.events,
            "the journal and the sinks were told different things"
        );
        assert!(journal.finished());
        assert!(
            self.outcome.sink_errors.is_empty(),
            "{:?}",
            self.outcome.sink_errors
        );
        for (n, event) in self.events.iter().enumerate() {
            assert_eq!(event.seq, n as u64);
        }
        for spec in &self.outcome.summary.specs {
            assert!(spec.verdict.is_some(), "{} has no verdict", spec.info.id);
        }
        let open: Vec<&str> = self.started_and_not_ended();
        assert!(open.is_empty(), "steps that never ended: {open:?}");
    }

    fn started_and_not_ended(&self) -> Vec<&str> {
        let mut open = Vec::new();
        for event in &self.events {
            let Some(step) = &event.step else { continue };
            match &event.kind {
                EventKind::StepStarted { .. } if !open.contains(&step.as_str()) => open.push(step.as_str()),
                EventKind::StepFinished { .. } => open.retain(|s| *s != step.as_str()),
                _ => {}
            }
        }
        open
    }

    pub fn verdict(&self, spec: &str) -> Verdict {
        let found = self
            .outcome
            .summary
            .specs
            .iter()
            .find(|s| s.info.id.as_str() == spec);
        found
            .and_then(|s| s.verdict)
            .unwrap_or_else(|| panic!("no spec {spec}"))
    }

    pub fn reason(&self, spec: &str) -> String {
        let found = self
            .outcome
            .summary
            .specs
            .iter()
            .find(|s| s.info.id.as_str() == spec);
        found.and_then(|s| s.reason.clone()).unwrap_or_default()
    }

    /// `step: verdict`, in the order in which steps ended; skipped ones and their reason are told.
    pub fn steps(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|e| match (&e.step, &e.kind) {
                (Some(step), EventKind::StepFinished { verdict, skipped, .. }) => Some(if *skipped {
                    format!("{step}: skipped")
                } else {
                    format!("{step}: {verdict}")
                }),
                _ => None,
            })
            .collect()
    }

    /// The verdict and message of a check.
    pub fn check(&self, id: &str) -> (Verdict, String) {
        let found = self.events.iter().rev().find_map(|e| match &e.kind {
            EventKind::Checked { check, outcome } if check.id == id => {
                Some((outcome.verdict, outcome.message.clone()))
            }
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no check {id}"))
    }

    pub fn failure(&self, step: &str) -> Failure {
        let found = self.events.iter().rev().find_map(|e| match &e.kind {
            EventKind::StepFinished { failure, .. }
                if e.step.as_ref().is_some_and(|s| s.as_str() == step) =>
            {
                failure.clone()
            }
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no failure of {step}"))
    }

    /// What actions noted, in order.
    pub fn notes(&self) -> Vec<String> {
        notes(self.dir.parent().unwrap().parent().unwrap())
    }

    pub fn count(&self, wanted: impl Fn(&EventKind) -> bool) -> usize {
        self.events.iter().filter(|e| wanted(&e.kind)).count()
    }
}

struct Listener {
    events: Arc<Mutex<Vec<Event>>>,
    on_event: OnEvent,
    control: Control,
}

impl Sink for Listener {
    fn event(&mut self, event: &Event) -> std::io::Result<()> {
        self.events.lock().unwrap().push(event.clone());
        (self.on_event)(event, &self.control);
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }

    fn name(&self) -> String {
        "test".into()
    }
}

pub fn notes(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("notes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}
