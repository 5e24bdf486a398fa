//! `run --on kubernetes` in pods of the real node: each calls the cluster by its service account, and one that is lost takes
//! no verdict along.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;

use crate::kube::{ROOM, debian, real_node};
use crate::room::all_passed;
use crate::shared::Lab;
use crate::support::root;
use crate::support::specrun::{Ran, Running};

/// Far more than anything here takes.
const CAP: Duration = Duration::from_mins(10);

/// One of the tests kills what is at work in pods of runs.
static TURN: Mutex<()> = Mutex::new(());

/// What a pod does: something in a namespace of its own, by the cluster's own address.
const OBJECTS: &str = r#"category: kubernetes
tools: [kube]
timeout: 4m
steps:
  - id: made
    kube.create:
      namespace: parts
      manifest: {apiVersion: v1, kind: ConfigMap, metadata: {name: "${{ run.prefix }}"}, data: {a: "1"}}
    cleanup:
      kube.delete: {kind: ConfigMap, name: "${{ run.prefix }}", namespace: parts}
  - id: seen
    kube.get: {kind: ConfigMap, name: "${{ run.prefix }}", namespace: parts}
"#;

/// Passes, fails, or goes on until it is lost.
const PASSES: &str = "expect:\n  - seen.more.data.a == \"1\"\n";
const FAILS: &str = "expect:\n  - seen.more.data.a == \"2\"\n";
const GOES_ON: &str = r#"  - id: never
    kube.wait: {kind: ConfigMap, name: "${{ run.prefix }}", namespace: parts, field: metadata.labels.never, equals: "yes"}
    timeout: 3m
expect:
  - seen.more.data.a == "1"
"#;

/// Gives what `plan --rbac` says to the account that the pods have.
const SETUP: &str = r#"specrun: 1
id: setup
title: What the pods of a run may
category: test
tools: [kube]
steps:
  - id: namespace
    kube.apply: {manifest: {apiVersion: v1, kind: Namespace, metadata: {name: parts}}}
  - id: roles
    kube.apply: {file: roles.yaml}
  - id: account
    kube.apply:
      namespace: default
      manifest: {apiVersion: v1, kind: ServiceAccount, metadata: {name: parts}}
BINDINGS
expect:
  - account.objects.any(.name == "parts")
"#;

/// A project with a spec for each of these endings.
fn project(lab: &Lab, specs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = empty(lab, "service_account: parts");
    for (id, ending) in specs {
        add(folder.path(), id, &format!("{OBJECTS}{ending}"));
    }
    folder
}

/// A project without specs, whose environment says this of the cluster.
fn empty(lab: &Lab, kube: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(lab.folder()).unwrap();
    write(folder.path(), "specrun.yaml", "specrun: 1\nspecs: [specs]\n");
    let lab = root().join("examples/lab/lab.yaml");
    let environment = format!(
        "environment: pods\nextends: {}\nendpoints: {{kube: {{{kube}}}}}\n",
        lab.display()
    );
    write(folder.path(), "environments/pods.yaml", &environment);
    folder
}

