//! Pipelines on kfp's local runner, training runs and test suites, with the real SDK, MLflow, S3 and pytest.

use std::path::PathBuf;

use specrun::check::Verdict;

use super::room::{Fault, Room, all_passed};
use super::shared::Lab;
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["mlflow"],
    specs: &["examples/stages/per_commit.yaml"],
    faults: &[
        // The seed is not passed on.
        Fault {
            environment: "examples/lab/faults/T02.yaml",
            spec: "specs/training/T02_reproducible.yaml",
            checks: &[
                ("training.weights", Verdict::Failed),
                ("expect[0]", Verdict::Failed),
            ],
        },
    ],
};

#[test]
fn the_pipelines_rows_stand() {
    ROOM.stands();
}

#[test]
fn every_local_action_works_with_the_real_programs() {
    let lab = Lab::with(ROOM.services);
    let files = std::fs::read_dir(root().join("examples/actions")).unwrap();
    let local = [
        "kfp.compile",
        "kfp.component",
        "kfp.pipeline",
        "model.",
        "pytest.",
        "training.",
    ];
    let named = |p: &PathBuf| {
        let name = p.file_name().unwrap().to_str().unwrap().to_owned();
        local.iter().any(|start| name.starts_with(start))
    };
    let mut specs: Vec<PathBuf> = files.map(|e| e.unwrap().path()).filter(named).collect();
    specs.push(root().join("tests/live/kfp_traps.yaml"));
    specs.sort();
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
}
