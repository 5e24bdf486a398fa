//! What has to be undone: promised before a step acts, done last to first on every way out.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::act::panic_text;
use super::render::{Rendered, parameters};
use super::scope::Local;
use super::{Unit, attempts};
use crate::check::{Class, Failure, Verdict};
use crate::event::{CleanupInfo, EventKind, Role};
use crate::plan::StepPlan;
use crate::value::{StepId, Value};

/// One promised cleanup.
pub(super) struct Promise<'a> {
    /// Unique in the run.
    id: String,
    /// How the cleanup step shows in events.
    shown_as: StepId,
    plan: &'a StepPlan,
    /// The step that creates, and this element of it.
    owner: &'a StepPlan,
    owner_id: StepId,
    item: Option<(String, Value)>,
    own: Option<Value>,
    /// What was written into the ledger.
    params: Option<Rendered>,
}

impl<'a> Unit<'a> {
    /// Writes into the ledger what has to be undone once this step has acted.
    pub(super) fn promise(&self, step: &'a StepPlan, id: &StepId, item: Option<(&str, &Value)>) {
        for (n, plan) in step.cleanup.iter().enumerate() {
            let shown_as = if *id == step.id {
                plan.id.clone()
            } else {
                StepId(format!("{id}.cleanup[{n}]"))
            };
            let tried = if self.attempt > 1 {
                format!("@{}", self.attempt)
            } else {
                String::new()
            };
            let promise = Promise {
                id: format!("{}/{id}.cleanup[{n}]{tried}", self.spec.id),
                shown_as,
                plan,
                owner: step,
                owner_id: id.clone(),
                item: item.map(|(name, value)| (name.to_owned(), value.clone())),
                own: None,
                params: parameters(plan, &self.names.view(Local { item, own: None })).ok(),
            };
            self.register(&promise);
            self.promises().push(promise);
        }
    }

    /// Tells the ledger the parameters that are known only now that the step has its output.
    pub(super) fn fulfil(&self, step: &StepPlan, id: &StepId, own: &Value) {
        if step.cleanup.is_empty() {
            return;
        }
        for promise in self.promises().iter_mut().filter(|p| p.owner_id == *id) {
            promise.own = Some(own.clone());
            if promise.params.is_none() {
                promise.params = parameters(promise.plan, &self.names.view(promise.local())).ok();
                if promise.params.is_some() {
                    self.register(promise);
                }
            }
        }
    }

    /// Undoes everything that was promised, last to first; one that fails holds up no other.
    pub(super) async fn clean_up(&self, cancel: &CancellationToken) {
        loop {
            let Some(promise) = self.promises().pop() else {
                return;
            };
            if self.run.now.is_cancelled() {
                // Left open in the ledger, for `clean`.
                continue;
            }
            let failure = if cancel.is_cancelled() {
                Some(Failure::new(Class::Cancelled, "no time was left for it"))
            } else {
                let undo = AssertUnwindSafe(self.undo(&promise, cancel)).catch_unwind().await;
                undo.unwrap_or_else(|panic| {
                    let why = format!("specrun itself broke: {}", panic_text(&*panic));
                    Some(Failure::new(Class::Internal, why))
                })
            };
            self.emit(
                Some(&promise.shown_as),
                EventKind::CleanupFinished {
                    id: promise.id,
                    done: failure.is_none(),
                    failure,
                },
            );
        }
    }

    async fn undo(&self, promise: &Promise<'a>, cancel: &CancellationToken) -> Option<Failure> {
        let step = promise.plan;
        match self.wanted(step, promise.local()) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(failure) => return Some(failure),
        }
        let params = match promise
            .params
            .clone()
            .map_or_else(|| parameters(step, &self.names.view(promise.local())), Ok)
        {
            Ok(params) => params,
            Err(failure) => {
                let why = format!(
                    "step `{}` gave no output that says what to undo: {}",
                    promise.owner_id, failure.message
                );
                return Some(Failure::new(failure.class, why));
            }
        };
        let began = self.clock().now();
        let turn = attempts::Turn {
            step,
            id: &promise.shown_as,
            item: promise.item.as_ref().map(|(n, v)| (n.as_str(), v)),
            params: &params,
            cancel,
        };
        let got = self.attempts(turn).await;
        let failure = got.result.as_ref().err().cloned();
        let gone = failure.as_ref().is_some_and(|f| f.class == Class::NotFound);
        let ended_well = failure.is_none() || gone;
        self.emit(
            Some(&promise.shown_as),
            EventKind::StepFinished {
                role: Role::Cleanup,
                verdict: if ended_well {
                    Verdict::Passed
                } else {
                    Verdict::Errored
                },
                reason: failure.as_ref().map(|f| {
                    if gone {
                        "nothing was left to undo".to_owned()
                    } else {
                        f.message.clone()
                    }
                }),
                output: got.result.ok().map(|(json, _)| json),
                failure: failure.clone(),
                attempts: got.attempts,
                duration: (self.clock().now() - began).as_secs_f64(),
                skipped: false,
            },
        );
        if ended_well { None } else { failure }
    }

    fn register(&self, promise: &Promise<'_>) {
        let params = promise
            .params
            .as_ref()
            .filter(|p| p.vault.is_empty())
            .map(|p| p.real.clone());
        self.emit(
            Some(&promise.owner_id),
            EventKind::CleanupRegistered {
                cleanup: CleanupInfo {
                    id: promise.id.clone(),
                    action: promise.plan.action.name().to_owned(),
                    params,
                },
            },
        );
    }

    fn promises(&self) -> std::sync::MutexGuard<'_, Vec<Promise<'a>>> {
        self.promises
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Promise<'_> {
    fn local(&self) -> Local<'_> {
        Local {
            item: self.item.as_ref().map(|(n, v)| (n.as_str(), v)),
            own: self.own.as_ref().map(|v| (self.owner.id.as_str(), v)),
        }
    }
}
