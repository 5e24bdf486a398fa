//! Whether the time of a scale-up that specrun measures is the cluster's: row T15 with one more step, which asks the API server
//! when each pod became ready. Not in the row itself, since it compares two clocks, and elsewhere those may differ.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;
use specrun::engine::journal;
use specrun::event::EventKind;

use crate::kube::{CAP, NODE_ROOM, debian, real_node, say};
use crate::shared::Lab;
use crate::support::root;
use crate::support::specrun::Running;

/// Put into the row before this step.
const BEFORE: &str = "  - id: back\n";
const QUESTION: &str = r#"  - id: pods
    kube.list: {kind: Pod, namespace: "${{ run.prefix }}"}
    needs: [replicas]

"#;

/// What may lie between the two, in seconds. The cluster's stamps are whole seconds, cut off: the truth lies within the second
/// that begins with the stamp.
const APART: f64 = 1.0;

#[test]
fn a_scale_up_takes_as_long_as_the_cluster_says() {
    if !debian() || !real_node() {
        return;
    }
    let lab = NODE_ROOM.enter();
    let outputs = outputs(&lab);
    let seen = &outputs["replicas"]["samples"];
    let ready = ready(&outputs["pods"]);
    let began = moment(&outputs["burst"]["started"]);
    let mut apart = Vec::new();
    for sample in seen.as_array().unwrap() {
        let count = usize::try_from(sample["value"].as_u64().unwrap()).unwrap();
        // Those that were ready before say nothing of the scale-up, and several may be told at once.
        let Some(stamp) = ready.get(count.wrapping_sub(1)).filter(|_| count > 1) else {
            continue;
        };
        let at = moment(&sample["at"]);
        apart.push(at - stamp);
        say(&format!(
            "{count} replicas: measured {:.3} s after the burst began, the cluster's stamp {:.3} s",
            at - began,
            stamp - began
        ));
    }
    assert!(!apart.is_empty(), "nothing was scaled: {seen}");
    assert!(
        apart.iter().all(|d| (-APART..=1.0 + APART).contains(d)),
        "seconds from the stamps to what was measured: {apart:?}"
    );
}

/// What the steps of the row gave.
fn outputs(lab: &Lab) -> BTreeMap<String, Json> {
    let folder = tempfile::tempdir_in(lab.folder()).unwrap();
    let scaling = root().join("specs/scaling");
    let row = std::fs::read_to_string(scaling.join("T15_autoscaling.yaml")).unwrap();
    assert_eq!(row.matches(BEFORE).count(), 1);
    let spec = folder.path().join("T15_clock.yaml");
    std::fs::write(&spec, row.replace(BEFORE, &format!("{QUESTION}{BEFORE}"))).unwrap();
    std::fs::copy(scaling.join("iris.py"), folder.path().join("iris.py")).unwrap();
    let runs = folder.path().join("runs");
    let mut command = lab.command();
    command
        .arg("run")
        .arg(spec)
        .arg("--env")
        .arg(root().join("examples/lab/lab.yaml"))
        .arg("--run-dir")
        .arg(&runs);
    Running::start(command).wait_up_to(CAP).code(0);
    let run = std::fs::read_dir(&runs).unwrap().next().unwrap().unwrap().path();
    let events = journal::read(&run).unwrap().events.into_iter();
    events
        .filter_map(|event| match event.kind {
            EventKind::StepFinished {
                output: Some(output), ..
            } => Some((event.step?.to_string(), output)),
            _ => None,
        })
        .collect()
}

/// When the pods became ready, the first one first.
fn ready(pods: &Json) -> Vec<f64> {
    let conditions = |pod: &Json| pod["conditions"].as_array().unwrap().clone();
    let mut all: Vec<f64> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(conditions)
        .filter(|c| c["type"] == "Ready" && c["status"] == "True")
        .map(|c| moment(&c["since"]))
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

/// A moment in seconds.
fn moment(json: &Json) -> f64 {
    let text = json.as_str().unwrap();
    text.parse::<Timestamp>().unwrap().as_duration().as_secs_f64()
}
