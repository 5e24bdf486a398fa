//! Pipelines on kfp's local runner, training runs and test suites, with the real SDK, MLflow, S3 and pytest.

use std::path::PathBuf;

use specrun::check::Verdict;

use crate::room::{Fault, Room, all_passed};
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["mlflow", "s3"],
    judges_times: false,
    specs: &["examples/stages/per_commit.yaml"],
    faults: &[
        // The seed is not passed on.
        Fault {
            environment: "examples/lab/faults/T02.yaml",
            spec: "specs/training/T02_reproducible.yaml",
            checks: &[
                ("training.weights", Verdict::Failed),
                ("expect[0]", Verdict::Failed),
                // What comes after the trainings is not looked at.
                ("expect[2]", Verdict::Errored),
                ("expect[3]", Verdict::Errored),
                ("expect[4]", Verdict::Errored),
            ],
        },
        // A column has another name.
        Fault {
            environment: "examples/lab/faults/T03-renamed.yaml",
            spec: "specs/pipeline/T03_ingestion_contract.yaml",
            checks: &[("contract.schema", Verdict::Failed)],
        },
        // One row has no customer.
        Fault {
            environment: "examples/lab/faults/T03-null.yaml",
            spec: "specs/pipeline/T03_ingestion_contract.yaml",
            checks: &[("contract.not_null[customer_id]", Verdict::Failed)],
        },
        // One row is lost.
        Fault {
            environment: "examples/lab/faults/T03-lost.yaml",
            spec: "specs/pipeline/T03_ingestion_contract.yaml",
            checks: &[
                ("contract.row_count", Verdict::Failed),
                ("expect[1]", Verdict::Failed),
            ],
        },
        // The registration is silently skipped: of versions and runs that are not there nothing can be said.
        Fault {
            environment: "examples/lab/faults/T05.yaml",
            spec: "specs/pipeline/T05_full_pipeline.yaml",
            checks: &[
                ("expect[0]", Verdict::Failed),
                ("expect[1]", Verdict::Failed),
                ("expect[4]", Verdict::Failed),
                ("expect[5]", Verdict::Inconclusive),
                ("expect[6]", Verdict::Failed),
                ("expect[7]", Verdict::Inconclusive),
            ],
        },
        // The last step lies.
        Fault {
            environment: "examples/lab/faults/T05-unregistered.yaml",
            spec: "specs/pipeline/T05_full_pipeline.yaml",
            checks: &[
                ("expect[4]", Verdict::Failed),
                ("expect[5]", Verdict::Inconclusive),
                ("expect[6]", Verdict::Failed),
                ("expect[7]", Verdict::Inconclusive),
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
