//! The lab with a real MLflow: every spec passes while the lab is healthy, and fails at the right checks, and at no
//! other, while one thing in it is broken.
//!
//! The lab is started once and shared; it needs Python and a package index. Without the lab:
//! `cargo test -- --skip lab::`.

mod scripts;
mod shared;

use std::collections::BTreeMap;
use std::path::PathBuf;

use specrun::check::Verdict;

use crate::support::root;
use shared::{Lab, Outcomes};

/// A variant of the lab, the spec that must notice, and how: these checks do not pass, all others do.
struct Fault {
    environment: &'static str,
    spec: &'static str,
    checks: &'static [(&'static str, Verdict)],
}

const FAULTS: &[Fault] = &[
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
];

/// The specs that the lab is for.
fn specs() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FAULTS.iter().map(|f| root().join(f.spec)).collect();
    found.sort();
    found.dedup();
    for (folder, start) in [("tests/live", "mlflow_"), ("examples/actions", "mlflow.")] {
        let files = std::fs::read_dir(root().join(folder))
            .unwrap()
            .map(|e| e.unwrap().path());
        let named = |p: &PathBuf| p.file_name().unwrap().to_str().unwrap().starts_with(start);
        found.extend(files.filter(named).filter(|p| !p.ends_with(HOST_CHECK)));
    }
    found
}

/// The spec that needs an environment of its own.
const HOST_CHECK: &str = "mlflow_host_check.yaml";

#[test]
fn specs_pass_in_the_healthy_lab_and_fail_at_the_right_checks_in_a_broken_one() {
    let lab = Lab::start();
    let healthy = lab.run(&root().join("examples/lab/lab.yaml"), &specs(), 0);
    all_passed(&healthy);

    // Two side by side, because a training keeps one processor busy for half of its time.
    let wrong: Vec<String> = FAULTS
        .chunks(2)
        .flat_map(|two| {
            std::thread::scope(|scope| {
                let running: Vec<_> = two
                    .iter()
                    .map(|fault| scope.spawn(|| unnoticed(&lab, fault, &healthy)))
                    .collect();
                running
                    .into_iter()
                    .filter_map(|r| r.join().unwrap())
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let live = root().join("tests/live");
    all_passed(&lab.run(&live.join("wrong_host.yaml"), &[live.join(HOST_CHECK)], 0));

    // The one command of the README, which starts a lab of its own and stops it.
    let promotion = root().join("specs/registry/T18_promotion.yaml");
    all_passed(&lab.run_alone(&root().join("examples/lab/lab.yaml"), &[promotion]));
}

#[test]
fn every_fault_of_the_lab_is_held_to_a_spec() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("examples/lab/faults"))
        .unwrap()
        .map(|e| format!("examples/lab/faults/{}", e.unwrap().file_name().to_str().unwrap()))
        .collect();
    files.sort();
    let mut held: Vec<&str> = FAULTS.iter().map(|f| f.environment).collect();
    held.sort_unstable();
    assert_eq!(files, held);
}

/// What differs from how a fault must show.
fn unnoticed(lab: &Lab, fault: &Fault, healthy: &Outcomes) -> Option<String> {
    let seen = lab.run(&root().join(fault.environment), &[root().join(fault.spec)], 1);
    let spec = seen.keys().next()?.0.clone();
    let mut wanted: Outcomes = healthy
        .iter()
        .filter(|((s, _), _)| *s == spec)
        .map(|(key, verdict)| (key.clone(), *verdict))
        .collect();
    for (check, verdict) in fault.checks {
        let before = wanted.insert((spec.clone(), (*check).to_owned()), *verdict);
        assert_eq!(before, Some(Verdict::Passed), "{spec} has no check {check}");
    }
    (seen != wanted).then(|| format!("{}:\n  saw    {seen:?}\n  wanted {wanted:?}", fault.environment))
}

fn all_passed(outcomes: &Outcomes) {
    let others: BTreeMap<_, _> = outcomes.iter().filter(|(_, v)| **v != Verdict::Passed).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(!outcomes.is_empty(), "nothing was checked");
}
