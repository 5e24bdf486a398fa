//! The detector of production on undrifted data: it needs no service, and is held to its faults like all others.

use crate::room::Room;

pub const ROOM: Room = Room {
    services: &[],
    judges_times: false,
    specs: &["specs/drift/T10_no_false_alarms.yaml"],
};

#[test]
fn the_row_of_false_alarms_stands() {
    ROOM.stands();
}
