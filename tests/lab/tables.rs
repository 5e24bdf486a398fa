//! Tables: the contract of the feature component, and tables on a real store.

use crate::room::{Room, all_passed};
use crate::shared::Lab;
use crate::support::root;

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

#[test]
fn a_store_that_knows_nobody_is_told_as_that() {
    let lab = Lab::with(&[]);
    let refused = root().join("tests/live/tables_refused.yaml");
    all_passed(&lab.run("tests/live/strict_store.yaml", &[refused], 0));
}
