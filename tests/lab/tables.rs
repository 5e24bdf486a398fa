//! Tables: the contract of the feature component, and tables on a real store.

use crate::room::Room;

pub const ROOM: Room = Room {
    services: &["kfp", "s3"],
    judges_times: false,
    specs: &[
        "specs/data/T04_feature_contract.yaml",
        "tests/live/tables_on_s3.yaml",
    ],
};

#[test]
fn the_feature_component_and_tables_on_a_store_stand() {
    ROOM.stands();
}
