//! Shares of a job in processes of their own, here or in pods: the protocol, its coordinator and its worker.
//!
//! Lines of JSON. The coordinator says `job`, then `start`; the end of its words is the end of the worker too. The worker says `ready` or `failed`, then `live` every second, then `done` with
//! its tally. Nothing is judged by a worker but single answers; the coordinator merges the tallies, and one judge
//! decides. A job names everything, so a worker needs no file, no name server and no environment. A job holds the headers
//! of its requests, so its line is a secret: it goes over a pipe or a connection, never into an argument, a file, an
//! object or an event.

use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::crew::{Crew, Live};
use super::job::{Job, Kind};
use super::member::{Member, Process, odd};
use super::tally::Tally;
use crate::check::Failure;
use crate::tools::http::Judge;
use crate::tools::kube::remote;

/// From `start` to the first arrival: longer than a line needs to get through.
const LEAD: Duration = Duration::from_millis(20);
/// The same where the line goes through the API server of a cluster to its nodes.
const FAR_LEAD: Duration = Duration::from_millis(500);
/// How often a worker says how far it is.
const EVERY: Duration = Duration::from_secs(1);

/// What a coordinator says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Job {
        job: Box<Job>,
        shares: Range<u32>,
    },
    /// Begin so much later. Clocks of machines differ, so no moment is named: what is left until the one moment that all
    /// begin at is counted when each is told.
    Start {
        lead: Duration,
    },
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    Ready,
    Failed(Box<Failure>),
    Live(Live),
    Done(Box<Tally>),
}

/// Workers, each with its part of the shares. Dropped, they end.
pub struct Fleet {
    members: Vec<Member>,
    lead: Duration,
}

impl Fleet {
    /// Starts `workers` processes of `program` and waits until all are connected.
    ///
    /// # Errors
    /// When a process cannot be started, or what a worker says is wrong.
    pub async fn muster(program: &Path, job: &Job, workers: u32) -> Result<Self, Failure> {
        let members = (0..workers)
            .map(|_| Process::start(program).map(|p| Member::Process(Box::new(p))))
            .collect::<Result<Vec<_>, Failure>>()?;
        Self::ready(members, LEAD, job).await
    }

    /// Gives pods that listen their parts and waits until all are connected.
    ///
    /// # Errors
    /// When a pod is lost, or what a worker says is wrong.
    pub async fn of_pods(pods: Vec<remote::Member>, job: &Job) -> Result<Self, Failure> {
        let members = pods.into_iter().map(|p| Member::Pod(Box::new(p))).collect();
        Self::ready(members, FAR_LEAD, job).await
    }

    async fn ready(mut members: Vec<Member>, lead: Duration, job: &Job) -> Result<Self, Failure> {
        let workers = u32::try_from(members.len()).unwrap_or(u32::MAX).max(1);
        let each = (job.shares / workers).max(1);
        try_join_all((0..).zip(&mut members).map(|(n, member)| async move {
            let shares = n * each..(n + 1) * each;
            let job = Box::new(job.clone());
            member.say(&Order::Job { job, shares }).await?;
            match member.hear(false).await? {
                Word::Ready => Ok(()),
                Word::Failed(failure) => Err(*failure),
                Word::Live(_) | Word::Done(_) => Err(odd("it spoke out of turn")),
            }
        }))
        .await?;
        Ok(Self { members, lead })
    }

    /// From [`Fleet::work`] to the first arrival.
    #[must_use]
    pub const fn lead(&self) -> Duration {
        self.lead
    }

    /// Lets them begin at one moment and waits for what they came to. `live` is told how far they are.
    ///
    /// # Errors
    /// When a worker died or broke down.
    pub async fn work(&mut self, live: impl Fn(Live) + Sync) -> Result<Tally, Failure> {
        let at = Instant::now() + self.lead;
        let far = Mutex::new(vec![Live::default(); self.members.len()]);
        let tell = |i: usize, now: Live| {
            let mut far = far.lock().unwrap_or_else(PoisonError::into_inner);
            far[i] = now;
            live(far.iter().fold(Live::default(), |sum, one| Live {
                sent: sum.sent + one.sent,
                right: sum.right + one.right,
                wrong: sum.wrong + one.wrong,
            }));
        };
        let tell = &tell;
        let tallies = try_join_all(self.members.iter_mut().enumerate().map(|(i, member)| async move {
            let lead = at.saturating_duration_since(Instant::now());
            member.say(&Order::Start { lead }).await?;
            loop {
                match member.hear(true).await? {
                    Word::Live(now) => tell(i, now),
                    Word::Done(tally) => return Ok(*tally),
                    Word::Failed(failure) => return Err(*failure),
                    Word::Ready => return Err(odd("it spoke out of turn")),
                }
            }
        }))
        .await?;
        let mut all = Tally::default();
        for tally in tallies {
            all.merge(tally);
        }
        Ok(all)
    }
}

/// A worker: does what `input` says and says on `output` what came of it. `judge` makes the judge of a kind.
///
/// # Errors
/// When it cannot be heard any more.
pub fn serve(
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
    judge: impl Fn(&Kind) -> Result<Judge, Failure>,
) -> std::io::Result<()> {
    let mut say = |word: &Word| {
        let mut line = serde_json::to_vec(word)?;
        line.push(b'\n');
        output.write_all(&line)?;
        output.flush()
    };
    let failed = |why: String| Word::Failed(Box::new(odd(&why)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (give, mut orders) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            let order = serde_json::from_str::<Order>(&line).map_err(|e| e.to_string());
            if give.send(order).is_err() {
                return;
            }
        }
    });
    runtime.block_on(async {
        let (job, shares) = match orders.recv().await {
            Some(Ok(Order::Job { job, shares })) => (Arc::new(*job), shares),
            Some(Err(why)) => return say(&failed(format!("the job cannot be read: {why}"))),
            _ => return Ok(()),
        };
        let crew = job
            .kinds
            .iter()
            .map(&judge)
            .collect::<Result<Vec<Judge>, Failure>>()
            .and_then(|judges| Crew::muster(&job, &Arc::new(judges), shares));
        let mut crew = match crew {
            Ok(crew) => crew,
            Err(failure) => return say(&Word::Failed(Box::new(failure))),
        };
        if let Err(failure) = crew.ready().await {
            return say(&Word::Failed(Box::new(failure)));
        }
        say(&Word::Ready)?;
        let Some(Ok(Order::Start { lead })) = orders.recv().await else {
            return Ok(());
        };
        crew.start(Instant::now() + lead);
        loop {
            tokio::select! {
                tally = crew.finish() => {
                    return match tally {
                        Ok(tally) => say(&Word::Done(Box::new(tally))),
                        Err(failure) => say(&Word::Failed(Box::new(failure))),
                    };
                }
                // Nobody is there to tell.
                _ = orders.recv() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            say(&Word::Live(crew.live()))?;
        }
    })
}
