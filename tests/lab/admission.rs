//! The admission policy that lets only signed models in, on the API server of the lab's Kubernetes and with the real cosign.

use crate::kube::debian;
use crate::room::Room;

/// The control plane is enough: nothing that is let in has to run.
pub const ROOM: Room = Room {
    services: &["admission"],
    judges_times: false,
    specs: &["specs/security/T11_unsigned_model.yaml"],
};

#[test]
fn the_row_of_unsigned_models_stands() {
    if debian() {
        ROOM.stands();
    }
}
