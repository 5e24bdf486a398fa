//! The model server's rows against an InferenceService of the cluster: the same specs in another environment.

use specrun::check::Verdict::Failed;

use crate::kube::{debian, real_node};
use crate::room::{Fault, Room};

/// The lab with its model in the cluster.
const ENVIRONMENT: &str = "examples/lab/inference_service.yaml";
const LATENCY: &str = "specs/serving/T07_latency.yaml";
const ERRORS: &str = "specs/serving/T08_errors_and_rejection.yaml";

const ROOM: Room = Room {
    services: &["kubernetes"],
    judges_times: true,
    specs: &[LATENCY, ERRORS],
};

/// Those of the model server, seen through the cluster.
pub const FAULTS: &[Fault] = &[
    Fault {
        environment: "inference_service/T07-slow",
        spec: LATENCY,
        checks: &[("expect[2]", Failed)],
    },
    Fault {
        environment: "inference_service/T08-garbage",
        spec: ERRORS,
        checks: &[("expect[3]", Failed), ("expect[7]", Failed)],
    },
    Fault {
        environment: "inference_service/T07-wrong",
        spec: LATENCY,
        checks: &[("expect[0]", Failed)],
    },
];

#[test]
fn an_inference_service_answers_in_time_and_refuses_what_it_must() {
    if debian() && real_node() {
        ROOM.stands_in(ENVIRONMENT, FAULTS.iter());
    }
}
