//! What specs need and is not there: programs, or programs of that version. Such a spec is blocked; the others run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::action::Registry;
use crate::plan::Plan;
use crate::tools::Tools;
use crate::tools::http::Until;
use crate::value::SpecId;

/// How long a program may take to tell its version.
const ASKED: Duration = Duration::from_secs(30);

/// The specs that cannot begin, with the reason. Each program is asked once.
pub(super) async fn programs(plan: &Plan, registry: &Registry, tools: &Tools) -> HashMap<SpecId, String> {
    let mut versions: HashMap<String, Result<semver::Version, String>> = HashMap::new();
    let mut blocked = HashMap::new();
    for spec in &plan.specs {
        for need in &spec.tools {
            let Some(wanted) = &need.version else { continue };
            let Some(program) = registry.family(&need.family.value).and_then(|f| f.program) else {
                continue;
            };
            let program = match tools.endpoints.program(&need.family.value, program) {
                Ok(program) => program,
                Err(failure) => {
                    blocked.entry(spec.id.clone()).or_insert(failure.message);
                    continue;
                }
            };
            if !versions.contains_key(&program) {
                let until = Until {
                    deadline: Instant::now() + ASKED,
                    cancel: CancellationToken::new(),
                };
                let said = tools.process.version(&program, &spec.base_dir, &until).await;
                versions.insert(program.clone(), said.map_err(|failure| failure.message));
            }
            let why = match versions.get(&program) {
                Some(Ok(version)) if wanted.matches(version) => continue,
                Some(Ok(version)) => format!("`{program}` is version {version}; the spec needs {wanted}"),
                Some(Err(why)) => format!("the spec needs `{program}` {wanted}: {why}"),
                None => continue,
            };
            blocked.entry(spec.id.clone()).or_insert(why);
        }
    }
    blocked
}
