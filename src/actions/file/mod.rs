//! Files of the project and of the run.

mod hash;
mod read;

use serde_json::Value as Json;

use crate::action::{Context, DynAction, Failure, Family};
use crate::tools::Capability;
use crate::tools::files::Files;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "file",
    about: "files of the project and of the run: contents and hashes",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[&hash::Hash, &read::Read];

fn reads(params: &Json) -> Vec<Capability> {
    let path = params
        .get("path")
        .and_then(Json::as_str)
        .filter(|p| !p.contains("${{"));
    vec![Capability::Read {
        path: path.unwrap_or("?").to_owned(),
    }]
}

/// Does work on files away from the threads that wait for networks; ends waiting when the run stops or the step's time
/// is over.
async fn aside<T: Send + 'static>(
    cx: &Context,
    what: &str,
    work: impl FnOnce(&Files) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let tools = std::sync::Arc::clone(&cx.tools);
    cx.aside(what, move || work(&tools.files)).await
}
