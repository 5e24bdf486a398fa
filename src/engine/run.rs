//! The whole of a run: threads, clocks, first and last event.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::{Clock, Moment};
use super::control::{Control, Stop};
use super::dispatch;
use super::journal::Writer;
use super::locks::Locks;
use super::options::{Options, Outcome, SinkError};
use super::recorder::Recorder;
use super::unit::Versions;
use crate::event::{EventKind, RunInfo, Sink, Summary};
use crate::plan::Plan;
use crate::tools::Tools;

/// What all units of a run share.
pub(super) struct Run {
    pub(super) plan: Arc<Plan>,
    pub(super) tools: Arc<Tools>,
    pub(super) options: Options,
    pub(super) control: Control,
    pub(super) recorder: Arc<Recorder>,
    pub(super) locks: Locks,
    pub(super) versions: Versions,
    /// Where actions run: never on the engine's own thread, which no action may block.
    pub(super) actions: tokio::runtime::Handle,
    /// Cancelled when nothing new may begin and what runs shall end.
    pub(super) graceful: CancellationToken,
    /// Cancelled when nothing may be waited for any more.
    pub(super) now: CancellationToken,
    /// When and why `graceful` was cancelled.
    pub(super) stopped: OnceLock<(Moment, String)>,
}

impl Run {
    /// Ends when the time for diagnostics and cleanup is over; never, as long as nobody stops the run.
    pub(super) async fn grace_over(&self) {
        self.graceful.cancelled().await;
        let since = self
            .stopped
            .get()
            .map_or_else(|| self.control.clock().now(), |(at, _)| *at);
        tokio::select! {
            () = self.now.cancelled() => {}
            () = self.control.clock().sleep_until(since + self.options.cleanup_grace) => {}
        }
    }

    /// Asks everything to end in good order.
    pub(super) fn wind_down(&self, why: &str) {
        if self
            .stopped
            .set((self.control.clock().now(), why.to_owned()))
            .is_ok()
        {
            self.graceful.cancel();
        }
    }

    /// Why the run was stopped, for messages.
    pub(super) fn why_stopped(&self) -> &str {
        self.stopped.get().map_or("the run was stopped", |(_, why)| why)
    }
}

/// Runs a plan to its end and says what it came to.
///
/// Makes its own threads, so it is called from plain code, or from a thread that may block. Every event goes to
/// `journal.jsonl` in the run directory first and then, in order, to the sinks.
#[must_use]
pub fn run(
    plan: Arc<Plan>,
    tools: Arc<Tools>,
    options: Options,
    info: RunInfo,
    sinks: Vec<Box<dyn Sink>>,
    control: Control,
) -> Outcome {
    on_own_thread(move || {
        // An action that blocks holds up one of these threads until its deadline; with several there is always another.
        let threads = std::thread::available_parallelism()
            .map_or(4, std::num::NonZero::get)
            .max(4);
        let actions = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("actions")
            .enable_all()
            .build()?;
        let engine = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let mut options = options;
        let recording = Recording::begin(&mut options, &tools, info, sinks)?;
        let run = Run {
            plan,
            tools,
            options,
            control,
            recorder: Arc::clone(&recording.recorder),
            locks: Locks::default(),
            versions: Versions::default(),
            actions: actions.handle().clone(),
            graceful: CancellationToken::new(),
            now: CancellationToken::new(),
            stopped: OnceLock::new(),
        };
        let beats = Clock::beats(run.control.clone())?;
        engine.block_on(dispatch::all(&run));
        drop(beats);
        // Threads that an action still blocks are left behind; nothing waits for them.
        actions.shutdown_background();
        Ok(recording.end(&run.options, &run.control))
    })
}

/// Does the work of a run on a thread of its own, so that it may be called from wherever.
pub(super) fn on_own_thread(work: impl FnOnce() -> std::io::Result<Outcome> + Send + 'static) -> Outcome {
    let broken = |error: std::io::Error| Outcome {
        summary: Summary {
            internal: true,
            ..Summary::default()
        },
        sink_errors: vec![SinkError {
            sink: "the run's events".to_owned(),
            error,
        }],
    };
    let engine = std::thread::Builder::new().name("engine".to_owned()).spawn(work);
    match engine.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(e))) | Err(e) => broken(e),
        Ok(Err(_)) => broken(std::io::Error::other(
            "the engine panicked; what is in the journal holds",
        )),
    }
}

/// The events of a run, from its first to its last.
pub(super) struct Recording {
    pub(super) recorder: Arc<Recorder>,
    errors: Vec<SinkError>,
}

impl Recording {
    /// Opens the journal and tells that the run has begun.
    ///
    /// # Errors
    /// When no thread can be had for the reports.
    pub(super) fn begin(
        options: &mut Options,
        tools: &Tools,
        info: RunInfo,
        sinks: Vec<Box<dyn Sink>>,
    ) -> std::io::Result<Self> {
        // A journal that cannot be written is told at the end (exit code 74); the run itself can do its work.
        let path = options.run_dir.journal();
        let (journal, errors) = match Writer::create(&path) {
            Ok(journal) => (Some(journal), Vec::new()),
            Err(error) => {
                let sink = format!("the journal {}", path.display());
                (None, vec![SinkError { sink, error }])
            }
        };
        let recorder = Arc::new(Recorder::new(journal, sinks, Arc::clone(&tools.redactor))?);
        recorder.emit(None, None, EventKind::RunStarted { run: info });
        for event in std::mem::take(&mut options.preamble) {
            recorder.emit(None, None, event);
        }
        Ok(Self { recorder, errors })
    }

    /// Tells that the run has ended, and completes journal and reports.
    pub(super) fn end(self, options: &Options, control: &Control) -> Outcome {
        let exit_code = self.recorder.with_summary(|s| (options.exit_code)(s));
        let duration = self.recorder.elapsed();
        self.recorder
            .emit(None, None, EventKind::RunFinished { exit_code, duration });
        let patience = match control.stopped() {
            Stop::No => None,
            Stop::Gracefully { .. } => Some(Duration::from_secs(30)),
            Stop::Now { .. } => Some(Duration::from_secs(1)),
        };
        let (summary, more) = self.recorder.finish(patience);
        let mut sink_errors = self.errors;
        sink_errors.extend(more);
        Outcome { summary, sink_errors }
    }
}
