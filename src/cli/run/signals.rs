//! Signals: the first asks the run to end in good order, the second ends it at once. Ctrl-Z stops the clocks too.
//!
//! A closed standard output is no signal here: Rust ignores SIGPIPE, and the console report says that it could not
//! be written.

use rustix::process::{Signal, getpid, kill_process};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::cli::Exit;
use crate::cli::output::Output;
use crate::engine::Control;

/// Does the work of a verb while its signals are heard. They have a thread of their own, since the work blocks.
pub fn heard(output: Output, work: impl FnOnce(&Control, &Handle) -> Exit) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("signals")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            output.error(&format!("starting: {e}"));
            return Exit::Internal;
        }
    };
    let control = Control::new();
    let signals = {
        let _inside = runtime.enter();
        Signals::forward(&control, output)
    };
    let exit = match signals {
        Ok(_signals) => work(&control, runtime.handle()),
        Err(e) => {
            output.error(&format!("listening for signals: {e}"));
            Exit::Internal
        }
    };
    runtime.shutdown_background();
    exit
}

/// Listens until dropped.
struct Signals(Vec<JoinHandle<()>>);

impl Drop for Signals {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Signals {
    /// Forwards what ends the process to `control`.
    ///
    /// SIGHUP stays ignored when it was ignored at the start (`nohup`).
    ///
    /// # Errors
    /// When a handler cannot be installed.
    fn forward(control: &Control, output: Output) -> std::io::Result<Self> {
        let mut ending = vec![
            ("SIGINT", SignalKind::interrupt()),
            ("SIGTERM", SignalKind::terminate()),
        ];
        if !ignored(SignalKind::hangup()) {
            ending.push(("SIGHUP", SignalKind::hangup()));
        }
        let mut tasks = Vec::new();
        for (name, kind) in ending {
            let mut arrivals = signal(kind)?;
            let control = control.clone();
            tasks.push(tokio::spawn(async move {
                while arrivals.recv().await.is_some() {
                    control.stop(name);
                    output.err(&format!(
                        "specrun: {name}: ending in good order; once more ends at once\n"
                    ));
                }
            }));
        }
        // With a listener a file beyond the limit (`ulimit -f`) is an error of that write instead of the end of the
        // process; nothing else has to be done about it.
        let _heard = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
        let mut stops = signal(SignalKind::from_raw(Signal::TSTP.as_raw()))?;
        let control = control.clone();
        tasks.push(tokio::spawn(async move {
            while stops.recv().await.is_some() {
                // Listened for before the stop: the stop takes hold only some time after the call that asks for it has
                // returned, and what goes on before that would let the children go on.
                let Ok(mut goes_on) = signal(SignalKind::from_raw(Signal::CONT.as_raw())) else {
                    continue;
                };
                control.pause();
                if kill_process(getpid(), Signal::STOP).is_ok() {
                    goes_on.recv().await;
                }
                control.resume();
            }
        }));
        Ok(Self(tasks))
    }
}

/// Whether the signal was ignored when the process started, by Linux' own account.
fn ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|m| u64::from_str_radix(m.trim(), 16).ok())
        .unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}
