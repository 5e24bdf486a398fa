//! What an action makes for itself and has to be taken away.

use serde_json::Value as Json;

use super::DynAction;

/// An action that takes it away, by what is known before the step acts.
#[derive(Clone)]
pub struct Undo {
    pub action: &'static dyn DynAction,
    /// Its parameters. They may hold expressions: `${{ run.prefix }}`, and those of the step's own parameters.
    pub params: Json,
}
