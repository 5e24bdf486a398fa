//! The contract between the engine and the actions, without any action.
//!
//! An author writes an [`Action`] with plain Rust types: one struct for parameters, one for outputs, and `run`. A
//! blanket implementation gives the erased twin [`DynAction`], which the rest of the program handles. Expressions
//! are evaluated before parameters are decoded, so an action never sees one.

mod context;
mod erased;
mod reach;
mod registry;
mod request;
mod schema;
mod undo;

pub use crate::check::{Class, Failure};
pub use context::{Checks, Context, OwnCheck, Progress};
pub use erased::DynAction;
pub use registry::{Family, Registry};
pub use request::{Answer, AsRequest, Judge, Prepared};
pub use schema::{ParamProblem, ParamSchema};
pub use undo::Undo;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tools::Capability;

/// A primitive that a step can name: `mlflow.promote`.
pub trait Action: Send + Sync + 'static {
    /// `family.verb`; the file is `actions/family/verb.rs`.
    const NAME: &'static str;
    /// Decoded from the step's parameters; doc comments are the manual and the schema's descriptions. Unknown
    /// fields must be denied.
    type Params: DeserializeOwned + JsonSchema + Send;
    /// What checks and later steps can refer to.
    type Output: Serialize + JsonSchema;

    /// Whether doing it again is harmless, so that the engine may repeat it without being told to. A spec that says
    /// `retry`, `within` or `eventually` tells it to, whatever this says.
    const IDEMPOTENT: bool = true;

    /// Whether with these parameters, all expressions evaluated, it may be repeated without being told to.
    fn repeatable(&self, params: &serde_json::Value) -> bool {
        let _ = params;
        Self::IDEMPOTENT
    }

    /// What these parameters reach, as far as they are known before the run: parameters that hold an expression
    /// are missing from `params`.
    fn capabilities(&self, params: &serde_json::Value) -> Vec<Capability> {
        let _ = params;
        Vec::new()
    }

    /// The same, when the files that the parameters name may be looked at as well: `read` gives the text of one, and
    /// nothing when it cannot be had.
    fn capabilities_of_files(
        &self,
        params: &serde_json::Value,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<Capability> {
        let _ = read;
        self.capabilities(params)
    }

    /// The full names of the actions that stand inside these parameters: a spec lists their families under `tools` too.
    fn inside(&self, params: &serde_json::Value) -> Vec<&'static str> {
        let _ = params;
        Vec::new()
    }

    /// What takes away what the action makes for itself and would leave behind if it were killed. It is promised in the
    /// ledger before the step acts and done when the spec ends, as a `cleanup` of the spec is.
    fn undo(&self, params: &serde_json::Value) -> Option<Undo> {
        let _ = params;
        None
    }

    /// Mistakes that the schema cannot say (two keys that exclude each other). Pure; parameters that hold an
    /// expression are strings with `${{`.
    fn validate(&self, params: &serde_json::Value) -> Vec<ParamProblem> {
        let _ = params;
        Vec::new()
    }

    /// The action as the request of a load, when it is one HTTP exchange. `load.run` then takes it, and its parameters
    /// are checked there as they are here.
    fn as_request(&self) -> Option<&dyn AsRequest> {
        None
    }

    /// Does it. Errors are classed; whether an answer is the wanted one is for checks to say.
    fn run(
        &self,
        params: Self::Params,
        cx: &Context,
    ) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}
