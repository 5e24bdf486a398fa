//! What the events of a run promise to undo, and how a promise is kept once the run itself can no longer do it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::control::{Control, Stop};
use crate::action::{Checks, Context, DynAction, Registry};
use crate::check::{Class, Failure};
use crate::event::{CleanupInfo, Event, EventKind};
use crate::tools::Tools;
use crate::value::{SpecId, StepId};

/// A cleanup that was promised and is not known to be done.
pub(super) struct Open {
    pub(super) spec: Option<SpecId>,
    pub(super) step: Option<StepId>,
    pub(super) info: CleanupInfo,
}

/// What is open, each with the newest parameters.
#[derive(Default)]
pub(super) struct Ledger(Vec<Open>);

impl Ledger {
    /// Takes one event in.
    pub(super) fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::CleanupRegistered { cleanup } => {
                match self.0.iter_mut().find(|o| o.info.id == cleanup.id) {
                    Some(known) => known.info = cleanup.clone(),
                    None => self.0.push(Open {
                        spec: event.spec.clone(),
                        step: event.step.clone(),
                        info: cleanup.clone(),
                    }),
                }
            }
            EventKind::CleanupFinished { id, done: true, .. } => self.0.retain(|o| o.info.id != *id),
            EventKind::CleanupFinished { done: false, .. }
            | EventKind::RunStarted { .. }
            | EventKind::SpecStarted {}
            | EventKind::StepStarted { .. }
            | EventKind::StepProgress { .. }
            | EventKind::AttemptFailed { .. }
            | EventKind::Polled { .. }
            | EventKind::Checked { .. }
            | EventKind::StepFinished { .. }
            | EventKind::Service { .. }
            | EventKind::SpecFinished { .. }
            | EventKind::Signalled { .. }
            | EventKind::Note { .. }
            | EventKind::RunFinished { .. } => {}
        }
    }

    /// What was promised last is undone first.
    pub(super) fn last_first(mut self) -> Vec<Open> {
        self.0.reverse();
        self.0
    }
}

/// How promises are kept.
#[derive(Clone, Copy)]
pub(super) struct Undoing<'a> {
    pub(super) registry: &'a Registry,
    pub(super) tools: &'a Arc<Tools>,
    /// Where the actions may leave files.
    pub(super) artifacts: &'a Path,
    /// How long one may take.
    pub(super) timeout: Duration,
    pub(super) control: &'a Control,
    /// Which stop requests end it.
    pub(super) ends_at: fn(&Stop) -> bool,
}

impl Undoing<'_> {
    /// Keeps one; `base_dir` is the folder of its spec.
    ///
    /// # Errors
    /// When what was created is still there, or may be.
    pub(super) async fn undo(&self, one: &Open, base_dir: PathBuf) -> Result<(), Failure> {
        let action = self.registry.get(&one.info.action).ok_or_else(|| {
            Failure::new(
                Class::Missing,
                format!("this specrun has no action `{}`", one.info.action),
            )
        })?;
        let params = one.info.params.clone().ok_or_else(|| {
            let why = "its parameters were not known yet, or hold a secret, so they are not in the ledger";
            Failure::new(Class::BadParameter, why)
        })?;
        match self.act(action, params, one, base_dir).await {
            Err(f) if f.class == Class::NotFound => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn act(
        &self,
        action: &'static dyn DynAction,
        params: Json,
        one: &Open,
        base_dir: PathBuf,
    ) -> Result<Json, Failure> {
        let cancel = CancellationToken::new();
        let cx = Context {
            spec: one.spec.clone().unwrap_or_else(|| SpecId::from("clean")),
            step: one.step.clone().unwrap_or_else(|| StepId::from("clean")),
            attempt: 1,
            base_dir,
            artifact_dir: self.artifacts.to_owned(),
            deadline: Instant::now() + self.timeout,
            cancel: cancel.clone(),
            prefix: String::new(),
            seed: 0,
            tools: Arc::clone(self.tools),
            progress: Arc::new(|_| {}),
            checks: Checks::default(),
        };
        let task = tokio::spawn(async move { action.run(params, &cx).await });
        let mut stop = self.control.watch();
        let (timeout, ends_at) = (self.timeout, self.ends_at);
        tokio::select! {
            ended = task => ended.unwrap_or_else(|e| {
                Err(Failure::new(Class::Internal, format!("`{}` panicked: {e}", action.name())))
            }),
            () = tokio::time::sleep(timeout) => {
                cancel.cancel();
                Err(Failure::new(Class::Timeout, format!("`{}` did not end within {timeout:?}", action.name())))
            }
            _ = stop.wait_for(ends_at) => {
                cancel.cancel();
                Err(Failure::new(Class::Cancelled, "it was stopped"))
            }
        }
    }
}
