//! One load from its start to its tally: by threads here, by worker processes or by pods.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::keep;
use super::params::Workers;
use super::pods::Jobs;
use super::prepare::judges;
use crate::action::{Class, Context, Failure};
use crate::tools::load::{Crew, Fleet, Job, Live, Tally};

/// How often people are told how far it is.
const EVERY: Duration = Duration::from_secs(5);
/// So long before the step's deadline no more is sent.
const MARGIN: Duration = Duration::from_millis(1500);

/// What one load came to.
pub struct Done {
    pub tally: Tally,
    /// When it began.
    pub began: jiff::Timestamp,
    /// Files with every request.
    pub requests: Vec<PathBuf>,
}

/// Runs a load. `turn` numbers those of one step.
pub async fn drive(job: &Job, workers: &Workers, turn: u32, cx: &Context) -> Result<Done, Failure> {
    let say = |live: Live| {
        (cx.progress)(format!(
            "{} requests sent, {} right, {} wrong",
            live.sent, live.right, live.wrong
        ));
    };
    match workers {
        Workers::Here(0) => {}
        Workers::Here(workers) => {
            let program = std::env::current_exe()
                .map_err(|e| Failure::new(Class::Internal, format!("specrun does not find itself: {e}")))?;
            return by_workers(Fleet::muster(&program, job, *workers), cx, say).await;
        }
        Workers::There(pods) => {
            let jobs = Jobs::of(job, pods, turn, cx).await?;
            let done = by_workers(jobs.fleet(job), cx, say).await;
            // What cannot be deleted now is in the ledger, and is tried again when the spec ends.
            if let Err(failure) = jobs.remove().await {
                (cx.progress)(format!("the Jobs of the load are not deleted yet: {failure}"));
            }
            return done;
        }
    }
    let shared = Arc::new(job.clone());
    let mut crew = Crew::muster(&shared, &Arc::new(judges(job)?), 0..job.shares)?;
    tokio::select! {
        biased;
        () = cx.cancel.cancelled() => return Err(stopped()),
        ready = crew.ready() => ready?,
    }
    let writing = crew
        .records()
        .map(|records| keep::requests(records, job, turn, cx))
        .transpose()?;
    let began = jiff::Timestamp::now();
    crew.start(Instant::now());
    let close = cx.deadline.checked_sub(MARGIN).unwrap_or(cx.deadline);
    let mut closed = false;
    let mut next = Instant::now() + EVERY;
    let tally = loop {
        let wake = if closed { next } else { next.min(close) };
        tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(stopped()),
            tally = crew.finish() => break tally?,
            () = tokio::time::sleep_until(wake.into()) => {}
        }
        if !closed && Instant::now() >= close {
            closed = true;
            crew.stop();
        }
        if Instant::now() >= next {
            next = Instant::now() + EVERY;
            say(crew.live());
        }
    };
    let requests = match writing {
        None => Vec::new(),
        Some(writing) => {
            drop(crew);
            writing.finish().await?
        }
    };
    Ok(Done {
        tally,
        began,
        requests,
    })
}

/// The load of workers, once they are there.
async fn by_workers(
    mustered: impl Future<Output = Result<Fleet, Failure>>,
    cx: &Context,
    say: impl Fn(Live) + Sync,
) -> Result<Done, Failure> {
    let told = Mutex::new(Instant::now());
    let tell = |live| {
        let mut last = told.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= EVERY {
            *last = Instant::now();
            say(live);
        }
    };
    let work = async {
        let mut fleet = mustered.await?;
        let began = jiff::Timestamp::now() + fleet.lead();
        let tally = fleet.work(tell).await?;
        Ok(Done {
            tally,
            began,
            requests: Vec::new(),
        })
    };
    tokio::select! {
        biased;
        () = cx.cancel.cancelled() => Err(stopped()),
        done = work => done,
    }
}

fn stopped() -> Failure {
    Failure::new(Class::Cancelled, "the load was stopped")
}
