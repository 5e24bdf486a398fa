//! Shares of a job in processes of their own: the protocol, its coordinator and its worker.
//!
//! Lines of JSON. The coordinator says `job`, then `start`; the end of its words is the end of the worker too. The worker says `ready` or `failed`, then `live` every second, then `done` with
//! its tally. Nothing is judged by a worker but single answers; the coordinator merges the tallies, and one judge
//! decides. A job names everything, so a worker needs no file, no name server and no environment, and it can be a pod
//! whose input and output are attached. A job holds the headers of its requests, so its line is a secret: it goes over a
//! pipe, never into an argument, a file or an event.

use std::io::{BufRead, Write};
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::crew::{Crew, Live};
use super::job::{Job, Kind};
use super::tally::Tally;
use crate::check::{Class, Failure};
use crate::tools::http::Judge;

/// From `start` to the first arrival: longer than a line needs to get through.
pub const LEAD: Duration = Duration::from_millis(20);
/// How often a worker says how far it is.
const EVERY: Duration = Duration::from_secs(1);

/// What a coordinator says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Job { job: Box<Job>, shares: Range<u32> },
    Start,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Ready,
    Failed(Box<Failure>),
    Live(Live),
    Done(Box<Tally>),
}

/// Worker processes on this machine. Dropped, they end.
pub struct Fleet {
    members: Vec<Member>,
}

struct Member {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    live: Live,
}

impl Fleet {
    /// Starts `workers` processes of `program`, each with its part of the shares, and waits until all are connected.
    ///
    /// # Errors
    /// When a process cannot be started, or what a worker says is wrong.
    pub async fn muster(program: &Path, job: &Job, workers: u32) -> Result<Self, Failure> {
        let each = (job.shares / workers.max(1)).max(1);
        let mut members = Vec::new();
        for n in 0..workers {
            let mut member = Member::start(program)?;
            let shares = n * each..(n + 1) * each;
            let job = Box::new(job.clone());
            member.say(&Order::Job { job, shares }).await?;
            members.push(member);
        }
        for member in &mut members {
            match member.hear().await? {
                Word::Ready => {}
                Word::Failed(failure) => return Err(*failure),
                Word::Live(_) | Word::Done(_) => return Err(odd("it spoke out of turn")),
            }
        }
        Ok(Self { members })
    }

    /// Lets them begin, [`LEAD`] from now, and waits for what they came to. `live` is told how far they are.
    ///
    /// # Errors
    /// When a worker died or broke down.
    pub async fn work(&mut self, live: impl Fn(Live)) -> Result<Tally, Failure> {
        for member in &mut self.members {
            member.say(&Order::Start).await?;
        }
        let mut all = Tally::default();
        let mut sum = Live::default();
        for i in 0..self.members.len() {
            loop {
                match self.members[i].hear().await? {
                    Word::Live(now) => self.members[i].live = now,
                    Word::Done(tally) => {
                        all.merge(*tally);
                        break;
                    }
                    Word::Failed(failure) => return Err(*failure),
                    Word::Ready => return Err(odd("it spoke out of turn")),
                }
                let next = self.members.iter().fold(Live::default(), |sum, m| Live {
                    sent: sum.sent + m.live.sent,
                    right: sum.right + m.live.right,
                    wrong: sum.wrong + m.live.wrong,
                });
                if next != sum {
                    sum = next;
                    live(sum);
                }
            }
        }
        Ok(all)
    }
}

impl Member {
    fn start(program: &Path) -> Result<Self, Failure> {
        let failed = |e: std::io::Error| {
            Failure::new(
                Class::Internal,
                format!("no worker of the load could be started: {e}"),
            )
        };
        let mut child = Command::new(program)
            .arg("load-worker")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(odd("it has no pipes"));
        };
        Ok(Self {
            child,
            input: Some(input),
            output: BufReader::new(output).lines(),
            live: Live::default(),
        })
    }

    async fn say(&mut self, order: &Order) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(order).map_err(|e| odd(&e.to_string()))?;
        line.push(b'\n');
        let Some(input) = &mut self.input else {
            return Err(odd("it was dismissed"));
        };
        let written = async {
            input.write_all(&line).await?;
            input.flush().await
        };
        written
            .await
            .map_err(|e| odd(&format!("it does not listen: {e}")))
    }

    async fn hear(&mut self) -> Result<Word, Failure> {
        match self.output.next_line().await {
            Ok(Some(line)) => {
                serde_json::from_str(&line).map_err(|e| odd(&format!("what it says cannot be read: {e}")))
            }
            Ok(None) => {
                let how = self
                    .child
                    .try_wait()
                    .ok()
                    .flatten()
                    .map(|s| format!(" ({s})"))
                    .unwrap_or_default();
                Err(odd(&format!("it ended before its work was done{how}")))
            }
            Err(e) => Err(odd(&format!("it cannot be heard: {e}"))),
        }
    }
}

fn odd(why: &str) -> Failure {
    Failure::new(Class::Internal, format!("a worker process of the load: {why}"))
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
        let Some(Ok(Order::Start)) = orders.recv().await else {
            return Ok(());
        };
        crew.start(Instant::now() + LEAD);
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
