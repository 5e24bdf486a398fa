//! The lab with real services: every spec passes while the lab is healthy, and fails at the right checks, and at no
//! other, while one thing in it is broken.
//!
//! A *room* is a group of rows with the services they need and the faults they must notice. Rooms run side by side and
//! share services; a service is started when the first room needs it and stopped when the last one is done. It needs
//! Python and a package index. Without the lab: `cargo test -- --skip lab::`.

mod features;
mod kube;
mod kube_figures;
mod pipelines;
mod registry;
mod room;
mod scripts;
mod serving;
mod shared;
mod supply;
mod tables;
mod traffic;

use crate::support::root;
use room::Room;

/// Every room.
const ROOMS: &[&Room] = &[
    &features::ROOM,
    &kube::ROOM,
    &kube::NODE_ROOM,
    &pipelines::ROOM,
    &registry::ROOM,
    &serving::REPLICAS,
    &serving::ROOM,
    &supply::ROOM,
    &tables::ROOM,
    &traffic::ROOM,
];

#[test]
fn every_fault_of_the_lab_is_held_to_a_spec() {
    let mut files: Vec<String> = std::fs::read_dir(root().join("examples/lab/faults"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| format!("examples/lab/faults/{}", path.file_name().unwrap().display()))
        .collect();
    files.sort();
    let mut held: Vec<&str> = ROOMS
        .iter()
        .flat_map(|r| r.faults)
        .map(|f| f.environment)
        .collect();
    held.sort_unstable();
    assert_eq!(files, held);
}
