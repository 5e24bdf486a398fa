//! One thread of a load: sends its share of the arrivals when they are due, and keeps the books.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use rustix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;

use super::alarm::Alarm;
use super::book::Book;
use super::connect::{Connector, Sender, Unsent};
use super::job::{Arrival, Job};
use super::record::{Record, Wrong};
use super::schedule::{Arrivals, Due};
use super::tally::Tally;
use super::template::{Form, Template};
use super::wire::{Broken, too_large};
use crate::check::{Class, Failure};
use crate::tools::http::{Answer, Judge, Phase, by_cause};

/// Arrivals that are sent in a row before answers are looked at, when many are due.
const IN_A_ROW: u32 = 16;
/// Records that are handed on at once.
const HANDFUL: usize = 50_000;

/// What others see of a thread while it runs.
#[derive(Debug, Default)]
pub struct Counters {
    pub sent: AtomicU64,
    pub right: AtomicU64,
    pub wrong: AtomicU64,
}

/// What a thread is given besides the job.
pub(super) struct Surroundings {
    pub job: Arc<Job>,
    pub share: u32,
    /// One for each kind.
    pub judges: Arc<Vec<Judge>>,
    pub counters: Arc<Counters>,
    /// No more is sent, what is under way may end.
    pub stop: CancellationToken,
    /// Every request, when they are kept.
    pub records: Option<std::sync::mpsc::SyncSender<Vec<Record>>>,
}

/// Everything of a thread.
pub(super) struct Thread {
    given: Surroundings,
    templates: Vec<Vec<Template>>,
    /// For each place of the pattern its kind, and how many of that kind stand before it; then how many in all.
    turns: Vec<(u16, u64)>,
    of_kind: Vec<u64>,
    connector: Connector,
    /// By peer; the last one used is used next, so that no more stay in use than are needed.
    idle: RefCell<Vec<Vec<Sender>>>,
    under_way: Cell<u32>,
    most: u32,
    book: RefCell<Book>,
    origin: Cell<Instant>,
}

impl Thread {
    pub fn new(given: Surroundings) -> Result<Self, Failure> {
        let job = &given.job;
        let mut turns = Vec::with_capacity(job.pattern.len());
        let mut of_kind = vec![0_u64; job.kinds.len()];
        for kind in &job.pattern {
            turns.push((*kind, of_kind[usize::from(*kind)]));
            of_kind[usize::from(*kind)] += 1;
        }
        let templates = job
            .kinds
            .iter()
            .map(|kind| kind.requests.iter().map(|r| Template::of(r, job)).collect())
            .collect::<Result<Vec<Vec<Template>>, Failure>>()?;
        let nanoseconds = |seconds: f64| (seconds * 1e9) as u64;
        let book = Book::new(
            job.kinds.len(),
            nanoseconds(job.step.as_secs_f64()),
            nanoseconds(job.warmup()),
            job.record,
        );
        Ok(Self {
            templates,
            turns,
            of_kind,
            connector: Connector::new(job.version),
            idle: RefCell::new(job.peers.iter().map(|_| Vec::new()).collect()),
            under_way: Cell::new(0),
            most: u32::try_from(job.part_of(job.max_in_flight.into(), given.share))
                .unwrap_or(u32::MAX)
                .max(1),
            book: RefCell::new(book),
            origin: Cell::new(Instant::now()),
            given,
        })
    }

    /// Connects to every peer, so that an address where nobody is ends the load before it begins.
    pub async fn connect(&self) -> Result<(), Failure> {
        for (at, peer) in self.given.job.peers.iter().enumerate() {
            let connected = tokio::time::timeout(self.given.job.timeout, self.connector.connect(at, peer));
            let senders = match connected.await {
                Ok(Ok(senders)) => senders,
                Ok(Err((class, why))) => {
                    return Err(Failure::new(
                        class,
                        format!("connecting to {}: {why}", peer.authority),
                    ));
                }
                Err(_) => {
                    return Err(Failure::new(
                        Class::Timeout,
                        format!(
                            "connecting to {}: not within {:?}",
                            peer.authority, self.given.job.timeout
                        ),
                    ));
                }
            };
            self.book.borrow_mut().connected();
            self.idle.borrow_mut()[at].extend(senders);
        }
        Ok(())
    }

