//! Kubernetes: who may what, GPU and spot nodes, and every action of the family.
//!
//! As root on a Debian machine the cluster has a real node. Without root its nodes are simulated, and what needs a real one
//! is left out with a word; where there is no Debian, nothing of it can run, which is said too.

use std::path::{Path, PathBuf};

use specrun::check::Verdict;

use super::room::{Fault, Room, all_passed};
use super::shared::Lab;
use crate::support::root;

/// What needs no more than the API server, the controllers and the scheduler.
pub const ROOM: Room = Room {
    services: &["kubernetes"],
    specs: &[],
    faults: &[
        // The role allows what it should not.
        Fault {
            environment: "examples/lab/faults/T12.yaml",
            spec: "specs/kubernetes/T12_rbac_denial.yaml",
            checks: &[("refused.expect_failure", Verdict::Failed)],
        },
        // Nothing tolerates the taint of the spot nodes.
        Fault {
            environment: "examples/lab/faults/T17-toleration.yaml",
            spec: "specs/cost/T17_spot.yaml",
            checks: &[
                ("place.eventually", Verdict::Failed),
                ("expect[0]", Verdict::Errored),
                ("expect[1]", Verdict::Errored),
                ("expect[2]", Verdict::Errored),
                ("expect[3]", Verdict::Errored),
            ],
        },
        // Spot is dearer.
        Fault {
            environment: "examples/lab/faults/T17-price.yaml",
            spec: "specs/cost/T17_spot.yaml",
            checks: &[("expect[3]", Verdict::Failed)],
        },
    ],
};

/// What needs a real node: pods that work.
pub const NODE_ROOM: Room = Room {
    services: &["kubernetes"],
    specs: &[],
    faults: &[
        // Nobody has what the training asks for: it waits, and what follows cannot be looked at.
        Fault {
            environment: "examples/lab/faults/T14-no-node.yaml",
            spec: "specs/kubernetes/T14_gpu_training.yaml",
            checks: &[
                ("place.eventually", Verdict::Failed),
                ("expect[0]", Verdict::Errored),
                ("expect[1]", Verdict::Errored),
                ("expect[2]", Verdict::Errored),
                ("expect[3]", Verdict::Errored),
                ("expect[4]", Verdict::Errored),
                ("expect[5]", Verdict::Errored),
            ],
        },
        // The training is no faster.
        Fault {
            environment: "examples/lab/faults/T14-slow.yaml",
            spec: "specs/kubernetes/T14_gpu_training.yaml",
            checks: &[("expect[4]", Verdict::Failed)],
        },
    ],
};

/// Examples that need pods which work.
const WORKING: [&str; 9] = [
    "endpoint", "events", "exec", "forward", "job", "logs", "scale", "wait", "watch",
];

/// Whether a cluster can be had here; where not, why is said.
fn debian() -> bool {
    let there = Path::new("/usr/bin/apt-get").exists();
    if !there {
        say(
            "the lab's Kubernetes is built from Debian packages, which this machine does not have: its rows did not run",
        );
    }
    there
}

fn real_node() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        say("a real node needs root: the rows that need one did not run, those of the control plane did");
    }
    root
}

#[test]
fn the_control_planes_rows_stand() {
    if debian() {
        ROOM.stands();
    }
}

#[test]
fn the_rows_of_the_real_node_stand() {
    if debian() && real_node() {
        NODE_ROOM.stands();
    }
}

#[test]
fn every_kube_action_works_on_a_real_cluster() {
    if !debian() {
        return;
    }
    let working = real_node();
    let lab = Lab::with(ROOM.services);
    let mut specs: Vec<PathBuf> = std::fs::read_dir(root().join("examples/actions"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.strip_prefix("kube.")
                .is_some_and(|verb| working || !WORKING.contains(&verb))
        })
        .collect();
    specs.sort();
    all_passed(&lab.run("examples/lab/lab.yaml", &specs, 0));
}

/// Shown whatever becomes of the test: a row that did not run must not look like one that passed.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
