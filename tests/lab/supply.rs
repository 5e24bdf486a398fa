//! The registry with signed and unsigned images, and the real cosign, Trivy and gitleaks.

use specrun::check::Verdict;

use crate::room::{Fault, Room, all_passed};
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["registry"],
    judges_times: false,
    specs: &[],
    faults: &[
        Fault {
            environment: "examples/lab/faults/T13-secret.yaml",
            spec: "specs/security/T13_image_scan.yaml",
            checks: &[("expect[0]", Verdict::Failed), ("expect[2]", Verdict::Failed)],
        },
        Fault {
            environment: "examples/lab/faults/T13-vulnerable.yaml",
            spec: "specs/security/T13_image_scan.yaml",
            checks: &[("expect[1]", Verdict::Failed)],
        },
        // Nothing can be said of vulnerabilities; the secrets are looked for all the same.
        Fault {
            environment: "examples/lab/faults/T13-no-database.yaml",
            spec: "specs/security/T13_image_scan.yaml",
            checks: &[
                ("expect[0]", Verdict::Blocked),
                ("expect[1]", Verdict::Blocked),
                ("expect[3]", Verdict::Blocked),
                ("expect[6]", Verdict::Blocked),
                ("image.database", Verdict::Blocked),
                ("planted_vulnerability.database", Verdict::Blocked),
            ],
        },
    ],
};

#[test]
fn the_supply_chains_rows_stand() {
    ROOM.stands();
}

#[test]
fn cosign_and_scanners_tell_every_case_apart() {
    let lab = ROOM.enter();
    let specs = ["tests/live/cosign_results.yaml", "tests/live/scan_results.yaml"].map(|s| root().join(s));
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
}