fn add(folder: &Path, id: &str, body: &str) {
    let head = format!("specrun: 1\nid: {id}\ntitle: In a pod\n");
    write(folder, &format!("specs/{id}.yaml"), &format!("{head}{body}"));
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn command(lab: &Lab, folder: &Path, words: &[&str]) -> Command {
    let mut command = lab.command();
    command
        .args(words)
        .args(["--env", "environments/pods.yaml"])
        .current_dir(folder);
    command
}

fn run(lab: &Lab, folder: &Path) -> Running {
    let words = [
        "run",
        "--on",
        "kubernetes",
        "--partition",
        "2",
        "--report",
        "json=report.json",
    ];
    Running::start(command(lab, folder, &words))
}

/// The roles that the specs need, bound to the service account of the pods.
fn permitted(lab: &Lab, folder: &Path) {
    let roles = Running::start(command(lab, folder, &["plan", "--rbac"]))
        .wait_up_to(CAP)
        .code(0)
        .stdout;
    let mut bindings = String::new();
    for document in serde_yaml::Deserializer::from_str(&roles) {
        let role: Json = serde::Deserialize::deserialize(document).unwrap();
        let (kind, meta) = (role["kind"].as_str().unwrap(), &role["metadata"]);
        let _ = writeln!(
            bindings,
            "        - {{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}Binding, metadata: {meta}, roleRef: {{apiGroup: \
             rbac.authorization.k8s.io, kind: {kind}, name: {}}}, subjects: [{{kind: ServiceAccount, name: parts, namespace: default}}]}}",
            meta["name"]
        );
    }
    std::fs::write(folder.join("roles.yaml"), roles).unwrap();
    let setup = SETUP.replace(
        "BINDINGS\n",
        &format!("  - id: bindings\n    kube.apply:\n      manifest:\n{bindings}"),
    );
    std::fs::write(folder.join("setup.yaml"), setup).unwrap();
    Running::start(command(lab, folder, &["run", "setup.yaml"]))
        .wait_up_to(CAP)
        .code(0);
}

fn verdicts(folder: &Path) -> Vec<(String, String, String)> {
    let report: Json = serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap();
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let specs = report["specs"].as_array().unwrap().iter();
    specs
        .map(|s| (text(&s["id"]), text(&s["verdict"]), text(&s["reason"])))
        .collect()
}

/// What is left of runs: Jobs and objects that their specs made.
const LEFT: &str = r"specrun: 1
id: left
title: Nothing is left
category: test
tools: [kube]
steps:
  - id: jobs
    kube.list: {kind: Job, namespace: default, labels: specrun.io/work=run}
    eventually: .count == 0
    within: 1m
  - id: objects
    kube.list: {kind: ConfigMap, namespace: parts, labels: specrun.io/owner}
expect:
  - objects.count == 0
";

fn nothing_is_left(lab: &Lab, folder: &Path) {
    let spec: PathBuf = folder.join("left.yaml");
    std::fs::write(&spec, LEFT).unwrap();
    all_passed(&lab.run("examples/lab/lab.yaml", &[spec], 0));
}

#[test]
fn two_pods_of_the_real_node_run_the_specs_and_one_is_lost() {
    if !debian() || !real_node() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = ROOM.enter();

    let four = project(
        &lab,
        &[
            ("one", PASSES),
            ("two", FAILS),
            ("three", PASSES),
            ("four", PASSES),
        ],
    );
    permitted(&lab, four.path());
    let ran: Ran = run(&lab, four.path()).wait_up_to(CAP).code(1);
    assert!(ran.stdout.contains("3 passed, 1 failed"), "{}", ran.stdout);
    for (id, verdict, reason) in verdicts(four.path()) {
        assert_eq!(
            verdict,
            if id == "two" { "failed" } else { "passed" },
            "{id}: {reason}"
        );
    }
    nothing_is_left(&lab, four.path());

    for (loss, said) in [
        // A kubelet tells a pod that is deleted to end, however short its grace is, and it cleans up itself.
        (Loss::Deleted, ["was told to end", "was deleted"]),
        (Loss::Killed, ["is lost", "exit code 137"]),
    ] {
        let two = project(&lab, &[("short", PASSES), ("long", GOES_ON)]);
        permitted(&lab, two.path());
        let running = run(&lab, two.path());
        loss.happens(&lab, two.path());
        let ran = running.wait_up_to(CAP).code(5);
        let found = verdicts(two.path());
        let of = |id: &str| found.iter().find(|(spec, ..)| spec == id).unwrap();
        assert_eq!(of("short").1, "passed", "{}", of("short").2);
        let (_, verdict, why) = of("long");
        assert_eq!(verdict, "errored", "{why}");
        assert!(
            said.iter().any(|words| why.contains(words)),
            "{loss:?}: {why} {}",
            ran.stderr
        );
        nothing_is_left(&lab, two.path());
    }
}

/// So slow that the node begins a new file of the log while it is written, and so large that it must.
const LARGE: &str = "category: test
tools: [file]
steps:
  - id: text
    file.read: {path: large.txt}
    eventually: .lines == 1
    every: 200ms
    within: 1m
    stable_for: 600ms
expect:
  - text.lines == 1
";

/// A kubelet puts a new file in the place of a container's log that has 10 MiB, and one of 1.20 does not follow.
#[test]
fn more_than_a_log_holds_comes_back_whole() {
    if !debian() || !real_node() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = ROOM.enter();
    let folder = empty(&lab, "");
    write(
        folder.path(),
        "specs/large.txt",
        &"0123456789abcdef".repeat(25_000),
    );
    for n in 0..50 {
        add(folder.path(), &format!("large{n}"), LARGE);
    }
    let words = ["run", "--on", "kubernetes", "--partition", "1", "-j", "1"];
    let ran = Running::start(command(&lab, folder.path(), &words))
        .wait_up_to(CAP)
        .code(0);
    assert!(ran.stdout.contains("50 passed"), "{}", ran.stdout);
}

/// How a pod is lost.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Deleted,
    /// As when its node runs out of memory.
    Killed,
}

impl Loss {
    /// As soon as the object of the pod that is at work is there.
    fn happens(self, lab: &Lab, folder: &Path) {
        let spec = folder.join("loss.yaml");
        let end = match self {
            Self::Deleted => DELETED,
            Self::Killed => "expect:\n  - running.count == 1\n",
        };
        std::fs::write(&spec, format!("{AT_WORK}{end}")).unwrap();
        all_passed(&lab.run("examples/lab/lab.yaml", &[spec], 0));
        if matches!(self, Self::Killed) {
            let first = |entry: &std::fs::DirEntry| {
                let words = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                words == b"/usr/local/bin/specrun\0run-worker\0framed\0"
            };
            let processes = std::fs::read_dir("/proc")
                .unwrap()
                .filter_map(Result::ok)
                .filter(first);
            for process in processes {
                let pid = process.file_name().into_string().unwrap();
                assert!(
                    Command::new("kill")
                        .args(["-KILL", &pid])
                        .status()
                        .unwrap()
                        .success()
                );
            }
        }
    }
}

/// Waits until one pod has done its work, and the other one is at it.
const AT_WORK: &str = r"specrun: 1
id: loss
title: A pod is lost
category: test
tools: [kube]
timeout: 5m
steps:
  - id: objects
    kube.list: {kind: ConfigMap, namespace: parts, labels: specrun.io/spec=long}
    eventually: .count == 1
    within: 4m
  # The other one has done its work then.
  - id: running
    kube.list: {kind: Pod, namespace: default, labels: specrun.io/work=run, fields: status.phase=Running}
    needs: [objects]
    eventually: .count == 1
    within: 2m
";
const DELETED: &str = r#"  - id: lost
    kube.delete: {kind: Pod, name: "${{ running.items[0].name }}", namespace: default, grace: 0s, wait: false}
expect:
  - lost.deleted == 1
"#;
