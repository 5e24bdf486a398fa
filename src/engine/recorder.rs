//! Takes events from everywhere, numbers and masks them, writes the journal at once, and hands them on.
//!
//! The journal is written by whoever reports, under one lock: when `emit` returns, the event is on file. Reports get
//! their events on a thread of their own, in order, so that a slow terminal or a blocked pipe holds up no deadline.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::journal::Writer;
use super::options::SinkError;
use crate::event::{self, Event, EventKind, Sink, Summary};
use crate::tools::Redactor;
use crate::value::{SpecId, StepId};

/// Where events go.
pub(super) struct Recorder {
    start: Instant,
    redactor: Arc<Redactor>,
    inner: Mutex<Inner>,
}

struct Inner {
    seq: u64,
    journal: Option<Writer>,
    summary: Summary,
    reports: Option<mpsc::Sender<Event>>,
    thread: Option<JoinHandle<Vec<SinkError>>>,
}

impl Recorder {
    pub(super) fn new(
        journal: Option<Writer>,
        sinks: Vec<Box<dyn Sink>>,
        redactor: Arc<Redactor>,
    ) -> io::Result<Self> {
        let (reports, events) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("reports".into())
            .spawn(move || serve(sinks, &events))?;
        Ok(Self {
            start: Instant::now(),
            redactor,
            inner: Mutex::new(Inner {
                seq: 0,
                journal,
                summary: Summary::default(),
                reports: Some(reports),
                thread: Some(thread),
            }),
        })
    }

    /// Records one event; it is in the journal when this returns.
    pub(super) fn emit(&self, spec: Option<&SpecId>, step: Option<&StepId>, kind: EventKind) {
        let mut event = Event {
            seq: 0,
            at: stamp(),
            elapsed: 0.0,
            spec: spec.cloned(),
            step: step.cloned(),
            kind,
        };
        event::mask::apply(&mut event, &|text| self.redactor.redact(text));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        event.seq = inner.seq;
        event.elapsed = self.start.elapsed().as_secs_f64();
        inner.seq += 1;
        if let Some(journal) = &mut inner.journal {
            journal.append(&event);
        }
        inner.summary.fold(&event);
        if let Some(reports) = &inner.reports {
            // The thread ends early only when a report panicked; the journal has the event all the same.
            let _ = reports.send(event);
        }
    }

    /// What it came to so far.
    pub(super) fn with_summary<R>(&self, read: impl FnOnce(&Summary) -> R) -> R {
        read(&self.inner.lock().unwrap_or_else(PoisonError::into_inner).summary)
    }

    /// Seconds since the run started.
    pub(super) fn elapsed(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Completes journal and reports. With `patience`, a report that does not end in time is given up.
    pub(super) fn finish(&self, patience: Option<Duration>) -> (Summary, Vec<SinkError>) {
        let (journal, thread, summary) = {
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            drop(inner.reports.take());
            (
                inner.journal.take(),
                inner.thread.take(),
                std::mem::take(&mut inner.summary),
            )
        };
        let mut errors = Vec::new();
        if let Some(journal) = journal {
            let (path, error) = journal.finish();
            errors.extend(error.map(|error| SinkError {
                sink: format!("the journal {}", path.display()),
                error,
            }));
        }
        if let Some(thread) = thread {
            errors.extend(join(thread, patience));
        }
        (summary, errors)
    }
}

/// RFC 3339, UTC, milliseconds.
pub(super) fn stamp() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

fn join(thread: JoinHandle<Vec<SinkError>>, patience: Option<Duration>) -> Vec<SinkError> {
    let broken = |why: &str| {
        vec![SinkError {
            sink: "the reports".to_owned(),
            error: io::Error::other(why.to_owned()),
        }]
    };
    if let Some(patience) = patience {
        let until = Instant::now() + patience;
        while !thread.is_finished() {
            if Instant::now() >= until {
                return broken("they were not complete in time");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    thread
        .join()
        .unwrap_or_else(|_| broken("the thread that writes them panicked"))
}

struct Served {
    sink: Box<dyn Sink>,
    error: Option<io::Error>,
}

impl Served {
    /// Calls a sink that has not failed yet; a panic in it is an error like others.
    fn call(&mut self, f: impl FnOnce(&mut dyn Sink) -> io::Result<()>) {
        if self.error.is_some() {
            return;
        }
        let done = catch_unwind(AssertUnwindSafe(|| f(self.sink.as_mut())));
        self.error = done
            .unwrap_or_else(|_| Err(io::Error::other("it panicked")))
            .err();
    }
}

fn serve(sinks: Vec<Box<dyn Sink>>, events: &mpsc::Receiver<Event>) -> Vec<SinkError> {
    let mut sinks: Vec<Served> = sinks
        .into_iter()
        .map(|sink| Served { sink, error: None })
        .collect();
    while let Ok(event) = events.recv() {
        for served in &mut sinks {
            served.call(|sink| sink.event(&event));
        }
    }
    sinks
        .into_iter()
        .filter_map(|mut served| {
            served.call(|sink| sink.finish());
            let sink = served.sink.name();
            served.error.map(|error| SinkError { sink, error })
        })
        .collect()
}
