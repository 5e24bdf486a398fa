//! Kubernetes: objects, waits, jobs, rights.
//!
//! Everything is done with plain objects and with the kinds that the server says it serves, in the version it prefers,
//! so that no version is compiled in. Traps of the API that the actions take care of, so that no spec has to know them:
//!
//! - an unknown kind answers 404 like an absent object: class `missing` here, never `not_found`;
//! - who may not (RBAC) and what may not (admission) are both 403: classes `forbidden` and `denied`;
//! - a webhook that does not answer refuses nothing: class `unavailable`;
//! - a condition of an older generation says nothing of the newer: `kube.wait` looks at both;
//! - a namespace takes no pods before its default service account is there: `kube.create` waits for it;
//! - a watch ends, is forgotten, stands still: it is taken up again ([`crate::tools::kube::watch`]).
//!
//! Not here: what a good answer of a service is (`http`, `kserve`), and what a run costs.

mod apply;
mod can_i;
mod condition;
mod create;
mod delete;
mod endpoint;
mod events;
mod exec;
mod forward;
mod get;
mod job;
mod list;
mod logs;
mod manifest;
mod object;
mod patch;
mod pods;
mod scale;
mod session;
mod spot;
mod token;
mod wait;
mod watch;

use crate::action::{DynAction, Family};

pub use manifest::{OWNER, marks};

/// The action that undoes what other families make on a cluster.
pub const DELETE: &dyn DynAction = &delete::Delete;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "kube",
    about: "Kubernetes: objects, waits, jobs, rights",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &apply::Apply,
    &can_i::CanI,
    &create::Create,
    &delete::Delete,
    &endpoint::Endpoint,
    &events::Events,
    &exec::Exec,
    &forward::Forward,
    &get::Get,
    &job::Job,
    &list::List,
    &logs::Logs,
    &patch::Patch,
    &scale::Scale,
    &token::Token,
    &wait::Wait,
    &watch::Watch,
];
