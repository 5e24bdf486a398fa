//! One spec for each stage: per commit, nightly, before production.

use crate::room::Room;

pub const ROOM: Room = Room {
    services: &["kfp", "kserve", "mlflow", "registry"],
    judges_times: true,
    specs: &[
        "examples/stages/nightly.yaml",
        "examples/stages/per_commit.yaml",
        "examples/stages/pre_prod.yaml",
    ],
};

#[test]
fn the_stages_stand_and_an_unsigned_candidate_is_not_promoted() {
    ROOM.stands();
}
