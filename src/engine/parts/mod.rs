//! A run whose specs run in parts elsewhere: in pods of a cluster, each with a specrun of its own.
//!
//! Here is what a run is as a whole: its journal, its ledger, its signals, its exit code. What a part tells is recorded
//! as if it had happened here, so every report and verb works on such a run as on any other. A part that is lost
//! leaves its specs errored, and what they promised to undo is undone from here.
//!
//! Not here: pods ([`crate::tools::kube::remote`]), and what the files and arguments of a part are (`cli`).

mod courier;
mod relay;
mod split;
mod words;

pub use courier::serve;
pub use split::split;
pub use words::{Carried, Start};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::relay::{Heard, Relay};
use self::words::{Ended, MOST_UNHEARD, Order, Word};
use super::control::{Control, Stop};
use super::dispatch;
use super::ledger::{Open, Undoing};
use super::options::{Options, Outcome};
use super::run::{Recording, on_own_thread};
use crate::action::Registry;
use crate::check::{Class, Failure, Verdict};
use crate::event::{CleanupInfo, EventKind, RunInfo, Sink};
use crate::plan::{Plan, SpecPlan};
use crate::tools::Tools;
use crate::tools::http::Until;
use crate::tools::kube::remote::{self, AROUND, Member, Said, Wanted};
use crate::value::SpecId;

/// How long the pods may take until they run.
const TO_START: Duration = Duration::from_mins(5);
/// How long a pod may take for one thing it is told.
const TO_LISTEN: Duration = Duration::from_mins(2);
/// A part has a word every other second; one that is silent for so long is lost.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long after the time for cleanup a part may take to say its last word.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long one cleanup may take.
const TO_UNDO: Duration = Duration::from_mins(1);
/// How much of what a part wrote to standard error is told of a spec.
const LONGEST_REASON: usize = 500;
/// No run takes longer.
const EVER: Duration = Duration::from_hours(24 * 30);

/// Where and what the parts are.
pub struct Parts {
    /// One pod for each part, in the namespace of the endpoint.
    pub wanted: Wanted,
    /// What every part needs.
    pub files: Vec<Carried>,
    pub parts: Vec<Part>,
}

/// What one pod does.
pub struct Part {
    pub specs: Vec<Arc<SpecPlan>>,
    pub start: Start,
}

impl Part {
    fn ids(&self) -> impl Iterator<Item = &SpecId> {
        self.specs.iter().map(|spec| &spec.id)
    }
}

/// What is needed to do it.
pub struct Whole {
    pub plan: Arc<Plan>,
    pub tools: Arc<Tools>,
    pub registry: Registry,
    pub options: Options,
    pub control: Control,
}

/// Runs the parts to their end and says what all came to; as [`super::run()`].
#[must_use]
pub fn run(parts: Parts, whole: Whole, info: RunInfo, sinks: Vec<Box<dyn Sink>>) -> Outcome {
    on_own_thread(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("parts")
            .enable_all()
            .build()?;
        let mut whole = whole;
        let recording = Recording::begin(&mut whole.options, &whole.tools, info, sinks)?;
        let run = Run {
            relay: Relay::new(Arc::clone(&recording.recorder)),
            recording: &recording,
            whole: &whole,
            enough: CancellationToken::new(),
        };
        runtime.block_on(run.all(&parts));
        runtime.shutdown_background();
        Ok(recording.end(&whole.options, &whole.control))
    })
}

struct Run<'a> {
    relay: Relay,
    recording: &'a Recording,
    whole: &'a Whole,
    /// Cancelled when nothing more is waited for.
    enough: CancellationToken,
}

