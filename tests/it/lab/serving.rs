//! KServe: the model server's rows, with specrun's own load and with scripts of Locust and k6.

use specrun::check::Verdict;

use super::room::{Fault, Room};

pub const ROOM: Room = Room {
    services: &["kserve", "load_tools"],
    specs: &[
        "examples/actions/k6.run.yaml",
        "examples/actions/kserve.explain.yaml",
        "examples/actions/kserve.infer.yaml",
        "examples/actions/kserve.metadata.yaml",
        "examples/actions/kserve.ready.yaml",
        "examples/actions/locust.run.yaml",
    ],
    faults: &[
        // Rows that are no irises are answered; Locust's own check of the script is the same.
        Fault {
            environment: "examples/lab/faults/T08-locust-garbage.yaml",
            spec: "specs/serving/T08_locust.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
        // Every fiftieth valid request fails.
        Fault {
            environment: "examples/lab/faults/T08-locust-failing.yaml",
            spec: "specs/serving/T08_locust.yaml",
            checks: &[("expect[0]", Verdict::Failed)],
        },
    ],
};

#[test]
fn models_answer_in_time_and_refuse_what_they_must() {
    ROOM.stands();
}
