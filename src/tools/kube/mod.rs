//! Kubernetes' API: one connection for the run, by the kube crate, with discovered kinds and plain JSON objects.
//!
//! No version of a type is compiled in: what a server serves is asked of it, so that old and new clusters work alike.
//! Every call is judged twice, by where it goes and by what it does ([`Capability::Kube`]). Answers go through the same
//! caps and classes as those of [`super::http`], and a refusal of the API server keeps its reason ([`refusal`]).
//!
//! Not here: what a ready object is, or a finished job; the actions know that.

mod call;
mod cluster;
mod config;
mod kinds;
mod lines;
mod refusal;
pub mod remote;
mod stream;
mod watch;

pub use call::{Call, Identity};
pub use cluster::Cluster;
pub use kinds::{Kind, guess};
pub use stream::{Command, Done, exec};
pub use watch::{Scope, Seen, all, watch};

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use super::http::{Lookup, SystemLookup, Until};
use super::{Capability, Endpoint, Grants, Redactor};
use crate::check::{Class, Failure};
use crate::value::Secret;

/// The connection to the cluster of the environment, opened when first used.
pub struct Kube {
    grants: Arc<Grants>,
    redactor: Arc<Redactor>,
    lookup: Arc<dyn Lookup>,
    cluster: OnceCell<Arc<Cluster>>,
    /// Tokens that steps asked for, by the name that stands for them: a token itself never leaves this place.
    tokens: Mutex<HashMap<String, Secret>>,
    count: AtomicU64,
    /// Ports that lead to pods; they are closed with the run.
    forwards: Mutex<Vec<AbortHandle>>,
}

impl Kube {
    #[must_use]
    pub fn new(grants: Arc<Grants>, redactor: Arc<Redactor>) -> Self {
        Self::with_lookup(grants, redactor, Arc::new(SystemLookup))
    }

    /// With another way to resolve names.
    #[must_use]
    pub fn with_lookup(grants: Arc<Grants>, redactor: Arc<Redactor>, lookup: Arc<dyn Lookup>) -> Self {
        super::http::use_ring();
        Self {
            grants,
            redactor,
            lookup,
            cluster: OnceCell::new(),
            tokens: Mutex::default(),
            count: AtomicU64::new(0),
            forwards: Mutex::default(),
        }
    }

    /// The cluster that the environment names.
    ///
    /// # Errors
    /// When there is none, or its configuration cannot be used.
    pub async fn cluster(&self, endpoint: Option<&Endpoint>, until: &Until) -> Result<Arc<Cluster>, Failure> {
        let endpoint = endpoint.ok_or_else(|| {
            Failure::new(Class::Missing, "the environment has no endpoint `kube`").help(
                "name it in the environment file: `endpoints: {kube: {context: NAME}}` takes it from your kubeconfig, \
                 `{kubeconfig: FILE}` from another",
            )
        })?;
        let open = || async {
            let settings = config::read(endpoint, &self.grants).await?;
            Cluster::open(
                settings,
                Arc::clone(&self.grants),
                Arc::clone(&self.redactor),
                Arc::clone(&self.lookup),
            )
            .await
            .map(Arc::new)
        };
        tokio::select! {
            biased;
            () = until.cancel.cancelled() => Err(Failure::new(Class::Cancelled, "the run was stopped")),
            found = self.cluster.get_or_try_init(open) => found.cloned(),
            () = super::awake::until(until.deadline) => Err(Failure::new(
                Class::Timeout,
                "the configuration of the cluster was not read before the step's deadline",
            )),
        }
    }

    /// Keeps a token and gives the name that stands for it in `as`.
    #[must_use]
    pub fn keep_token(&self, user: &str, token: Secret) -> String {
        let name = format!("token:{user}#{}", self.count.fetch_add(1, Ordering::Relaxed) + 1);
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone(), token);
        name
    }

    /// Who is meant by the text of `as`: a name that [`Kube::keep_token`] gave, or a user to act as.
    ///
    /// # Errors
    /// For a name of a token that this run does not know.
    pub fn identity(&self, text: Option<&str>) -> Result<Identity, Failure> {
        let Some(text) = text else {
            return Ok(Identity::Endpoint);
        };
        if !text.starts_with("token:") {
            return Ok(Identity::user(text));
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(text).cloned().map(Identity::Token).ok_or_else(|| {
            Failure::new(
                Class::BadParameter,
                format!("no step of this run asked for `{text}`"),
            )
            .help("give the output of a step `kube.token`: `as: \"${{ intern.identity }}\"`")
        })
    }

    /// Whether a call is granted.
    ///
    /// # Errors
    /// Class `not_granted`, with the flag that would grant it.
    pub fn judge(&self, power: &Capability) -> Result<(), Failure> {
        self.grants.check(power)
    }

    fn keep(&self, forward: AbortHandle) {
        self.forwards
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(forward);
    }
}

impl Drop for Kube {
    fn drop(&mut self) {
        let forwards = self.forwards.get_mut().unwrap_or_else(PoisonError::into_inner);
        forwards.iter().for_each(AbortHandle::abort);
    }
}
