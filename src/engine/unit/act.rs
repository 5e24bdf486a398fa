//! One attempt of one action: on threads of its own, with a deadline, isolated from everything else.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::render::Rendered;
use super::{Unit, scope};
use crate::action::{Checks, Context};
use crate::check::{Class, Failure};
use crate::engine::clock::Moment;
use crate::engine::dispatch::{TO_END, TO_SETTLE};
use crate::event::EventKind;
use crate::plan::StepPlan;
use crate::value::StepId;

/// What is to be done.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) step: &'a StepPlan,
    pub(super) id: &'a StepId,
    pub(super) params: &'a Rendered,
    /// Which attempt this is, from 1.
    pub(super) attempt: u32,
    /// The step's own timeout, for the message.
    pub(super) within: Duration,
    pub(super) deadline: Moment,
    pub(super) cancel: &'a CancellationToken,
    /// Takes the checks the action makes itself.
    pub(super) checks: &'a Checks,
}

enum Cut {
    Late,
    Stopped,
}

impl Unit<'_> {
    /// Runs the action once. An action that panics has failed with class `internal`; one that neither ends by its
    /// deadline nor when it is told to is abandoned.
    pub(super) async fn act(&self, a: Act<'_>) -> Result<Json, Failure> {
        /// More stops than this during one attempt are not waited out.
        const REPEATS: u32 = 3;
        let mut repeats = 0;
        loop {
            let pauses = self.clock().pauses();
            let _ = a.checks.take();
            let result = self.act_once(a).await;
            // Peers and an action's own timers do not stand still when the process does: what failed for that reason
            // says nothing.
            let cut = matches!(&result, Err(f) if matches!(f.class, Class::Timeout | Class::Unreachable));
            let again = cut && self.clock().pauses() != pauses && a.step.action.repeatable(&a.params.real);
            if !again || repeats == REPEATS || a.cancel.is_cancelled() || self.clock().now() >= a.deadline {
                return result;
            }
            repeats += 1;
        }
    }

    async fn act_once(&self, a: Act<'_>) -> Result<Json, Failure> {
        let name = a.step.action.name();
        let settles = !a.step.cleanup.is_empty();
        // What creates something must not hear of the stop before its moment to settle is over.
        let token = if settles {
            CancellationToken::new()
        } else {
            a.cancel.child_token()
        };
        let _told = token.clone().drop_guard();
        let open = Arc::new(AtomicBool::new(true));
        let mut task = self.start(a, token.clone(), &open);
        let cut = tokio::select! {
            biased;
            ended = &mut task => return result(name, ended),
            () = a.cancel.cancelled() => Cut::Stopped,
            () = self.clock().sleep_until(a.deadline) => Cut::Late,
        };
        if matches!(cut, Cut::Stopped) && settles {
            // A request that is cut off in flight may still be carried out, after its own cleanup has passed by: what
            // creates something gets a moment to end by itself.
            tokio::select! {
                biased;
                ended = &mut task => return result(name, ended),
                () = tokio::time::sleep(TO_SETTLE) => {}
                () = self.run.now.cancelled() => {}
            }
        }
        token.cancel();
        let ended = tokio::select! {
            biased;
            ended = &mut task => Some(ended),
            () = tokio::time::sleep(TO_END) => None,
            () = self.run.now.cancelled() => None,
        };
        open.store(false, Ordering::Release);
        if ended.is_none() {
            task.abort();
            // Its destructors end what it started; one that blocks its thread is left behind.
            let _ = tokio::time::timeout(Duration::from_millis(500), &mut task).await;
        }
        let ended = ended.map(|e| result(name, e));
        match (cut, ended) {
            // Told to end by something else than its deadline, it may still have done its work.
            (Cut::Stopped, Some(result)) => result,
            (Cut::Stopped, None) => Err(Failure::new(Class::Cancelled, format!("`{name}` was stopped"))),
            (Cut::Late, Some(Err(f))) if matches!(f.class, Class::Timeout | Class::Internal) => Err(f),
            (Cut::Late, ended) => {
                let mut late = Failure::new(
                    Class::Timeout,
                    format!("`{name}` did not end within {:?}", a.within),
                );
                match ended {
                    Some(Err(f)) => late = late.detail(f.message),
                    Some(Ok(_)) => late = late.detail("it ended only when it was told to"),
                    None => {
                        late = late.detail("it did not end when it was told to either, and was abandoned");
                    }
                }
                Err(late)
            }
        }
    }

    fn start(
        &self,
        a: Act<'_>,
        cancel: CancellationToken,
        open: &Arc<AtomicBool>,
    ) -> JoinHandle<Result<Json, Failure>> {
        let run = self.run;
        let recorder = Arc::clone(&run.recorder);
        let (spec, step) = (self.spec.id.clone(), a.id.clone());
        let open = Arc::clone(open);
        let cx = Context {
            spec: self.spec.id.clone(),
            step: a.id.clone(),
            attempt: a.attempt,
            base_dir: self.spec.base_dir.clone(),
            artifact_dir: run
                .options
                .run_dir
                .artifacts(&self.spec.id, a.id, self.attempt, a.attempt),
            deadline: self.clock().instant(a.deadline),
            cancel,
            prefix: self.names.prefix().to_owned(),
            seed: scope::seed_of(run.options.seed, &self.spec.id, a.id.as_str()),
            tools: Arc::clone(&run.tools),
            checks: a.checks.clone(),
            progress: Arc::new(move |message| {
                // An abandoned action has nothing more to say.
                if open.load(Ordering::Acquire) {
                    recorder.emit(Some(&spec), Some(&step), EventKind::StepProgress { message });
                }
            }),
        };
        let action = a.step.action;
        let (params, vault) = (a.params.real.clone(), a.params.vault.clone());
        run.actions
            .spawn(async move { vault.open_during(action.run(params, &cx)).await })
    }
}

fn result(name: &str, ended: Result<Result<Json, Failure>, JoinError>) -> Result<Json, Failure> {
    match ended {
        Ok(result) => result,
        Err(e) => Err(match e.try_into_panic() {
            Ok(panic) => Failure::new(
                Class::Internal,
                format!("`{name}` panicked: {}", panic_text(&*panic)),
            ),
            Err(_) => Failure::new(Class::Cancelled, format!("`{name}` was stopped")),
        }),
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
