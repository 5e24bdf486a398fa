//! Prometheus, Alertmanager, Envoy: the rollback of a canary, the alarm of a drift, and every action of the families.

use crate::room::Room;

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
        "specs/canary/T16_rollback.yaml",
        "specs/drift/T09_drift_alarm.yaml",
        "tests/live/cost_by_promql.yaml",
    ],
};

#[test]
fn the_rows_of_traffic_and_drift_stand() {
    ROOM.stands();
}
