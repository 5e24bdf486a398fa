//! Kubernetes: who may what, GPU and spot nodes, and every action of the family.
//!
//! As root on a Debian machine the cluster has a real node. Without root its nodes are simulated, and what needs a real one
//! is left out with a word; where there is no Debian, nothing of it can run, which is said too.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use specrun::engine::journal;
use specrun::event::EventKind;

use crate::room::{Room, all_passed};
use crate::shared::Lab;
use crate::support::root;
use crate::support::specrun::Running;

/// Far more than anything here takes.
pub const CAP: Duration = Duration::from_mins(10);

/// What needs no more than the API server, the controllers and the scheduler.
pub const ROOM: Room = Room {
    services: &["kubernetes"],
    judges_times: false,
    specs: &[
        "specs/cost/T17_spot.yaml",
        "specs/kubernetes/T12_rbac_denial.yaml",
        "tests/live/mesh_objects.yaml",
    ],
};

/// What needs a meter of costs beside it.
pub const COST_ROOM: Room = Room {
    services: &["kubernetes", "prometheus"],
    judges_times: false,
    specs: &["specs/cost/T17_metered.yaml"],
};

/// What needs a real node: pods that work.
pub const NODE_ROOM: Room = Room {
    services: &["kubernetes"],
    judges_times: true,
    specs: &[
        "specs/kubernetes/T14_gpu_training.yaml",
        "specs/scaling/T15_autoscaling.yaml",
    ],
};

/// Examples that need pods which work.
const WORKING: [&str; 9] = [
    "endpoint", "events", "exec", "forward", "job", "logs", "scale", "wait", "watch",
];

/// Whether a cluster can be had here; where not, why is said.
pub fn debian() -> bool {
    let there = Path::new("/usr/bin/apt-get").exists();
    if !there {
        say(
            "the lab's Kubernetes is built from Debian packages, which this machine does not have: its rows did not run",
        );
    }
    there
}

pub fn real_node() -> bool {
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
fn what_a_training_costs_is_metered() {
    if debian() {
        COST_ROOM.stands();
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
    let lab = ROOM.enter();
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

/// The lab's cluster stands for a user's: found by `KUBECONFIG`, it is used, and none is started.
#[test]
fn a_cluster_of_ones_own_is_used_as_it_is() {
    if !debian() {
        return;
    }
    let lab = ROOM.enter();
    let apart = tempfile::tempdir_in(lab.folder()).unwrap();
    let mut command = lab.command();
    command
        .arg("run")
        .arg(root().join("specs/kubernetes/T12_rbac_denial.yaml"))
        .arg("--env")
        .arg(root().join("examples/lab/own_cluster.yaml"))
        .arg("--run-dir")
        .arg(apart.path().join("runs"))
        .env("KUBECONFIG", kubeconfig(&lab))
        .env("SPECRUN_SERVICES", apart.path());
    let ran = Running::start(command).wait_up_to(CAP).code(0);
    assert!(ran.stdout.contains("1 passed"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("service"), "{}", ran.stderr);
}

/// A service account that has what `plan --rbac` writes, and nothing more, runs the suite.
#[test]
fn the_roles_that_plan_writes_suffice() {
    if !debian() {
        return;
    }
    let lab = ROOM.enter();
    let mut suite = vec![
        root().join("specs/kubernetes/T12_rbac_denial.yaml"),
        root().join("specs/cost/T17_spot.yaml"),
    ];
    // Its objects stand in a template.
    if real_node() {
        suite.push(root().join("specs/kubernetes/T14_gpu_training.yaml"));
    }
    let healthy = root().join("examples/lab/lab.yaml");
    let dir = tempfile::tempdir_in(lab.folder()).unwrap();

    let mut plan = lab.command();
    plan.arg("plan")
        .args(&suite)
        .arg("--env")
        .arg(&healthy)
        .arg("--rbac");
    let roles = Running::start(plan).wait_up_to(CAP).code(0).stdout;
    std::fs::write(dir.path().join("roles.yaml"), roles).unwrap();
    std::fs::write(dir.path().join("setup.yaml"), SETUP).unwrap();
    let runs = dir.path().join("runs");
    let mut setup = lab.command();
    setup
        .arg("run")
        .arg(dir.path().join("setup.yaml"))
        .arg("--env")
        .arg(&healthy)
        .arg("--run-dir")
        .arg(&runs);
    Running::start(setup).wait_up_to(CAP).code(0);

    // Servers of this age make a token for each service account by themselves.
    let run = std::fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let token = journal::read(&run)
        .unwrap()
        .events
        .into_iter()
        .find_map(|e| match e.kind {
            EventKind::StepFinished {
                output: Some(output), ..
            } if e.step == Some("secrets".into()) => Some(output),
            _ => None,
        })
        .and_then(|output| {
            let items = output["items"].as_array()?.clone();
            let own = items
                .into_iter()
                .find(|i| i["annotations"]["kubernetes.io/service-account.name"] == "suite")?;
            own["more"]["data"]["token"].as_str().map(str::to_owned)
        })
        .expect("the service account has a token");
    let token = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(token).unwrap()).unwrap();
    let admin = kubeconfig(&lab);
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(admin).unwrap()).unwrap();
    config["users"][0]["user"] = serde_json::json!({ "token": token });
    std::fs::write(dir.path().join("suite.kubeconfig"), config.to_string()).unwrap();
    let environment = dir.path().join("suite.yaml");
    std::fs::write(
        &environment,
        format!(
            "environment: suite\nextends: {}\nendpoints:\n  kube: {{kubeconfig: \"{}\"}}\n",
            healthy.display(),
            dir.path().join("suite.kubeconfig").display()
        ),
    )
    .unwrap();
    all_passed(&lab.run(&environment.display().to_string(), &suite, 0));
}

/// The file with which the lab's cluster is administered.
fn kubeconfig(lab: &Lab) -> PathBuf {
    walkdir::WalkDir::new(lab.folder())
        .into_iter()
        .filter_map(Result::ok)
        .find(|e| e.file_name() == "admin.kubeconfig")
        .expect("the lab's kubeconfig lies in its folder")
        .into_path()
}

/// Gives the roles to a service account.
const SETUP: &str = r#"specrun: 1
id: setup
title: The roles of a suite are given to a service account
category: test
tools: [kube]
steps:
  - id: roles
    kube.apply: {file: roles.yaml}
  - id: account
    kube.apply:
      namespace: default
      manifest:
        - {apiVersion: v1, kind: ServiceAccount, metadata: {name: suite}}
        - apiVersion: rbac.authorization.k8s.io/v1
          kind: ClusterRoleBinding
          metadata: {name: suite}
          roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: specrun}
          subjects: [{kind: ServiceAccount, name: suite, namespace: default}]
  - id: secrets
    kube.list: {kind: Secret, namespace: default}
    eventually: .items.any(.annotations["kubernetes.io/service-account.name"] == "suite")
    within: 30s
expect:
  - roles.objects.any(.kind == "ClusterRole")
  - account.objects.any(.name == "suite")
"#;

/// Shown whatever becomes of the test: a row that did not run must not look like one that passed.
pub fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
