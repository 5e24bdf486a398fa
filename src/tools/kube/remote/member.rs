//! One pod that is spoken to.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{AttachParams, AttachedProcess};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::frame::{self, Line};
use super::{CONTAINER, container, state};
use crate::check::{Class, Failure};
use crate::tools::http::{Bound, Until, within};
use crate::tools::kube::call::{Call, Identity};
use crate::tools::kube::cluster::Cluster;
use crate::tools::kube::kinds::Kind;
use crate::tools::kube::lines::Lines;
use crate::tools::kube::stream;

/// After this silence the pod itself is looked at.
const QUIET: Duration = Duration::from_secs(5);
/// A log that broke off is read again after this pause.
const PAUSE: Duration = Duration::from_millis(200);
/// So long the log of a pod that has ended is tried to be read.
const LAST_TRIES: Duration = Duration::from_secs(30);
/// Lines of the program that are kept for people, and how much of each.
const KEPT: usize = 10;
const KEPT_OF_EACH: usize = 500;
/// What is missing is missed again after so long, and so often.
const AGAIN: Duration = Duration::from_secs(10);
const MOST_TIMES: u32 = 5;
/// How much is said at once before the connection has to take it.
const BUFFER: usize = 64 << 10;

/// A pod that listens. Dropped, its input ends.
pub struct Member {
    cluster: Arc<Cluster>,
    kind: Arc<Kind>,
    namespace: String,
    pod: String,
    until: Until,
    _attached: AttachedProcess,
    input: Box<dyn AsyncWrite + Send + Unpin>,
    log: Option<Lines>,
    /// The number of the next word that was not heard yet.
    next: u64,
    missed: Option<Missed>,
    /// Its last lines that were no words.
    last: VecDeque<String>,
}

/// What is heard of a pod.
pub enum Said {
    /// Its next word.
    Word(Vec<u8>),
    /// Its next word is not in its log, though later ones are. It comes when the pod says it again, or the pod is lost; the
    /// failure is for those that cannot be asked.
    Missing(Failure),
}

/// A word that is missing.
struct Missed {
    number: u64,
    at: Instant,
    times: u32,
}

/// What became of a pod.
enum Fate {
    Running,
    /// In the cluster's words.
    Ended(String),
    Gone,
}

impl Member {
    /// Connects to it until `until`; it is spoken to until `work`.
    pub(super) async fn attach(
        cluster: &Arc<Cluster>,
        kind: &Arc<Kind>,
        namespace: &str,
        pod: String,
        until: &Until,
        work: &Until,
    ) -> Result<Self, Failure> {
        // A web socket is opened with GET, which newer servers take for `create`.
        for verb in ["create", "get"] {
            cluster.judge_power(&kind.power(verb, Some(namespace), Some("attach")))?;
        }
        let shown = format!("attach to the pod {pod} of {namespace}");
        let pods: kube::Api<Pod> = kube::Api::namespaced(cluster.client(&Identity::Endpoint)?, namespace);
        let how = AttachParams {
            container: Some(CONTAINER.to_owned()),
            stdin: true,
            stdout: false,
            stderr: false,
            max_stdin_buf_size: Some(BUFFER),
            ..AttachParams::default()
        };
        let opened = within(
            until,
            (until.deadline, Bound::Step),
            &shown,
            "no answer",
            pods.attach(&pod, &how),
        );
        let mut attached = opened.await?.map_err(|e| stream::failure(&e, &shown))?;
        let input = attached
            .stdin()
            .ok_or_else(|| Failure::new(Class::Internal, format!("{shown}: it has no input")))?;
        Ok(Self {
            cluster: Arc::clone(cluster),
            kind: Arc::clone(kind),
            namespace: namespace.to_owned(),
            pod,
            until: work.clone(),
            _attached: attached,
            input: Box::new(input),
            log: None,
            next: 0,
            missed: None,
            last: VecDeque::new(),
        })
    }

