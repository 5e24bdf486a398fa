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
    let engine = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || on_own_thread(plan, tools, options, info, sinks, control));
    match engine.map(std::thread::JoinHandle::join) {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(e))) | Err(e) => broken(e),
        Ok(Err(_)) => broken(std::io::Error::other(
            "the engine panicked; what is in the journal holds",
        )),
    }
}

fn on_own_thread(
    plan: Arc<Plan>,
    tools: Arc<Tools>,
    options: Options,
    info: RunInfo,
    sinks: Vec<Box<dyn Sink>>,
    control: Control,
) -> std::io::Result<Outcome> {
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

    // A journal that cannot be written is told at the end (exit code 74); the run itself can do its work.
    let path = options.run_dir.journal();
    let (journal, mut errors) = match Writer::create(&path) {
        Ok(journal) => (Some(journal), Vec::new()),
        Err(error) => {
            let sink = format!("the journal {}", path.display());
            (None, vec![SinkError { sink, error }])
        }
    };
    let recorder = Arc::new(Recorder::new(journal, sinks, Arc::clone(&tools.redactor))?);
    let mut run = Run {
        plan,
        tools,
        options,
        control,
        recorder,
        locks: Locks::default(),
        versions: Versions::default(),
        actions: actions.handle().clone(),
        graceful: CancellationToken::new(),
        now: CancellationToken::new(),
        stopped: OnceLock::new(),
    };
    let preamble = std::mem::take(&mut run.options.preamble);
    run.recorder.emit(None, None, EventKind::RunStarted { run: info });
    for event in preamble {
        run.recorder.emit(None, None, event);
    }
    let beats = Clock::beats(run.control.clone())?;
    engine.block_on(dispatch::all(&run));
    drop(beats);
    // Threads that an action still blocks are left behind; nothing waits for them.
    actions.shutdown_background();

    let exit_code = run.recorder.with_summary(|s| (run.options.exit_code)(s));
    let duration = run.recorder.elapsed();
    run.recorder
        .emit(None, None, EventKind::RunFinished { exit_code, duration });
    let patience = match run.control.stopped() {
        Stop::No => None,
        Stop::Gracefully { .. } => Some(Duration::from_secs(30)),
        Stop::Now { .. } => Some(Duration::from_secs(1)),
    };
    let (summary, more) = run.recorder.finish(patience);
    errors.extend(more);
    Ok(Outcome {
        summary,
        sink_errors: errors,
    })
}
