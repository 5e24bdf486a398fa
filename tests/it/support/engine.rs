//! Runs specs given as text with actions made for tests, and tells what happened.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use specrun::action::{Action, Class, Context, Failure, Family, OwnCheck, Registry};
use specrun::check::{CheckOutcome, Verdict};
use specrun::engine::{self, Control, Options, Outcome, RunDir};
use specrun::event::{Event, EventKind, RunId, RunInfo, Severity, Sink};
use specrun::plan::Plan;
use specrun::tools::{Endpoints, Grants, Redactor, Tools};
use specrun::value::Secret;

use super::plans::compile_texts;

/// The longest any wait for an event may take.
pub const CAP: Duration = Duration::from_mins(2);

pub static REGISTRY: Registry = Registry::new(&[
    Family {
        name: "t",
        about: "Actions for tests.",
        actions: &[
            &Block, &Fail, &Give, &Hang, &Meet, &Nap, &Note, &Panic, &Rules, &Wait,
        ],
        program: None,
    },
    Family {
        name: "py",
        about: "A family with a program.",
        actions: &[&Py],
        program: Some("python3"),
    },
    Family {
        name: "nowhere",
        about: "A family whose program is not there.",
        actions: &[&Nowhere],
        program: Some("specrun-no-such-program"),
    },
]);

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

/// Counters by folder and name: tests run side by side and must not share any.
static COUNTERS: Mutex<Option<HashMap<(PathBuf, String), u32>>> = Mutex::new(None);

fn count(cx: &Context, name: &str) -> u32 {
    let mut all = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    let one = all
        .get_or_insert_default()
        .entry((cx.base_dir.clone(), name.to_owned()))
        .or_default();
    *one += 1;
    *one
}

fn counted(cx: &Context, name: &str) -> u32 {
    let mut all = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default()
        .get(&(cx.base_dir.clone(), name.to_owned()))
        .copied()
        .unwrap_or(0)
}

fn note(cx: &Context, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(cx.base_dir.join("notes"))
        .unwrap();
    file.write_all(format!("{text}\n").as_bytes()).unwrap();
}