    /// Its pod's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.pod
    }

    /// How many words were heard, which is the number of the next one.
    #[must_use]
    pub const fn heard(&self) -> u64 {
        self.next
    }

    /// Tells it a line.
    ///
    /// # Errors
    /// When it does not take it before the step's deadline.
    pub async fn say(&mut self, line: &[u8]) -> Result<(), Failure> {
        let shown = format!("telling the pod {} what to do", self.pod);
        let input = &mut self.input;
        let work = async {
            input.write_all(line).await?;
            input.flush().await
        };
        let end = (self.until.deadline, Bound::Step);
        within(&self.until, end, &shown, "it did not listen", work)
            .await?
            .map_err(|e| Failure::new(Class::Unreachable, format!("{shown}: {e}")))
    }

    /// The next word of one that cannot say a word again. One that says nothing for `patience` is given up.
    ///
    /// # Errors
    /// Class `unavailable` when the pod is lost, with its last lines.
    pub async fn hear(&mut self, patience: Option<Duration>) -> Result<Vec<u8>, Failure> {
        match self.listen(patience).await? {
            Said::Word(word) => Ok(word),
            Said::Missing(lost) => Err(lost),
        }
    }

    /// Its next word, or that it is missing.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub async fn listen(&mut self, patience: Option<Duration>) -> Result<Said, Failure> {
        let began = Instant::now();
        // Since its end the log is whole, and what is not in it will not come.
        let mut ended: Option<String> = None;
        let mut gap: Option<String> = None;
        loop {
            let trouble = match self.line().await {
                Ok(Some(line)) => {
                    match self.word(&line) {
                        Ok(Some(word)) => return Ok(Said::Word(word)),
                        Ok(None) => {}
                        // It may have been said again before the end.
                        Err(why) if ended.is_some() => gap = gap.or(Some(why)),
                        Err(why) => {
                            if let Some(missing) = self.missing(&why)? {
                                return Ok(missing);
                            }
                        }
                    }
                    continue;
                }
                Ok(None) => {
                    match (&ended, gap) {
                        (Some(how), Some(why)) => return Err(self.gone(how, &why)),
                        (Some(how), None) => return Err(self.over(how.as_str())),
                        (None, _) => gap = None,
                    }
                    None
                }
                Err(f) if Instant::now() >= self.until.deadline => return Err(f),
                Err(f) if matches!(f.class, Class::Cancelled | Class::NotGranted | Class::Forbidden) => {
                    return Err(f);
                }
                Err(f) => Some(f),
            };
            let silent = trouble.as_ref().is_some_and(|f| f.class == Class::Timeout);
            match self.fate().await? {
                Fate::Gone => return Err(self.over("it was deleted")),
                Fate::Ended(how) => {
                    ended = Some(how);
                    self.log = None;
                }
                // A log may be silent for long. But kubelets are known that stay with the old file when a new one is begun,
                // so that of one that must have said something is read from another connection.
                Fate::Running if silent && patience.is_none() => {}
                Fate::Running => self.log = None,
            }
            if began.elapsed() >= patience.unwrap_or(LAST_TRIES) && (patience.is_some() || ended.is_some()) {
                let failure = self.lost("it is not heard any more");
                return Err(match (trouble, &ended) {
                    (Some(f), _) if !silent => failure.detail(f.to_string()),
                    (_, Some(how)) => failure.detail(format!("it ended: {how}")),
                    _ => failure.detail("its node may be gone"),
                });
            }
            if self.log.is_none() {
                self.rest().await?;
            }
        }
    }

    /// What a line of the log says, when it is a word that was not heard yet; or why its next word cannot be told from it.
    fn word(&mut self, line: &[u8]) -> Result<Option<Vec<u8>>, String> {
        match frame::read(line) {
            Line::Word { number, .. } if number < self.next => Ok(None),
            Line::Word { number, json } if number == self.next => {
                self.next += 1;
                Ok(Some(json.to_vec()))
            }
            Line::Word { number, .. } => Err(format!(
                "its words from {} to {} are missing in its log",
                self.next,
                number - 1
            )),
            Line::Torn => Err("a word in its log was torn".to_owned()),
            Line::Other => {
                let start = &line[..line.len().min(KEPT_OF_EACH)];
                self.last.push_back(String::from_utf8_lossy(start).into_owned());
                if self.last.len() > KEPT {
                    self.last.pop_front();
                }
                Ok(None)
            }
        }
    }

    /// That its next word is missing, unless that was said just now: until it comes, those after it come too early.
    fn missing(&mut self, why: &str) -> Result<Option<Said>, Failure> {
        let times = match &self.missed {
            Some(missed) if missed.number == self.next && missed.at.elapsed() < AGAIN => return Ok(None),
            Some(missed) if missed.number == self.next => missed.times + 1,
            _ => 1,
        };
        if times > MOST_TIMES {
            return Err(self.lost(&format!("{why}, also after it was asked for them again")));
        }
        self.missed = Some(Missed {
            number: self.next,
            at: Instant::now(),
            times,
        });
        Ok(Some(Said::Missing(self.lost(why))))
    }

    /// The next line of its log; none at the log's end.
    async fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        if self.log.is_none() {
            let namespace = Some(self.namespace.as_str());
            let call = Call::new("GET", self.kind.path(namespace, Some(&self.pod), Some("log")))
                .power(self.kind.power("get", namespace, Some("log")))
                .query("container", CONTAINER)
                .query("follow", "true");
            self.last.clear();
            self.log = Some(self.cluster.lines(&call, &self.until).await?);
        }
        let end = self.until.deadline.min(Instant::now() + QUIET);
        match &mut self.log {
            Some(log) => log.next(&self.until, end).await,
            None => Ok(None),
        }
    }

    async fn rest(&mut self) -> Result<(), Failure> {
        tokio::select! {
            biased;
            () = self.until.cancel.cancelled() => Err(Failure::new(Class::Cancelled, "the run was stopped")),
            () = tokio::time::sleep(PAUSE) => Ok(()),
        }
    }

    /// What became of the pod, as far as the cluster knows. That it cannot be asked now says nothing.
    async fn fate(&mut self) -> Result<Fate, Failure> {
        let namespace = Some(self.namespace.as_str());
        let call = Call::new("GET", self.kind.path(namespace, Some(&self.pod), None))
            .power(self.kind.power("get", namespace, None));
        match self.cluster.ask(&call, &self.until).await {
            Ok(pod) if container(&pod).is_some_and(|c| c.pointer("/state/running").is_some()) => {
                Ok(Fate::Running)
            }
            Ok(pod) => Ok(Fate::Ended(state(&pod))),
            Err(f) if f.class == Class::NotFound => Ok(Fate::Gone),
            Err(f) if f.class.retriable() && Instant::now() < self.until.deadline => Ok(Fate::Running),
            Err(other) => Err(other),
        }
    }

    fn over(&self, how: &str) -> Failure {
        self.lost(&format!("it ended before its work was done: {how}"))
    }

    fn gone(&self, how: &str, why: &str) -> Failure {
        self.lost(&format!(
            "{why}, and it cannot be asked for them any more: it ended: {how}; a node begins a new file when a container's log \
             has grown (`containerLogMaxSize` of its kubelet)"
        ))
    }

    fn lost(&self, why: &str) -> Failure {
        let failure = Failure::new(
            Class::Unavailable,
            format!("the pod {} of {} is lost: {why}", self.pod, self.namespace),
        );
        self.last.iter().fold(failure, |failure, line| {
            failure.detail(format!("it said: {line}"))
        })
    }
}