    /// Does its share, from `origin` on.
    pub async fn work(self: Rc<Self>, origin: Instant) -> Tally {
        self.origin.set(origin);
        let before = (computed(), Instant::now());
        let tasks = tokio_util::task::TaskTracker::new();
        let whole = match self.given.job.arrival {
            Arrival::Open | Arrival::Burst => self.arrive(&tasks).await,
            Arrival::Closed { users } => self.attend(users, &tasks).await,
        };
        tasks.close();
        let patience = self.given.job.timeout + Duration::from_secs(1);
        let all_ended = tokio::select! {
            () = tasks.wait() => true,
            () = tokio::time::sleep(patience) => false,
        };
        let (cpu, lived) = (computed() - before.0, before.1.elapsed().as_secs_f64());
        self.hand_over(0);
        let fresh = Book::new(0, 1, 0, false);
        self.book.replace(fresh).close(cpu, lived, !whole || !all_ended)
    }

    /// Sends what is due when it is due; false when it was stopped before.
    async fn arrive(self: &Rc<Self>, tasks: &tokio_util::task::TaskTracker) -> bool {
        let given = &self.given;
        let alarm = Alarm::new();
        let shares = u64::from(given.job.shares.max(1));
        let mut in_a_row = 0;
        let job = Arc::clone(&given.job);
        for due in Arrivals::new(&job).filter(|d| d.index % shares == u64::from(given.share)) {
            let at = self.origin.get() + Duration::from_secs_f64(due.at);
            if at > Instant::now() {
                in_a_row = 0;
                tokio::select! {
                    biased;
                    () = given.stop.cancelled() => return false,
                    () = alarm.until(at) => {}
                }
            } else {
                in_a_row += 1;
                if in_a_row % IN_A_ROW == 0 {
                    tokio::task::yield_now().await;
                }
            }
            if given.stop.is_cancelled() {
                return false;
            }
            let number = self.book.borrow_mut().begin();
            if self.under_way.get() >= self.most {
                let due_at = self.since(at);
                self.end(
                    number,
                    Record {
                        due: due_at,
                        sent: None,
                        done: due_at,
                        kind: self.kind(due.index),
                        part: due.part,
                        status: 0,
                        wrong: None,
                    },
                );
                continue;
            }
            self.under_way.set(self.under_way.get() + 1);
            let this = Rc::clone(self);
            tasks.spawn_local(async move {
                this.one(number, due, at).await;
                this.under_way.set(this.under_way.get() - 1);
            });
        }
        true
    }

    /// Lets users ask one after the other; false when they were stopped before.
    async fn attend(self: &Rc<Self>, users: u32, tasks: &tokio_util::task::TaskTracker) -> bool {
        let job = &self.given.job;
        let left = Rc::new(Cell::new(job.limit.map(|all| job.part_of(all, self.given.share))));
        let next = Rc::new(Cell::new(u64::from(self.given.share)));
        let whole = Rc::new(Cell::new(true));
        let mine = job.part_of(users.into(), self.given.share);
        let start = self.origin.get();
        tokio::time::sleep_until(start.into()).await;
        for _ in 0..mine {
            let (this, left, next, whole) = (
                Rc::clone(self),
                Rc::clone(&left),
                Rc::clone(&next),
                Rc::clone(&whole),
            );
            tasks.spawn_local(async move {
                loop {
                    let now = Instant::now();
                    let at = now.saturating_duration_since(start).as_secs_f64();
                    let part = match this.moment(at) {
                        Moment::Active(part) => part,
                        Moment::Paused(until) => {
                            let until = start + Duration::from_secs_f64(until);
                            tokio::select! {
                                () = this.given.stop.cancelled() => {}
                                () = tokio::time::sleep_until(until.into()) => {}
                            }
                            if this.given.stop.is_cancelled() {
                                whole.set(false);
                                return;
                            }
                            continue;
                        }
                        Moment::Over => return,
                    };
                    if this.given.stop.is_cancelled() {
                        whole.set(false);
                        return;
                    }
                    if let (Some(count), Some(_)) = (left.get(), part) {
                        if count == 0 {
                            return;
                        }
                        left.set(Some(count - 1));
                    }
                    let index = next.get();
                    next.set(index + u64::from(this.given.job.shares.max(1)));
                    let number = this.book.borrow_mut().begin();
                    this.one(number, Due { index, at, part }, now).await;
                }
            });
        }
        let done = async {
            tasks.close();
            tasks.wait().await;
        };
        tokio::select! {
            () = done => {}
            () = self.given.stop.cancelled() => {}
        }
        whole.get() && !self.given.stop.is_cancelled()
    }

