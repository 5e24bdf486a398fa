//! MLflow: the registry's rows, lineage, and every action of the family.

use std::path::PathBuf;

use specrun::check::Verdict;

use crate::room::{Fault, Room, all_passed};
use crate::shared::Lab;
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["mlflow"],
    judges_times: false,
    specs: &[],
    faults: &[
        // The gate lets every model through.
        Fault {
            environment: "examples/lab/faults/T06.yaml",
            spec: "specs/registry/T06_metric_gate.yaml",
            checks: &[("expect[5]", Verdict::Failed)],
        },
        // The gate lets no model through: of the versions that are not there nothing can be said.
        Fault {
            environment: "examples/lab/faults/T06-shut.yaml",
            spec: "specs/registry/T06_metric_gate.yaml",
            checks: &[
                ("expect[1]", Verdict::Failed),
                ("expect[2]", Verdict::Inconclusive),
            ],
        },
        // The promotion leaves the old version in production.
        Fault {
            environment: "examples/lab/faults/T18.yaml",
            spec: "specs/registry/T18_promotion.yaml",
            checks: &[("expect[4]", Verdict::Failed), ("expect[6]", Verdict::Failed)],
        },
        // The commit is a word.
        Fault {
            environment: "examples/lab/faults/T20.yaml",
            spec: "specs/lineage/T20_lineage.yaml",
            checks: &[("expect[2]", Verdict::Failed), ("expect[3]", Verdict::Failed)],
        },
        // The data set is not logged.
        Fault {
            environment: "examples/lab/faults/T20-dataset.yaml",
            spec: "specs/lineage/T20_lineage.yaml",
            checks: &[
                ("expect[0]", Verdict::Failed),
                ("expect[4]", Verdict::Failed),
                ("expect[5]", Verdict::Failed),
                ("expect[6]", Verdict::Failed),
            ],
        },
        // Nobody is named as approver.
        Fault {
            environment: "examples/lab/faults/T20-approver.yaml",
            spec: "specs/lineage/T20_lineage.yaml",
            checks: &[
                ("expect[0]", Verdict::Failed),
                ("expect[7]", Verdict::Failed),
                ("expect[8]", Verdict::Failed),
            ],
        },
    ],
};

/// Specs that need an environment of their own.
const APART: &[(&str, &str)] = &[
    ("tests/live/mlflow_host_check.yaml", "tests/live/wrong_host.yaml"),
    ("tests/live/mlflow_malformed.yaml", "tests/live/bare_http.yaml"),
];

#[test]
fn the_registrys_rows_stand() {
    ROOM.stands();
}

#[test]
fn every_mlflow_action_works_on_a_real_server() {
    let lab = ROOM.enter();
    let mut specs: Vec<PathBuf> = Vec::new();
    for (folder, start) in [("tests/live", "mlflow_"), ("examples/actions", "mlflow.")] {
        let files = std::fs::read_dir(root().join(folder)).unwrap();
        let named = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(start);
        let together = |p: &PathBuf| APART.iter().all(|(spec, _)| *p != root().join(spec));
        specs.extend(files.map(|e| e.unwrap().path()).filter(named).filter(together));
    }
    specs.sort();
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
    for (spec, environment) in APART {
        all_passed(&lab.run(environment, &[root().join(spec)], 0));
    }
}

#[test]
fn one_command_starts_a_lab_of_its_own_and_stops_it() {
    let lab = Lab::with(&[]);
    let promotion = root().join("specs/registry/T18_promotion.yaml");
    all_passed(&lab.run_alone("examples/lab/lab.yaml", &[promotion]));
}
