//! Prometheus, Alertmanager, Envoy: the rollback of a canary, the alarm of a drift, and every action of the families.

use specrun::check::Verdict::{Errored, Failed};

use crate::room::{Fault, Room};

const ROLLBACK: &str = "specs/canary/T16_rollback.yaml";
const DRIFT: &str = "specs/drift/T09_drift_alarm.yaml";

pub const ROOM: Room = Room {
    services: &[
        "alertmanager",
        "envoy",
        "mlflow",
        "predictor_v1",
        "predictor_v2",
        "prometheus",
        "retraining",
        "rollout_controller",
    ],
    judges_times: true,
    // In one run, so that those that look at the proxy wait for each other.
    specs: &[
        "examples/actions/alertmanager.alerts.yaml",
        "examples/actions/alertmanager.await.yaml",
        "examples/actions/alertmanager.send.yaml",
        "examples/actions/istio.canary.yaml",
        "examples/actions/istio.subsets.yaml",
        "examples/actions/istio.weights.yaml",
        "examples/actions/prometheus.alerts.yaml",
        "examples/actions/prometheus.query.yaml",
        "examples/actions/prometheus.range.yaml",
        "examples/actions/prometheus.rules.yaml",
        "examples/actions/prometheus.targets.yaml",
        "examples/actions/prometheus.test_rules.yaml",
        "examples/actions/traffic.await.yaml",
        "examples/actions/traffic.split.yaml",
    ],
    // Those of one row share its proxy, so that none of them may run beside another: the two rows take turns.
    faults: &[
        // The detector never fires: nothing after it happens.
        Fault {
            environment: "examples/lab/faults/T09-blind.yaml",
            spec: DRIFT,
            checks: &[
                ("registered.eventually", Failed),
                ("expect[1]", Failed),
                ("expect[2]", Failed),
                ("expect[4]", Failed),
                ("expect[5]", Failed),
                ("expect[6]", Errored),
                ("expect[7]", Errored),
                ("expect[8]", Errored),
                ("expect[9]", Errored),
            ],
        },
        // The controller does nothing.
        Fault {
            environment: "examples/lab/faults/T16-asleep.yaml",
            spec: ROLLBACK,
            checks: &[
                ("expect[4]", Failed),
                ("expect[5]", Failed),
                ("expect[6]", Failed),
                ("expect[7]", Failed),
                ("expect[8]", Failed),
                ("expect[9]", Failed),
                ("expect[10]", Failed),
            ],
        },
        // The retraining trains nothing.
        Fault {
            environment: "examples/lab/faults/T09-lazy.yaml",
            spec: DRIFT,
            checks: &[
                ("registered.eventually", Failed),
                ("expect[6]", Errored),
                ("expect[7]", Errored),
                ("expect[8]", Errored),
                ("expect[9]", Errored),
            ],
        },
        // There is no alerting rule: no alert, no rollback.
        Fault {
            environment: "examples/lab/faults/T16-rule.yaml",
            spec: ROLLBACK,
            checks: &[
                ("expect[2]", Failed),
                ("expect[3]", Failed),
                ("expect[4]", Failed),
                ("expect[5]", Failed),
                ("expect[6]", Failed),
                ("expect[7]", Failed),
                ("expect[8]", Failed),
                ("expect[9]", Failed),
                ("expect[10]", Failed),
            ],
        },
        // The alert is routed to nobody.
        Fault {
            environment: "examples/lab/faults/T09-route.yaml",
            spec: DRIFT,
            checks: &[
                ("registered.eventually", Failed),
                ("expect[5]", Failed),
                ("expect[6]", Errored),
                ("expect[7]", Errored),
                ("expect[8]", Errored),
                ("expect[9]", Errored),
            ],
        },
        // Everything goes to the broken version.
        Fault {
            environment: "examples/lab/faults/T16-wrong.yaml",
            spec: ROLLBACK,
            checks: &[
                ("expect[4]", Failed),
                ("expect[5]", Failed),
                ("expect[6]", Failed),
                ("expect[7]", Failed),
                ("expect[8]", Failed),
                ("expect[9]", Failed),
                ("expect[10]", Failed),
            ],
        },
    ],
};

#[test]
fn the_rows_of_traffic_and_drift_stand() {
    ROOM.stands();
}
