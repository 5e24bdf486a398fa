//! The threads of one process that do shares of a job.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::job::Job;
use super::record::Record;
use super::sender::{Counters, Surroundings, Thread};
use super::tally::Tally;
use crate::check::{Class, Failure};
use crate::tools::http::Judge;

/// Handfuls of records that wait to be written; threads wait when there are more.
const WAITING: usize = 16;

/// Threads that are ready, or at work. Dropped, they stop sending.
pub struct Crew {
    members: Vec<Member>,
    merged: Tally,
    records: Option<mpsc::Receiver<Vec<Record>>>,
    stop: CancellationToken,
    _stops: DropGuard,
}

struct Member {
    counters: Arc<Counters>,
    ready: Option<oneshot::Receiver<Result<(), Failure>>>,
    go: Option<oneshot::Sender<Instant>>,
    tally: Option<oneshot::Receiver<Tally>>,
}

/// How far a load is, warm-up included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub sent: u64,
    pub right: u64,
    pub wrong: u64,
}

impl Crew {
    /// Starts a thread for each share. Nothing is sent yet.
    ///
    /// # Errors
    /// When a thread cannot be started, or a request cannot be made of what the job says.
    pub fn muster(job: &Arc<Job>, judges: &Arc<Vec<Judge>>, shares: Range<u32>) -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let (give, records) = mpsc::sync_channel(WAITING);
        let mut members = Vec::new();
        for share in shares {
            let counters = Arc::new(Counters::default());
            let given = Surroundings {
                job: Arc::clone(job),
                share,
                judges: Arc::clone(judges),
                counters: Arc::clone(&counters),
                stop: stop.clone(),
                records: job.record.then(|| give.clone()),
            };
            let (say_ready, ready) = oneshot::channel();
            let (go, gone) = oneshot::channel();
            let (say_tally, tally) = oneshot::channel();
            std::thread::Builder::new()
                .name(format!("load-{share}"))
                .spawn(move || run(given, say_ready, gone, say_tally))
                .map_err(|e| Failure::new(Class::Internal, format!("no thread could be started: {e}")))?;
            members.push(Member {
                counters,
                ready: Some(ready),
                go: Some(go),
                tally: Some(tally),
            });
        }
        Ok(Self {
            members,
            merged: Tally::default(),
            records: job.record.then_some(records),
            _stops: stop.clone().drop_guard(),
            stop,
        })
    }

    /// Waits until every thread has a connection to every peer.
    ///
    /// # Errors
    /// What is wrong with the connection, classed.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        for member in &mut self.members {
            if let Some(ready) = member.ready.take() {
                ready.await.map_err(|_| lost())??;
            }
        }
        Ok(())
    }

    /// Lets them begin at this moment.
    pub fn start(&mut self, origin: Instant) {
        for member in &mut self.members {
            if let Some(go) = member.go.take() {
                // A thread that is gone is told of when its tally is asked for.
                let _ = go.send(origin);
            }
        }
    }

    /// Waits for what they came to.
    ///
    /// # Errors
    /// When a thread broke down, which is a mistake in specrun.
    pub async fn finish(&mut self) -> Result<Tally, Failure> {
        for member in &mut self.members {
            // It may be given up and asked for again.
            if let Some(tally) = &mut member.tally {
                self.merged.merge(tally.await.map_err(|_| lost())?);
                member.tally = None;
            }
        }
        Ok(std::mem::take(&mut self.merged))
    }

    /// No more is sent; what is under way may end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    #[must_use]
    pub fn live(&self) -> Live {
        let mut live = Live::default();
        for member in &self.members {
            live.sent += member.counters.sent.load(Ordering::Relaxed);
            live.right += member.counters.right.load(Ordering::Relaxed);
            live.wrong += member.counters.wrong.load(Ordering::Relaxed);
        }
        live
    }

    /// Where every request comes, when they are kept. It ends with the threads.
    pub fn records(&mut self) -> Option<mpsc::Receiver<Vec<Record>>> {
        self.records.take()
    }
}

fn lost() -> Failure {
    Failure::new(Class::Internal, "a thread of the load generator broke down")
}

fn run(
    given: Surroundings,
    ready: oneshot::Sender<Result<(), Failure>>,
    go: oneshot::Receiver<Instant>,
    tally: oneshot::Sender<Tally>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            let _ = ready.send(Err(Failure::new(Class::Internal, format!("no runtime: {e}"))));
            return;
        }
    };
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let thread = match Thread::new(given) {
            Ok(thread) => Rc::new(thread),
            Err(failure) => {
                let _ = ready.send(Err(failure));
                return;
            }
        };
        let connected = thread.connect().await;
        let failed = connected.is_err();
        if ready.send(connected).is_err() || failed {
            return;
        }
        let Ok(origin) = go.await else { return };
        let _ = tally.send(thread.work(origin).await);
    });
}
