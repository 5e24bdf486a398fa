//! Pipelines on kfp's local runner, training runs and test suites, with the real SDK, MLflow, S3 and pytest.

use std::path::PathBuf;

use crate::room::{Room, all_passed};
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["mlflow", "s3"],
    judges_times: false,
    specs: &[
        "specs/pipeline/T03_ingestion_contract.yaml",
        "specs/pipeline/T05_full_pipeline.yaml",
        "specs/training/T02_reproducible.yaml",
    ],
};

#[test]
fn the_pipelines_rows_stand() {
    ROOM.stands();
}

#[test]
fn every_local_action_works_with_the_real_programs() {
    let lab = ROOM.enter();
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