pub fn notes(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("notes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Gives back a value, and how often it did so under this name.
struct Give;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GiveParams {
    #[serde(default)]
    value: Json,
    /// Counts under this name.
    #[serde(default)]
    count: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct GiveOutput {
    value: Json,
    n: u32,
    prefix: String,
}

impl Action for Give {
    const NAME: &'static str = "t.give";
    type Params = GiveParams;
    type Output = GiveOutput;
    async fn run(&self, p: GiveParams, cx: &Context) -> Result<GiveOutput, Failure> {
        Ok(GiveOutput {
            value: p.value,
            n: p.count.map_or(0, |name| count(cx, &name)),
            prefix: cx.prefix.clone(),
        })
    }
}

/// Writes a line.
struct Note;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoteParams {
    text: String,
}

#[derive(Serialize, JsonSchema)]
struct NoteOutput {
    text: String,
}

impl Action for Note {
    const NAME: &'static str = "t.note";
    type Params = NoteParams;
    type Output = NoteOutput;
    async fn run(&self, p: NoteParams, cx: &Context) -> Result<NoteOutput, Failure> {
        note(cx, &p.text);
        (cx.progress)(format!("noted {}", p.text));
        Ok(NoteOutput { text: p.text })
    }
}

/// Fails the first times.
struct Fail;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FailParams {
    class: String,
    /// How often; always, when not given.
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    status: Option<u16>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

impl Action for Fail {
    const NAME: &'static str = "t.fail";
    type Params = FailParams;
    type Output = GiveOutput;
    async fn run(&self, p: FailParams, cx: &Context) -> Result<GiveOutput, Failure> {
        if let Some(text) = &p.note {
            note(cx, text);
        }
        let n = count(cx, &format!("fail {} {}", cx.spec, cx.step));
        if p.times.is_some_and(|times| n > times) {
            return Ok(GiveOutput {
                value: Json::Null,
                n,
                prefix: String::new(),
            });
        }
        let class: Class = serde_json::from_value(Json::String(p.class)).unwrap();
        let mut failure = Failure::new(class, p.message.unwrap_or_else(|| "it does not want to".into()));
        failure.status = p.status;
        Err(failure)
    }
}

/// Waits until it is told to stop.
struct Wait;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WaitParams {
    /// Ends in good order, with an output.
    #[serde(default)]
    graceful: bool,
    #[serde(default)]
    note: Option<String>,
}

impl Action for Wait {
    const NAME: &'static str = "t.wait";
    type Params = WaitParams;
    type Output = GiveOutput;
    async fn run(&self, p: WaitParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("waiting".into());
        cx.cancel.cancelled().await;
        if let Some(text) = &p.note {
            note(cx, text);
        }
        if p.graceful {
            return Ok(GiveOutput {
                value: Json::from("graceful"),
                n: 1,
                prefix: String::new(),
            });
        }
        Err(Failure::new(Class::Cancelled, "told to stop"))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoParams {}

/// Actions of families with programs.
struct Py;
struct Nowhere;

macro_rules! gives_one {
    ($name:ident, $full:literal) => {
        impl Action for $name {
            const NAME: &'static str = $full;
            type Params = NoParams;
            type Output = GiveOutput;
            async fn run(&self, _: NoParams, _: &Context) -> Result<GiveOutput, Failure> {
                Ok(GiveOutput {
                    value: Json::Null,
                    n: 1,
                    prefix: String::new(),
                })
            }
        }
    };
}

gives_one!(Py, "py.give");
gives_one!(Nowhere, "nowhere.give");

/// Never ends, whatever it is told.
struct Hang;

impl Action for Hang {
    const NAME: &'static str = "t.hang";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("hanging".into());
        std::future::pending().await
    }
}

/// Blocks its thread.
struct Block;

impl Action for Block {
    const NAME: &'static str = "t.block";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, cx: &Context) -> Result<GiveOutput, Failure> {
        (cx.progress)("blocking".into());
        loop {
            std::thread::park();
        }
    }
}

/// Panics.
struct Panic;

impl Action for Panic {
    const NAME: &'static str = "t.panic";
    type Params = NoParams;
    type Output = GiveOutput;
    async fn run(&self, _: NoParams, _: &Context) -> Result<GiveOutput, Failure> {
        panic!("this is the test's own panic")
    }
}

/// Takes its time.
struct Nap;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NapParams {
    millis: u64,
    /// Ends at once when it is told to.
    #[serde(default)]
    listens: bool,
}

impl Action for Nap {
    const NAME: &'static str = "t.nap";
    type Params = NapParams;
    type Output = GiveOutput;
    async fn run(&self, p: NapParams, cx: &Context) -> Result<GiveOutput, Failure> {
        tokio::select! {
            biased;
            () = cx.cancel.cancelled(), if p.listens => {
                return Err(Failure::new(Class::Cancelled, "cut off"));
            }
            () = tokio::time::sleep(Duration::from_millis(p.millis)) => {}
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: 1,
            prefix: String::new(),
        })
    }
}

/// Ends when as many as are named have come: proof that they run side by side.
struct Meet;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MeetParams {
    place: String,
    people: u32,
}

impl Action for Meet {
    const NAME: &'static str = "t.meet";
    type Params = MeetParams;
    type Output = GiveOutput;
    async fn run(&self, p: MeetParams, cx: &Context) -> Result<GiveOutput, Failure> {
        count(cx, &p.place);
        while counted(cx, &p.place) < p.people {
            if cx.cancel.is_cancelled() {
                return Err(Failure::new(Class::Cancelled, "nobody came"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: p.people,
            prefix: String::new(),
        })
    }
}

/// Makes checks of its own.
struct Rules;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RulesParams {
    good: u32,
    bad: u32,
}

impl Action for Rules {
    const NAME: &'static str = "t.rules";
    type Params = RulesParams;
    type Output = GiveOutput;
    async fn run(&self, p: RulesParams, cx: &Context) -> Result<GiveOutput, Failure> {
        for n in 0..p.good + p.bad {
            let verdict = if n < p.good {
                Verdict::Passed
            } else {
                Verdict::Failed
            };
            cx.checks.add(OwnCheck {
                id: format!("rule[{n}]"),
                text: format!("rule {n}"),
                severity: Severity::Critical,
                outcome: CheckOutcome::new(verdict, "a rule"),
            });
        }
        Ok(GiveOutput {
            value: Json::Null,
            n: p.good + p.bad,
            prefix: String::new(),
        })
    }
}
