//! The registry with signed and unsigned images, and the real cosign, Trivy and gitleaks.

use crate::room::{Room, all_passed};
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["registry"],
    judges_times: false,
    specs: &["specs/security/T13_image_scan.yaml"],
};

#[test]
fn the_supply_chains_rows_stand() {
    ROOM.stands();
}

#[test]
fn signatures_and_scanners_tell_every_case_apart() {
    let lab = ROOM.enter();
    let specs = [
        "tests/live/cosign_results.yaml",
        "tests/live/model_signing.yaml",
        "tests/live/scan_results.yaml",
    ]
    .map(|s| root().join(s));
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
}

/// The same registry: of the environment only the program differs.
#[test]
fn cosign_3_tells_every_case_apart_too() {
    let lab = ROOM.enter();
    let spec = root().join("tests/live/cosign3_results.yaml");
    all_passed(&lab.run("tests/live/cosign3.yaml", &[spec], 0));
}
