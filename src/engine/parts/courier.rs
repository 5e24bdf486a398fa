//! The far end: in a pod, between the run that sent it and a specrun of its own that does the work.
//!
//! It puts the files it is sent into a folder, starts `specrun` there, and says each event as soon as it is in that
//! one's journal, which is complete to the last event however it ends. It is no part of the work itself, so that what
//! runs in a pod is exactly what runs everywhere else.
//!
//! A log loses what nobody read before its node put another file in its place. So what was not heard yet is kept, to be
//! said again, and when that is much, the rest stays in the journal until more was heard. The work does not wait for that.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::words::{Carried, Ended, MOST_UNHEARD, Order, Start, Word};
use crate::engine::control::{Control, Stop};
use crate::engine::journal;
use crate::engine::run_dir::journal_of;
use crate::tools::kube::remote::Framed;

/// How often the journal is looked at.
const PAUSE: Duration = Duration::from_millis(50);
/// After so much silence it says that it is there.
const LIVE: Duration = Duration::from_secs(2);
/// Lines of standard error that are kept.
const KEPT: usize = 20;
/// The largest file that is sent back, and all of them: they travel through a log.
const MOST_EACH: u64 = 2 << 20;
const MOST_ALL: u64 = 4 << 20;

/// How much of a journal is read at once.
const PIECE: u64 = 256 << 10;

/// Does what it is told on `input`, in `folder`, with the `program` that is specrun; what is to be heard of it goes to
/// `output`. It works until its work is done, it is told to end, or its input ends; and then is there until its input
/// ends, because it may have to say a word again.
///
/// # Errors
/// When what it says cannot be written.
pub fn serve(
    program: &Path,
    folder: &Path,
    input: impl Read + Send + 'static,
    output: impl Write,
    control: &Control,
) -> io::Result<()> {
    let mut courier = Courier {
        output: Framed::keeping(output),
        said: Instant::now(),
        orders: listen(input),
        control,
        stops: 0,
        told_to_stop: 0,
        alone: false,
    };
    courier.say(&Word::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let ended = match courier.told(folder)? {
        Ok(start) => courier.work(program, folder, &start)?,
        Err(why) => Ended {
            said: vec![why],
            ..Ended::default()
        },
    };
    courier.say(&Word::Ended(ended))?;
    while !courier.alone && control.stopped() == Stop::No {
        courier.attend()?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// The orders as they come. None: the input has ended, or what came is no order.
fn listen(input: impl Read + Send + 'static) -> Receiver<Result<Order, String>> {
    let (send, orders) = sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(input).split(b'\n') {
            let order = line
                .map_err(|e| format!("reading what it is told: {e}"))
                .and_then(|line| {
                    serde_json::from_slice(&line).map_err(|e| format!("what it is told cannot be read: {e}"))
                });
            let wrong = order.is_err();
            if send.send(order).is_err() || wrong {
                break;
            }
        }
    });
    orders
}

struct Courier<'a, W> {
    output: Framed<W>,
    said: Instant,
    orders: Receiver<Result<Order, String>>,
    control: &'a Control,
    /// How often the work was asked to stop.
    stops: usize,
    /// How often it was told to.
    told_to_stop: usize,
    /// Nobody is there any more, and nobody hears it.
    alone: bool,
}

