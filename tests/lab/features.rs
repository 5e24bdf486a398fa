//! Feast and the object store: features online and offline, and every action of both families.

use std::path::PathBuf;

use crate::room::{Room, all_passed};
use crate::shared::Lab;
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["feast"],
    judges_times: false,
    specs: &[
        "specs/features/T01_online_equals_offline.yaml",
        "specs/features/T19_right_timestamp.yaml",
    ],
};

/// One after the other: while a view is materialized, Feast serves nothing of it.
#[test]
fn the_features_rows_stand_and_every_action_works_on_a_real_server() {
    ROOM.stands();
    let lab = Lab::with(&["feast", "s3"]);
    let files = std::fs::read_dir(root().join("examples/actions")).unwrap();
    let named = |p: &PathBuf| {
        let name = p.file_name().unwrap().to_str().unwrap().to_owned();
        name.starts_with("feast.") || name.starts_with("s3.")
    };
    let mut specs: Vec<PathBuf> = files.map(|e| e.unwrap().path()).filter(named).collect();
    specs.sort();
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
    let bridge = root().join("tests/live/feast_bridge.yaml");
    all_passed(&lab.run("tests/live/without_sources.yaml", &[bridge], 0));
}
