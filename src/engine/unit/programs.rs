//! The versions a spec asks of the programs it uses: `tools: [{cosign: ">=2.2"}]`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use semver::Version;

use super::Unit;
use crate::check::{Class, Failure, Verdict};
use crate::tools::http::Until;

/// What programs said, each asked once in a run.
pub(in crate::engine) type Versions = tokio::sync::Mutex<HashMap<String, Result<Version, Failure>>>;

impl Unit<'_> {
    /// Why a program the spec needs will not do: it is missing, says no version, or has another.
    pub(super) async fn unfit(&self) -> Option<(Verdict, String)> {
        for need in &self.spec.tools {
            let (Some(wanted), Some(program)) = (&need.version, &need.program) else {
                continue;
            };
            let program = match self.run.tools.endpoints.program(&need.family.value, program) {
                Ok(program) => program,
                Err(failure) => return Some((Verdict::Blocked, failure.to_string())),
            };
            match self.version(&program).await {
                Ok(found) if wanted.matches(&found) => {}
                Ok(found) => {
                    let why = format!("`{program}` is version {found}, the spec asks for {wanted}");
                    return Some((Verdict::Blocked, why));
                }
                Err(_) if self.cancel.is_cancelled() => return Some(self.cut_off()),
                Err(failure) => return Some((Verdict::Blocked, failure.to_string())),
            }
        }
        None
    }

    async fn version(&self, program: &str) -> Result<Version, Failure> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let mut known = self.run.versions.lock().await;
        if let Some(version) = known.get(program) {
            return version.clone();
        }
        let (tools, name, dir) = (
            Arc::clone(&self.run.tools),
            program.to_owned(),
            self.spec.base_dir.clone(),
        );
        let until = Until {
            deadline: std::time::Instant::now() + PATIENCE,
            cancel: self.cancel.clone(),
        };
        let asked = self
            .run
            .actions
            .spawn(async move { tools.process.version(&name, &dir, &until).await });
        let version = asked.await.unwrap_or_else(|e| {
            Err(Failure::new(
                Class::Internal,
                format!("asking `{program}` for its version: {e}"),
            ))
        });
        if !self.cancel.is_cancelled() {
            known.insert(program.to_owned(), version.clone());
        }
        version
    }
}
