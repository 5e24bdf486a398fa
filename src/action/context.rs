//! What an action is given besides its parameters.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::tools::Tools;
use crate::value::{SpecId, StepId};

/// Where an action reports progress while it runs (a line for people; shown live, kept in the journal).
pub type Progress = Arc<dyn Fn(String) + Send + Sync>;

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
}