impl<W: Write> Courier<'_, W> {
    fn say(&mut self, word: &Word) -> io::Result<()> {
        let line = serde_json::to_vec(word)?;
        self.line(&line)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.output.write_all(line)?;
        self.output.write_all(b"\n")?;
        self.output.flush()?;
        self.said = Instant::now();
        Ok(())
    }

    fn live(&mut self) -> io::Result<()> {
        if self.said.elapsed() < LIVE {
            return Ok(());
        }
        self.say(&Word::Live)
    }

    /// Takes the files until it is told to start.
    fn told(&mut self, folder: &Path) -> io::Result<Result<Start, String>> {
        loop {
            let order = match self.orders.recv_timeout(PAUSE) {
                Ok(Ok(order)) => order,
                Ok(Err(why)) => return Ok(Err(why)),
                Err(RecvTimeoutError::Disconnected) => {
                    self.alone = true;
                    return Ok(Err("it was left before it began".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) if self.control.stopped() != Stop::No => {
                    return Ok(Err("its pod was stopped before it began".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.live()?;
                    continue;
                }
            };
            match order {
                Order::File(file) => {
                    if let Err(e) = file.put(folder) {
                        return Ok(Err(format!("writing {}: {e}", file.path.display())));
                    }
                }
                Order::Start(start) => return Ok(Ok(start)),
                Order::Stop => return Ok(Err("it was stopped before it began".to_owned())),
                Order::Heard(next) => self.output.heard(next),
                Order::Again(from) => self.output.again(from)?,
            }
        }
    }

    fn work(&mut self, program: &Path, folder: &Path, start: &Start) -> io::Result<Ended> {
        let runs = folder.join("runs");
        let mut child = match spawn(program, folder, &runs, start) {
            Ok(child) => child,
            Err(e) => {
                return Ok(Ended {
                    said: vec![format!("starting {}: {e}", program.display())],
                    ..Ended::default()
                });
            }
        };
        let said = child.0.stderr.take().map(keep);
        let mut journal = Follower::new(&runs, &start.run_dir);
        let status = loop {
            let status = child.0.try_wait()?;
            self.attend()?;
            if status.is_none() {
                self.hand_on_stops(&child);
            }
            let all = self.hand_on_events(&mut journal)?;
            if let Some(status) = status
                && all
            {
                break status;
            }
            std::thread::sleep(PAUSE);
        };
        let left = self.files(journal.run.as_deref())?;
        let said = said.and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(Ended {
            code: status.code(),
            said: said.into(),
            left,
        })
    }

    /// Hears what it is told, and says that it is there.
    fn attend(&mut self) -> io::Result<()> {
        loop {
            match self.orders.try_recv() {
                Ok(Ok(Order::Stop)) => self.told_to_stop += 1,
                Ok(Ok(Order::Heard(next))) => self.output.heard(next),
                Ok(Ok(Order::Again(from))) => self.output.again(from)?,
                Ok(Ok(Order::File(_) | Order::Start(_))) => {}
                Ok(Err(_)) | Err(TryRecvError::Disconnected) => {
                    self.alone = true;
                    break;
                }
                Err(TryRecvError::Empty) => break,
            }
        }
        self.live()
    }

    /// Whether it may say more now. What nobody hears need not wait for it.
    fn may_say(&self) -> bool {
        self.alone || self.output.unheard() < MOST_UNHEARD
    }

    /// Says the events that are new, until too much was not heard yet. Whether these were all.
    fn hand_on_events(&mut self, journal: &mut Follower) -> io::Result<bool> {
        while self.may_say() {
            match journal.next() {
                Some(event) => self.line(&event)?,
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Hands on that it shall stop: because it was told so, its pod is, or nobody is there any more.
    fn hand_on_stops(&mut self, child: &Running) {
        let wanted = self
            .control
            .stopped()
            .times()
            .max(self.told_to_stop)
            .max(usize::from(self.alone));
        for _ in self.stops..wanted {
            child.signal(Signal::TERM);
            self.stops += 1;
        }
    }

    /// Sends what steps left; gives the names of what is too large.
    fn files(&mut self, run: Option<&Path>) -> io::Result<Vec<String>> {
        let Some(run) = run else { return Ok(Vec::new()) };
        let mut left = Vec::new();
        let mut sent = 0;
        let walk = walkdir::WalkDir::new(run.join("artifacts")).sort_by_file_name();
        for entry in walk
            .into_iter()
            .filter_map(Result::ok)
            .filter(|e| e.file_type().is_file())
        {
            let path = entry.path().strip_prefix(run).unwrap_or(entry.path()).to_owned();
            let size = entry.metadata().map_or(u64::MAX, |m| m.len());
            if size > MOST_EACH || sent + size > MOST_ALL {
                left.push(path.display().to_string());
                continue;
            }
            match std::fs::read(entry.path()) {
                Ok(bytes) => {
                    while !self.may_say() {
                        self.attend()?;
                        std::thread::sleep(PAUSE);
                    }
                    sent += bytes.len() as u64;
                    self.say(&Word::File(Carried::new(path, &bytes)))?;
                }
                Err(_) => left.push(path.display().to_string()),
            }
        }
        Ok(left)
    }
}

/// The work. Dropped before its end, it is killed.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // It may just have ended, which is what is wanted.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn spawn(program: &Path, folder: &Path, runs: &Path, start: &Start) -> io::Result<Running> {
    let here = folder.join(&start.folder);
    std::fs::create_dir_all(&here)?;
    let child = Command::new(program)
        .args(&start.args)
        .arg("--run-dir")
        .arg(runs)
        .envs(&start.env)
        // Programs that specs call look for a place to write to.
        .env("HOME", folder)
        .current_dir(here)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    Ok(Running(child))
}

/// Keeps the last lines of what is written to standard error.
fn keep(from: ChildStderr) -> JoinHandle<VecDeque<String>> {
    std::thread::spawn(move || {
        let mut last = VecDeque::new();
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            last.push_back(String::from_utf8_lossy(&line).into_owned());
            if last.len() > KEPT {
                last.pop_front();
            }
        }
        last
    })
}

/// A journal that is being written, by a run that is the only one in its folder.
struct Follower {
    runs: PathBuf,
    /// The run's directory, once it is there.
    run: Option<PathBuf>,
    file: Option<File>,
    rest: Vec<u8>,
    /// Events that were read, each as the line of a word.
    events: VecDeque<Vec<u8>>,
    /// What stands for the run's directory in the words.
    named: String,
}

impl Follower {
    fn new(runs: &Path, named: &str) -> Self {
        Self {
            runs: runs.to_owned(),
            run: None,
            file: None,
            rest: Vec::new(),
            events: VecDeque::new(),
            named: named.to_owned(),
        }
    }

    /// The next event that is new, as the line of a word. One that is damaged is left out, and missed by its number.
    fn next(&mut self) -> Option<Vec<u8>> {
        while self.events.is_empty() && self.read() {}
        self.events.pop_front()
    }

    /// Reads a piece; whether there was one.
    fn read(&mut self) -> bool {
        if self.run.is_none() {
            let mut found = std::fs::read_dir(&self.runs)
                .into_iter()
                .flatten()
                .filter_map(Result::ok);
            self.run = found.next().map(|entry| entry.path());
        }
        if self.file.is_none() {
            self.file = self
                .run
                .as_deref()
                .and_then(|run| File::open(journal_of(run)).ok());
        }
        let Some(file) = &mut self.file else {
            return false;
        };
        let before = self.rest.len();
        // What cannot be read now comes with the next look, or is missed.
        let _ = file.take(PIECE).read_to_end(&mut self.rest);
        if self.rest.len() == before {
            return false;
        }
        let whole = self.rest.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let rest = self.rest.split_off(whole);
        let lines = std::mem::replace(&mut self.rest, rest);
        let own = self
            .run
            .as_deref()
            .map(|run| run.display().to_string())
            .unwrap_or_default();
        let events = lines
            .split(|b| *b == b'\n')
            .filter_map(|line| journal::json_of(line).ok())
            .map(|json| {
                let json = String::from_utf8_lossy(json);
                format!("{{\"event\":{}}}", json.replace(&own, &self.named)).into_bytes()
            });
        self.events.extend(events);
        true
    }
}
