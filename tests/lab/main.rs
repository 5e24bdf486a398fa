//! The lab with real services: every spec passes while the lab is healthy, and fails at the right checks, and at no
//! other, while one thing in it is broken.
//!
//! A *room* is a group of rows with the services they need and the faults they must notice. Rooms run side by side and
//! share services; a service is started when the first room needs it and stopped when the last one is done. A room that
//! judges times is alone, and so no other test of the project runs beside it: this is a program of its own. It needs
//! Python and a package index. Without the lab: `cargo test --lib --test it`.

#![allow(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

mod admission;
mod drift;
mod faults;
mod features;
mod kube;
mod kube_clock;
mod kube_figures;
mod kube_parts;
mod kube_serving;
mod kube_workers;
mod pipelines;
mod registry;
mod room;
mod scripts;
mod serving;
mod shared;
mod stages;
mod supply;
#[allow(
    dead_code,
    unused_imports,
    reason = "most of it serves the other integration tests"
)]
#[path = "../it/support/mod.rs"]
mod support;
mod tables;
mod traffic;

use std::collections::BTreeSet;

use crate::support::root;
use crate::support::specrun::{Project, Running};
use faults::FAULTS;
use room::Room;

/// Every room.
const ROOMS: &[&Room] = &[
    &admission::ROOM,
    &drift::ROOM,
    &features::ROOM,
    &kube::ROOM,
    &kube::COST_ROOM,
    &kube::NODE_ROOM,
    &pipelines::ROOM,
    &registry::ROOM,
    &serving::PERFORMANCE,
    &serving::ROOM,
    &stages::ROOM,
    &supply::ROOM,
    &tables::ROOM,
    &traffic::ROOM,
];

/// The rows of the test matrix.
const ROWS: usize = 20;

#[test]
fn every_fault_of_the_lab_is_held_to_a_spec_of_a_room() {
    let mut files: Vec<String> = walkdir::WalkDir::new(root().join("examples/lab/faults"))
        .into_iter()
        .map(|e| e.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| path.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    files.sort();
    let held = FAULTS.iter().chain(kube_serving::FAULTS);
    let mut held: Vec<String> = held.map(room::Fault::file).collect();
    held.sort_unstable();
    assert_eq!(files, held);
    for fault in FAULTS {
        let rooms = ROOMS.iter().filter(|r| r.specs.contains(&fault.spec)).count();
        assert_eq!(rooms, 1, "rooms that run {}", fault.spec);
    }
}

#[test]
fn all_rows_of_the_matrix_have_a_spec_a_room_and_a_fault() {
    let project = Project::new();
    let mut command = project.command(&["matrix", "--complete"]);
    command.current_dir(root());
    let table = Running::start(command).wait().code(0).stdout;
    let named = |id: &str| {
        table
            .lines()
            .filter(|l| l.starts_with(&format!("| [{id}](")))
            .count()
    };
    let specs: BTreeSet<&str> = ROOMS.iter().flat_map(|r| r.specs).copied().collect();
    for row in 1..=ROWS {
        let id = format!("T{row:02}");
        assert_eq!(named(&id), 1, "{id} in:\n{table}");
        let of_row = |spec: &str| {
            let name = spec.rsplit('/').next().unwrap_or_default();
            name.starts_with(&format!("{id}_")) && spec.starts_with("specs/")
        };
        assert!(specs.iter().any(|s| of_row(s)), "no room runs {id}");
        assert!(
            FAULTS.iter().any(|f| of_row(f.spec)),
            "no fault is seeded for {id}"
        );
    }
}
