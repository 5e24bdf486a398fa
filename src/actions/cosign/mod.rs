//! cosign: whether images, artifacts and files carry the signature they should.
//!
//! The user's own cosign decides (2.x or 3.x: policies, key services and keyless certificates are its business).
//! What is added here is that its answers are told apart: cosign ends with 1 both for a wrong signature and for a
//! registry that is down. Only what cosign says of a signature is a result; whatever kept it from looking is a
//! failure of the step, so a dead registry never looks like "unsigned".
//!
//! Not here: model directories (`model_signing`), and admission policies of a cluster, which are the cluster's.

mod bundle;
mod classify;
mod program;
mod sign;
mod verify;

use crate::action::{DynAction, Family};

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "cosign",
    about: "cosign: signatures of images, artifacts and files",
    actions: ACTIONS,
    program: Some("cosign"),
};

const ACTIONS: &[&dyn DynAction] = &[&sign::Sign, &verify::Verify];
