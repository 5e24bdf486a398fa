//! What an action is given besides its parameters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::check::{CheckOutcome, Class, Failure};
use crate::event::Severity;
use crate::tools::Tools;
use crate::value::{SpecId, StepId};

/// Where an action reports progress while it runs (a line for people; shown live, kept in the journal).
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

/// Checks an action makes itself: each rule of a data suite, each test of a pytest run.
///
/// When the attempt ends, well or not, the engine writes each as a `checked` event with the id `<step>.<id>` and
/// counts it for the step's verdict like the step's own `expect`. A poll or a retry starts with none.
#[derive(Clone, Debug, Default)]
pub struct Checks(Arc<std::sync::Mutex<Vec<OwnCheck>>>);

/// One check of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnCheck {
    /// Unique in the step: `checks[3]`, `test_rows`.
    pub id: String,
    /// What is checked, for people: `amount is not null`.
    pub text: String,
    pub severity: Severity,
    pub outcome: CheckOutcome,
}

impl Checks {
    pub fn add(&self, check: OwnCheck) {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(check);
    }

    /// Takes all that were added, in their order.
    #[must_use]
    pub fn take(&self) -> Vec<OwnCheck> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The surroundings of one attempt of one step.
#[derive(Clone)]
pub struct Context {
    pub spec: SpecId,
    pub step: StepId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The folder relative paths of the spec start from: the spec file's own.
    pub base_dir: PathBuf,
    /// A folder for this attempt's files, inside the run directory; made when first asked for.
    pub artifact_dir: PathBuf,
    /// When the step must have ended. The engine ends it then; an action that can stop earlier in good order may.
    pub deadline: Instant,
    /// Cancelled when the run stops.
    pub cancel: CancellationToken,
    /// Names of created objects start with this, so that parallel runs cannot collide.
    pub prefix: String,
    /// From the run's seed, the spec and the step: all randomness of the step derives from it.
    pub seed: u64,
    pub tools: Arc<Tools>,
    pub progress: Progress,
    /// Where the action puts checks of its own.
    pub checks: Checks,
}

impl Context {
    /// Makes the artifact folder and returns the path of a file in it.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn artifact(&self, name: &str) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(&self.artifact_dir)?;
        Ok(self.artifact_dir.join(name))
    }

    /// Does work that blocks away from the threads that wait for networks; ends waiting when the run stops or the step's
    /// time is over. `what` is the work in words: `hash of x`.
    ///
    /// # Errors
    /// The work's own, `cancelled`, `timeout`.
    pub async fn aside<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let working = tokio::task::spawn_blocking(work);
        tokio::select! {
            biased;
            done = working => done.unwrap_or_else(|e| Err(Failure::new(Class::Internal, format!("{what}: {e}")))),
            () = self.cancel.cancelled() => Err(Failure::new(Class::Cancelled, format!("{what}: the run was stopped"))),
            () = tokio::time::sleep_until(self.deadline.into()) => {
                Err(Failure::new(Class::Timeout, format!("{what}: not done before the step's deadline")))
            }
        }
    }
}
