//! KServe and every other server that speaks its protocols: V1, and V2, which is the Open Inference Protocol (Triton,
//! `MLServer`, `TorchServe`).
//!
//! Traps that the actions take care of, so that no spec has to know them:
//!
//! - a server says that it is ready with no model loaded at all: `kserve.ready` asks for the model, by name;
//! - a 404 may come from a gateway that knows no such host, or from a server of another protocol: only the model
//!   server's own word makes it `not_found`;
//! - shapes, datatypes and data of a tensor can contradict each other, in what is sent and in what comes back: both
//!   are checked, the first against the model's metadata too;
//! - errors are `error` in one place and a list in `detail` in another.
//!
//! Not here: tensors in binary form, gRPC, and what a good answer is (checks say).

mod answer;
mod body;
mod client;
mod explain;
mod infer;
mod load;
mod metadata;
mod protocol;
mod ready;
mod refusal;
mod rows;
mod tensor;

#[cfg(test)]
mod tests;

use crate::action::{DynAction, Family};
use crate::tools::Capability;

/// The family's line in the table of actions.
pub const FAMILY: Family = Family {
    name: "kserve",
    about: "KServe and other model servers: readiness, metadata, inference over the V1 and V2 protocols",
    actions: ACTIONS,
    program: None,
};

const ACTIONS: &[&dyn DynAction] = &[
    &explain::Explain,
    &infer::Infer,
    &metadata::Metadata,
    &ready::Ready,
];

/// Every action of the family reaches its endpoint, and the files its parameters name.
fn reach(files: impl IntoIterator<Item = String>) -> Vec<Capability> {
    let endpoint = Capability::Endpoint {
        family: "kserve".to_owned(),
    };
    let files = files.into_iter().map(|path| Capability::Read { path });
    std::iter::once(endpoint).chain(files).collect()
}
