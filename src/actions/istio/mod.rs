//! What a mesh or a rollout controller says of the split of traffic: pure reading of Kubernetes objects, wherever they
//! come from (`kube.get`, or a manifest through `file.read`).
//!
//! One file for each rollout controller in `canary/`. A status that lags behind its object is said to be stale, and is
//! inconclusive. What happens to requests is another question: `traffic.split` measures it.

mod canary;
mod object;
mod subsets;
mod weights;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "istio",
    about: "Istio, Flagger, Argo Rollouts, KServe: what objects say of the split of traffic",
    actions: &[
        &canary::Canary as &dyn DynAction,
        &subsets::Subsets,
        &weights::Weights,
    ],
    program: None,
};
