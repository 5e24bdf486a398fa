//! An action as the request of a load: prepared once, sent many times, each answer judged.
//!
//! Only actions that are one HTTP exchange can be it. Nothing is sent here; `load.run` sends, through `tools`.

use serde_json::Value as Json;

use super::{Context, Failure};
use crate::tools::http::Request;
pub use crate::tools::http::{Answer, Judge};

/// What an action wants sent.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The family whose endpoint the environment names: `http`, `kserve`.
    pub family: &'static str,
    /// At least one. With several (one for each row of a file) they are sent in turn.
    pub requests: Vec<Request>,
    /// What [`AsRequest::judge`] needs to know to judge an answer: data, because a worker in another process judges. It
    /// holds no secret.
    pub rule: Json,
}

/// The part of an action that `load.run` uses instead of [`super::Action::run`].
///
/// An action gives it with `fn as_request(&self) -> Option<&dyn AsRequest> { Some(self) }`.
pub trait AsRequest: Send + Sync {
    /// The requests these parameters stand for. Files are read here, so that no request waits for one.
    ///
    /// # Errors
    /// As the action itself would fail before it sends.
    fn prepare(&self, params: &Json, cx: &Context) -> Result<Prepared, Failure>;

    /// What says of an answer whether it is right: nothing, or the class the action itself would fail with. It is called
    /// for every answer, so it should be quick; it must not panic.
    ///
    /// # Errors
    /// When the rule is not one of [`AsRequest::prepare`].
    fn judge(&self, rule: &Json) -> Result<Judge, Failure>;
}
