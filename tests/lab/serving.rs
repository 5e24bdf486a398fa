//! KServe: the model server's rows, with specrun's own load and with scripts of Locust and k6.

use crate::room::Room;

pub const ROOM: Room = Room {
    services: &["kserve", "load_tools"],
    judges_times: true,
    specs: &[
        "examples/actions/k6.run.yaml",
        "examples/actions/kserve.explain.yaml",
        "examples/actions/kserve.infer.yaml",
        "examples/actions/kserve.metadata.yaml",
        "examples/actions/kserve.ready.yaml",
        "examples/actions/locust.run.yaml",
        "specs/serving/T07_latency.yaml",
        "specs/serving/T08_errors_and_rejection.yaml",
        "specs/serving/T08_locust.yaml",
    ],
};

/// The performance notes. Two of its faults run side by side, in their order: of those that do at most one asks the shared
/// first replica, or they would measure each other.
pub const PERFORMANCE: Room = Room {
    services: &["balancer", "kserve"],
    judges_times: true,
    specs: &[
        "specs/serving/performance_baseline.yaml",
        "specs/serving/performance_burst.yaml",
        "specs/serving/performance_scaling.yaml",
    ],
};

#[test]
fn models_answer_in_time_and_refuse_what_they_must() {
    ROOM.stands();
}

#[test]
fn replicas_give_what_they_did_and_more_of_them_more() {
    PERFORMANCE.stands();
}
