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
        // The generator may have one exchange under way: it is not the service that is measured.
        Fault {
            environment: "examples/lab/faults/T07-generator.yaml",
            spec: "specs/serving/T07_latency.yaml",
            checks: &[
                ("expect[2]", Verdict::Inconclusive),
                ("traffic.generator", Verdict::Inconclusive),
            ],
        },
        // Every tenth request is slow.
        Fault {
            environment: "examples/lab/faults/T07-slow.yaml",
            spec: "specs/serving/T07_latency.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
        // The server stands still for 2 s now and then, which a closed loop would not see.
        Fault {
            environment: "examples/lab/faults/T07-stall.yaml",
            spec: "specs/serving/T07_latency.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
        // Quick and wrong.
        Fault {
            environment: "examples/lab/faults/T07-wrong.yaml",
            spec: "specs/serving/T07_latency.yaml",
            checks: &[("expect[0]", Verdict::Failed)],
        },
        // Every fiftieth valid request fails.
        Fault {
            environment: "examples/lab/faults/T08-failing.yaml",
            spec: "specs/serving/T08_errors_and_rejection.yaml",
            checks: &[("expect[1]", Verdict::Failed), ("expect[5]", Verdict::Failed)],
        },
        // Rows that are no irises are answered.
        Fault {
            environment: "examples/lab/faults/T08-garbage.yaml",
            spec: "specs/serving/T08_errors_and_rejection.yaml",
            checks: &[("expect[3]", Verdict::Failed), ("expect[7]", Verdict::Failed)],
        },
        // The burst becomes a queue of ten seconds.
        Fault {
            environment: "examples/lab/faults/performance-burst.yaml",
            spec: "specs/serving/performance_burst.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
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

/// Replicas behind a proxy, whose capacity is their own on every machine.
pub const REPLICAS: Room = Room {
    services: &["balancer"],
    specs: &[],
    // Of two that run side by side at most one asks the shared first replica.
    faults: &[
        // A slower replica, whose users still do not wait too long.
        Fault {
            environment: "examples/lab/faults/performance-baseline.yaml",
            spec: "specs/serving/performance_baseline.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
        // The second replica is not in the balance.
        Fault {
            environment: "examples/lab/faults/performance-scaling.yaml",
            spec: "specs/serving/performance_scaling.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
        // As much as it should give, and one user in ten waits too long.
        Fault {
            environment: "examples/lab/faults/performance-baseline-tail.yaml",
            spec: "specs/serving/performance_baseline.yaml",
            checks: &[("expect[4]", Verdict::Failed)],
        },
        // The second replica is slow.
        Fault {
            environment: "examples/lab/faults/performance-scaling-slow.yaml",
            spec: "specs/serving/performance_scaling.yaml",
            checks: &[("expect[2]", Verdict::Failed)],
        },
    ],
};

#[test]
fn replicas_give_what_they_did_and_more_of_them_more() {
    REPLICAS.stands();
}

#[test]
fn models_answer_in_time_and_refuse_what_they_must() {
    ROOM.stands();
}
