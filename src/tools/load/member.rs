//! One worker of a fleet, as its coordinator speaks to it: a process on this machine, or a pod.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::worker::{Order, Word};
use crate::check::{Class, Failure};
use crate::tools::kube::remote;

/// A worker at work says every second how far it is; one that is silent for so long is lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A worker. Dropped, it ends.
pub(super) enum Member {
    Process(Box<Process>),
    Pod(Box<remote::Member>),
}

pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Member {
    pub(super) async fn say(&mut self, order: &Order) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(order).map_err(|e| odd(&e.to_string()))?;
        line.push(b'\n');
        match self {
            Self::Process(process) => process.say(&line).await,
            Self::Pod(pod) => pod.say(&line).await,
        }
    }

    /// Its next word; `at_work` it has one every second.
    pub(super) async fn hear(&mut self, at_work: bool) -> Result<Word, Failure> {
        let line = match self {
            Self::Process(process) => process.hear().await?,
            Self::Pod(pod) => pod.hear(at_work.then_some(PATIENCE)).await?,
        };
        serde_json::from_slice(&line).map_err(|e| odd(&format!("what it says cannot be read: {e}")))
    }
}

impl Process {
    pub(super) fn start(program: &Path) -> Result<Self, Failure> {
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
            input,
            output: BufReader::new(output).lines(),
        })
    }

    async fn say(&mut self, line: &[u8]) -> Result<(), Failure> {
        let written = async {
            self.input.write_all(line).await?;
            self.input.flush().await
        };
        written
            .await
            .map_err(|e| odd(&format!("it does not listen: {e}")))
    }

    async fn hear(&mut self) -> Result<Vec<u8>, Failure> {
        match self.output.next_line().await {
            Ok(Some(line)) => Ok(line.into_bytes()),
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

pub(super) fn odd(why: &str) -> Failure {
    Failure::new(Class::Internal, format!("a worker of the load: {why}"))
}