impl Run<'_> {
    async fn all(&self, parts: &Parts) {
        let (recorder, options) = (&self.recording.recorder, &self.whole.options);
        for spec in &self.whole.plan.specs {
            dispatch::blocked(recorder, options, spec);
        }
        if parts.parts.is_empty() {
            return;
        }
        let work = self.work(parts);
        tokio::pin!(work);
        tokio::select! {
            biased;
            () = self.watch() => {}
            () = &mut work => return,
        }
        work.await;
    }

    /// Hears the stop requests, and ends the waiting for parts that do not end by themselves.
    async fn watch(&self) {
        let control = &self.whole.control;
        let mut stop = control.watch();
        let mut told = Stop::No;
        let mut patience: Option<Duration> = None;
        loop {
            let now = stop.borrow_and_update().clone();
            if now != told {
                patience = match &now {
                    Stop::No => None,
                    Stop::Gracefully { .. } => Some(self.whole.options.cleanup_grace + LAST_WORDS),
                    Stop::Now { .. } => Some(Duration::from_secs(1)),
                };
                if let Stop::Gracefully { why } | Stop::Now { why } = &now {
                    let signal = why.clone();
                    self.recording
                        .recorder
                        .emit(None, None, EventKind::Signalled { signal });
                }
                told = now;
            }
            tokio::select! {
                changed = stop.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = async {
                    match patience {
                        Some(patience) => control.clock().sleep(patience).await,
                        None => std::future::pending().await,
                    }
                } => {
                    self.enough.cancel();
                    return;
                }
            }
        }
    }

    async fn work(&self, parts: &Parts) {
        let (pods, started) = self.start(&parts.wanted).await;
        match started {
            Ok(members) => {
                let following = members
                    .into_iter()
                    .zip(&parts.parts)
                    .map(|(member, part)| self.drive(member, part, parts));
                join_all(following).await;
            }
            Err(failure) => {
                let reason = format!("the pods did not start: {failure}");
                let verdict = self.verdict(Verdict::Blocked);
                for part in &parts.parts {
                    self.relay.end(part.ids(), verdict, &reason);
                }
            }
        }
        // First the pods, so that nobody is at work where it is cleaned up.
        if let Some(pods) = &pods {
            self.undo(pods, PathBuf::new()).await;
        }
        for open in self.relay.open() {
            let spec = parts
                .parts
                .iter()
                .flat_map(|p| &p.specs)
                .find(|s| Some(&s.id) == open.spec.as_ref());
            self.undo(&open, spec.map(|s| s.base_dir.clone()).unwrap_or_default())
                .await;
        }
    }

    /// Of what did not end: as `otherwise`, unless somebody ended it.
    fn verdict(&self, otherwise: Verdict) -> Verdict {
        match self.whole.control.stopped() {
            Stop::No => otherwise,
            Stop::Gracefully { .. } | Stop::Now { .. } => Verdict::Cancelled,
        }
    }

    /// Writes down that there will be pods, before there are any.
    fn promise(&self, wanted: &Wanted) -> Open {
        let info = CleanupInfo {
            id: "pods".to_owned(),
            action: "kube.delete".to_owned(),
            params: Some(json!({
                "kind": "Job",
                "api_version": "batch/v1",
                "namespace": wanted.namespace,
                "labels": wanted.selector(),
                "dependents": "foreground",
            })),
        };
        let cleanup = info.clone();
        self.recording
            .recorder
            .emit(None, None, EventKind::CleanupRegistered { cleanup });
        Open {
            spec: None,
            step: None,
            info,
        }
    }

    async fn undo(&self, open: &Open, base_dir: PathBuf) {
        let timeout = match self.whole.control.stopped() {
            Stop::No => TO_UNDO,
            Stop::Gracefully { .. } | Stop::Now { .. } => self.whole.options.cleanup_grace.min(TO_UNDO),
        };
        let undoing = Undoing {
            registry: &self.whole.registry,
            tools: &self.whole.tools,
            artifacts: &self.whole.options.run_dir.path().join("artifacts").join("clean"),
            timeout,
            control: &self.whole.control,
            ends_at: |stop| matches!(stop, Stop::Now { .. }),
        };
        let failure = undoing.undo(open, base_dir).await.err();
        let kind = EventKind::CleanupFinished {
            id: open.info.id.clone(),
            done: failure.is_none(),
            failure,
        };
        self.recording
            .recorder
            .emit(open.spec.as_ref(), open.step.as_ref(), kind);
    }

    fn until(&self, time: Duration) -> Until {
        Until {
            deadline: std::time::Instant::now() + time,
            cancel: self.enough.clone(),
        }
    }

    /// The pods, and the promise to take them away once it is made.
    async fn start(&self, wanted: &Wanted) -> (Option<Open>, Result<Vec<Member>, Failure>) {
        let tools = &self.whole.tools;
        let mut stop = self.whole.control.watch();
        let mut pods = None;
        let starting = async {
            let until = self.until(TO_START);
            let cluster = tools.kube.cluster(tools.endpoints.get("kube"), &until).await?;
            let wanted = Wanted {
                namespace: cluster.namespace().to_owned(),
                ..wanted.clone()
            };
            pods = Some(self.promise(&wanted));
            remote::start(&cluster, &wanted, &until, &self.until(EVER)).await
        };
        let started = tokio::select! {
            started = starting => started,
            _ = stop.wait_for(|stop| *stop != Stop::No) => {
                Err(Failure::new(Class::Cancelled, "the run was stopped"))
            }
        };
        (pods, started)
    }

    /// Follows a part to its end.
    async fn drive(&self, mut member: Member, part: &Part, parts: &Parts) {
        let pod = member.name().to_owned();
        let followed = self.follow(&mut member, part, parts).await;
        // Its input ends, and with it whatever it may still do.
        drop(member);
        let reason = match followed {
            Ok(ended) => {
                if !ended.left.is_empty() {
                    let message = format!(
                        "too large to be sent from the pod {pod}, and gone with it: {}",
                        ended.left.join(", ")
                    );
                    self.recording
                        .recorder
                        .emit(None, None, EventKind::Note { message });
                }
                let how = ended
                    .code
                    .map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
                let said: Vec<&str> = ended
                    .said
                    .iter()
                    .map(|line| line.trim())
                    .filter(|line| !line.is_empty())
                    .collect();
                let said: String = said.join("; ").chars().take(LONGEST_REASON).collect();
                format!("the pod {pod} ended before it ({how}): {said}")
            }
            Err(failure) => failure.to_string(),
        };
        let verdict = self.verdict(Verdict::Errored);
        self.relay.end(part.ids(), verdict, &reason);
    }

    async fn follow(&self, member: &mut Member, part: &Part, parts: &Parts) -> Result<Ended, Failure> {
        let mut heard = Heard::of(&part.specs);
        let mut unsaid = 0;
        let first = loop {
            let said = member.listen(Some(PATIENCE)).await?;
            if let Some(word) = self.word(member, said, &mut unsaid).await? {
                break word;
            }
        };
        match first {
            Word::Hello { version } if version == env!("CARGO_PKG_VERSION") => {}
            Word::Hello { version } => {
                let own = env!("CARGO_PKG_VERSION");
                return Err(Failure::new(
                    Class::Missing,
                    format!(
                        "the image `{}` has specrun {version}, this is {own}",
                        parts.wanted.image
                    ),
                )
                .help("make the image from this version, and name it as `image` of the endpoint `kube`"));
            }
            other => return Err(odd(member, &format!("its first word is {other:?}"))),
        }
        for file in &parts.files {
            self.tell(member, &Order::File(file.clone())).await?;
        }
        let mut start = part.start.clone();
        if let Some(deadline) = self.whole.options.deadline {
            let left = (deadline.as_secs_f64() - self.recording.recorder.elapsed()).max(0.001);
            start.args.push(format!("--deadline={left:.3}s"));
        }
        self.tell(member, &Order::Start(start)).await?;
        let mut stop = self.whole.control.watch();
        let mut stops = 0;
        loop {
            let asked = stop.borrow_and_update().times();
            while stops < asked {
                stops += 1;
                heard.asked = true;
                self.tell(member, &Order::Stop).await?;
            }
            let said = tokio::select! {
                biased;
                Ok(()) = stop.changed() => continue,
                said = member.listen(Some(PATIENCE)) => said?,
            };
            let Some(word) = self.word(member, said, &mut unsaid).await? else {
                continue;
            };
            match word {
                Word::Event(event) => self
                    .relay
                    .heard(&mut heard, *event)
                    .map_err(|why| odd(member, &why))?,
                Word::File(file) => self.keep(&file).map_err(|why| odd(member, &why))?,
                Word::Live => {}
                Word::Ended(ended) => return Ok(ended),
                Word::Hello { .. } => return Err(odd(member, "it began twice")),
            }
        }
    }

    async fn tell(&self, member: &mut Member, order: &Order) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(order).map_err(|e| odd(member, &e.to_string()))?;
        line.push(b'\n');
        let pod = member.name().to_owned();
        tokio::time::timeout(TO_LISTEN, member.say(&line))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::new(
                    Class::Timeout,
                    format!("the pod {pod} did not listen for {TO_LISTEN:?}"),
                ))
            })
    }

    /// The word that was heard, after which the part may say more; none: it was asked for one that is missing. `unsaid` is
    /// how much was heard that the part does not know of yet.
    async fn word(
        &self,
        member: &mut Member,
        said: Said,
        unsaid: &mut usize,
    ) -> Result<Option<Word>, Failure> {
        let line = match said {
            Said::Word(line) => line,
            // One that does not listen any more has ended, which its log tells.
            Said::Missing(_) => {
                let _ = self.tell(member, &Order::Again(member.heard())).await;
                return Ok(None);
            }
        };
        *unsaid += line.len() + AROUND;
        if *unsaid >= MOST_UNHEARD / 4 {
            *unsaid = 0;
            // One that does not listen any more may have said all that there is; its log tells.
            let _ = self.tell(member, &Order::Heard(member.heard())).await;
        }
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|e| odd(member, &format!("what it says cannot be read: {e}")))
    }

    /// Keeps a file of a step, where it would be had the step run here.
    fn keep(&self, file: &Carried) -> Result<(), String> {
        if !file.path.starts_with("artifacts") {
            return Err(format!(
                "it sends {}, which is no file of a step",
                file.path.display()
            ));
        }
        file.put(self.whole.options.run_dir.path()).or_else(|e| {
            let message = format!("{} could not be kept: {e}", file.path.display());
            self.recording
                .recorder
                .emit(None, None, EventKind::Note { message });
            Ok(())
        })
    }
}

fn odd(member: &Member, why: &str) -> Failure {
    Failure::new(
        Class::UnreadableAnswer,
        format!("the pod {} is not believed: {why}", member.name()),
    )
}