    /// What users do at a moment.
    fn moment(&self, at: f64) -> Moment {
        let mut end = 0.0;
        for segment in &self.given.job.segments {
            let Some(length) = segment.length else {
                return Moment::Active(segment.part);
            };
            end += length;
            if at < end {
                return if segment.from > 0.0 {
                    Moment::Active(segment.part)
                } else {
                    Moment::Paused(end)
                };
            }
        }
        Moment::Over
    }

    /// One exchange, from its intended moment to its line in the books.
    async fn one(&self, number: u64, due: Due, intended: Instant) {
        let kind = self.kind(due.index);
        let sent = Instant::now();
        self.given.counters.sent.fetch_add(1, Ordering::Relaxed);
        let limit = self.given.job.timeout;
        let (status, wrong) = match tokio::time::timeout(limit, self.exchange(kind, due.index)).await {
            Ok(Ok((status, wrong))) => (status, wrong),
            Ok(Err((class, why))) => {
                self.book.borrow_mut().message(class.word(), || why);
                (0, Some(Wrong::Class(class)))
            }
            Err(_) => {
                let why = || format!("no answer within {limit:?}");
                self.book.borrow_mut().message(Class::Timeout.word(), why);
                (0, Some(Wrong::Class(Class::Timeout)))
            }
        };
        let done = Instant::now();
        let counter = if wrong.is_none() {
            &self.given.counters.right
        } else {
            &self.given.counters.wrong
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.end(
            number,
            Record {
                due: self.since(intended),
                sent: Some(self.since(sent)),
                done: self.since(done),
                kind,
                part: due.part,
                status,
                wrong,
            },
        );
    }

    /// Sends, reads the whole answer, and judges it.
    async fn exchange(&self, kind: u16, index: u64) -> Result<(u16, Option<Wrong>), Broken> {
        let template = self.template(kind, index);
        match &template.form {
            Form::One { bytes, bodiless } => {
                let (sender, _) = self.sender(template.peer).await?;
                let Sender::One(mut wire) = sender else {
                    return Err(other_version());
                };
                let got = wire.exchange(bytes, *bodiless, template.max_body).await?;
                let wrong = self.judged(kind, &wire.answer(&got));
                if got.again {
                    self.idle.borrow_mut()[template.peer].push(Sender::One(wire));
                }
                Ok((got.status, wrong))
            }
            Form::Two(request) => self.over_two(kind, template, request).await,
        }
    }

    /// The same over HTTP/2.
    async fn over_two(
        &self,
        kind: u16,
        template: &Template,
        request: &Request<Full<Bytes>>,
    ) -> Result<(u16, Option<Wrong>), Broken> {
        let mut request = request.clone();
        let (mut sender, mut fresh) = self.sender(template.peer).await?;
        let (shared, answer) = loop {
            let Sender::Two(mut shared) = sender else {
                return Err(other_version());
            };
            match shared.send(request).await {
                Ok(answer) => break (shared, answer),
                // The server closed a connection that was idle; nothing was sent.
                Err(Unsent::Again(unsent)) if !fresh => {
                    request = *unsent;
                    (sender, fresh) = self.sender(template.peer).await?;
                }
                Err(Unsent::Again(_)) => {
                    return Err((Class::Unreachable, "the connection was closed at once".to_owned()));
                }
                Err(Unsent::Broken(e)) => return Err(by_cause(&e, Phase::Head)),
            }
        };
        let (head, mut body) = answer.into_parts();
        let mut bytes: Vec<u8> = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|e| by_cause(&e, Phase::Body))?.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > template.max_body {
                return Err(too_large(template.max_body));
            }
            bytes.extend_from_slice(&data);
        }
        let content_type = head.headers.get(hyper::header::CONTENT_TYPE);
        let answer = Answer {
            status: head.status.as_u16(),
            content_type: content_type.and_then(|value| value.to_str().ok()),
            body: &bytes,
        };
        let wrong = self.judged(kind, &answer);
        self.idle.borrow_mut()[template.peer].push(Sender::Two(shared));
        Ok((answer.status, wrong))
    }

    /// What is wrong with an answer.
    fn judged(&self, kind: u16, answer: &Answer<'_>) -> Option<Wrong> {
        let at = usize::from(kind);
        let wrong = if self.given.job.kinds[at].rejection {
            match answer.status {
                400..=499 => None,
                200..=299 => Some(Wrong::Accepted),
                _ => answer.status_class().err().map(Wrong::Class),
            }
        } else {
            self.given.judges[at](answer).err().map(Wrong::Class)
        };
        if let Some(wrong) = wrong {
            let why = || format!("{}: HTTP {}", self.given.job.kinds[at].tag, answer.status);
            self.book.borrow_mut().message(wrong.word(), why);
        }
        wrong
    }

    /// An idle connection, or a new one, which the last tells.
    async fn sender(&self, peer: usize) -> Result<(Sender, bool), Broken> {
        loop {
            let idle = self.idle.borrow_mut()[peer].pop();
            let Some(mut sender) = idle else { break };
            if sender.is_open() {
                return Ok((sender, false));
            }
        }
        let mut senders = self.connector.connect(peer, &self.given.job.peers[peer]).await?;
        self.book.borrow_mut().connected();
        let one = senders.pop();
        self.idle.borrow_mut()[peer].extend(senders);
        one.map(|sender| (sender, true))
            .ok_or_else(|| (Class::Internal, "a connection without a sender".to_owned()))
    }

    fn kind(&self, index: u64) -> u16 {
        self.turns[(index % self.turns.len() as u64) as usize].0
    }

    /// The requests of a kind are sent in turn, whatever stands between them.
    fn template(&self, kind: u16, index: u64) -> &Template {
        let (round, at) = (index / self.turns.len() as u64, index % self.turns.len() as u64);
        let which = round * self.of_kind[usize::from(kind)] + self.turns[at as usize].1;
        let all = &self.templates[usize::from(kind)];
        &all[(which % all.len() as u64) as usize]
    }

    fn end(&self, number: u64, record: Record) {
        self.book.borrow_mut().end(number, record);
        self.hand_over(HANDFUL);
    }

    /// Hands the kept records on when there are more than so many.
    fn hand_over(&self, more_than: usize) {
        if let Some(records) = &self.given.records {
            let mut book = self.book.borrow_mut();
            if book.kept() > more_than {
                // Nobody who listens is a run that is over.
                drop(records.send(book.take_kept()));
            }
        }
    }

    /// Nanoseconds from the start.
    fn since(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.origin.get()).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What users do.
enum Moment {
    Active(Option<u16>),
    /// Until so many seconds after the start.
    Paused(f64),
    Over,
}

fn other_version() -> Broken {
    let why = "a connection of another version of HTTP".to_owned();
    (Class::Internal, why)
}

/// Seconds this thread has computed.
fn computed() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
