//! MLflow: the registry's rows, lineage, and every action of the family.

use std::path::PathBuf;

use crate::room::{Room, all_passed};
use crate::shared::Lab;
use crate::support::root;

pub const ROOM: Room = Room {
    services: &["mlflow"],
    judges_times: false,
    specs: &[
        "specs/lineage/T20_lineage.yaml",
        "specs/registry/T06_metric_gate.yaml",
        "specs/registry/T18_promotion.yaml",
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
