//! The least that each action can be asked for.

use serde_json::{Value as Json, json};
use specrun::actions::REGISTRY;

/// Every action with parameters that its schema takes. Those that speak HTTP use an endpoint of their family; those that
/// read a file read `file`, those that read a table the table of that name.
pub fn all(file: &str) -> Vec<(&'static str, Json)> {
    let version = json!({"model": "m", "version": "1"});
    let whose = json!({"features": ["v:f"], "entities": {"a": [1]}});
    let stored = json!({"bucket": "b", "key": "k"});
    let rows = json!({"path": format!("{file}.csv")});
    let inject = json!({"column": "a", "kind": "missing"});
    let request = json!({"path": "/predict", "version": {"header": "x-model-version"}});
    let object = json!({"kind": "None"});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}});
    let table = vec![
        ("alertmanager.alerts", json!({})),
        ("alertmanager.await", json!({"alert": "a", "within": "300ms"})),
        ("alertmanager.send", json!({"alert": "a"})),
        (
            "cost.allocation",
            json!({"window": "1d", "aggregate": "controller", "currency": "USD"}),
        ),
        (
            "cost.estimate",
            json!({"rates": {"m": {"spot": "1USD"}}, "usage": [{"machine": "m", "capacity": "spot", "ran": "1h"}]}),
        ),
        ("cost.report", json!({"table": rows})),
        (
            "data.check",
            json!({"table": rows, "checks": [{"row_count": {"min": 1}}]}),
        ),
        (
            "data.contract",
            json!({"table": rows, "columns": {"a": {"type": "text"}}}),
        ),
        (
            "data.inject",
            json!({"table": rows, "column": "a", "kind": "missing", "magnitude": 0.5}),
        ),
        ("data.profile", json!({"table": rows})),
        ("drift.detect", json!({"reference": rows, "current": rows})),
        ("drift.false_positive_rate", json!({"reference": rows})),
        (
            "drift.power",
            json!({"reference": rows, "inject": inject, "magnitudes": [0.5]}),
        ),
        ("exec.run", json!({"argv": ["printf", "x"]})),
        ("feast.compare", whose.clone()),
        ("feast.materialize", json!({"last": "1d"})),
        ("feast.offline", whose.clone()),
        ("feast.online", whose),
        ("feast.push", json!({"source": "s", "rows": [{"a": 1}]})),
        ("file.hash", json!({"path": file})),
        ("file.read", json!({"path": file})),
        ("http.request", json!({"url": "/x", "max_body": "1MiB"})),
        ("istio.canary", json!({"object": object})),
        ("istio.subsets", json!({"object": object})),
        ("istio.weights", json!({"object": object})),
        ("k6.run", json!({"script": file})),
        ("kfp.artifacts", json!({"run_id": "r"})),
        ("kfp.cancel", json!({"run_id": "r"})),
        ("kube.apply", json!({"manifest": pod, "namespace": "ml"})),
        (
            "kube.can_i",
            json!({"verb": "get", "resource": "pods", "namespace": "ml"}),
        ),
        ("kube.create", json!({"manifest": pod, "namespace": "ml"})),
        (
            "kube.delete",
            json!({"kind": "Pod", "name": "p", "namespace": "ml"}),
        ),
        ("kube.endpoint", json!({"name": "s", "namespace": "ml"})),
        ("kube.events", json!({"namespace": "ml"})),
        (
            "kube.exec",
            json!({"pod": "p", "argv": ["true"], "namespace": "ml"}),
        ),
        (
            "kube.forward",
            json!({"pod": "p", "port": 8080, "namespace": "ml"}),
        ),
        ("kube.get", json!({"kind": "Pod", "name": "p", "namespace": "ml"})),
        ("kube.job", json!({"manifest": job, "namespace": "ml"})),
        ("kube.list", json!({"kind": "Pod", "namespace": "ml"})),
        ("kube.logs", json!({"pod": "p", "namespace": "ml"})),
        (
            "kube.patch",
            json!({"kind": "Pod", "name": "p", "patch": {}, "namespace": "ml"}),
        ),
        (
            "kube.scale",
            json!({"kind": "Deployment", "name": "d", "replicas": 1, "namespace": "ml"}),
        ),
        ("kube.token", json!({"service_account": "a", "namespace": "ml"})),
        (
            "kube.wait",
            json!({"kind": "Pod", "name": "p", "exists": true, "namespace": "ml"}),
        ),
        (
            "kube.watch",
            json!({"kind": "Pod", "name": "p", "field": "status.phase", "for": "1s", "namespace": "ml"}),
        ),
        ("kfp.compile", json!({"file": file})),
        ("kfp.component", json!({"file": file, "component": "c"})),
        ("kfp.pipeline", json!({"file": file})),
        ("kfp.runs", json!({})),
        ("kfp.submit", json!({"pipeline_id": "p", "version_id": "v"})),
        ("kfp.wait", json!({"run_id": "r"})),
        ("kserve.explain", json!({"model": "m", "rows": [[1]]})),
        ("kserve.infer", json!({"model": "m", "rows": [[1]]})),
        ("kserve.metadata", json!({"model": "m"})),
        ("kserve.ready", json!({"model": "m"})),
        (
            "load.run",
            json!({"request": {"http.request": {"url": "/x"}}, "arrival": {"users": 1}, "requests": 1}),
        ),
        ("locust.run", json!({"script": file, "duration": "1s"})),
        ("mlflow.artifacts", json!({"run_id": "r"})),
        ("mlflow.delete_model", json!({"model": "m"})),
        ("mlflow.delete_run", json!({"run_id": "r"})),
        ("mlflow.delete_version", version.clone()),
        ("mlflow.get_experiment", json!({"name": "e"})),
        ("mlflow.get_model", json!({"model": "m"})),
        ("mlflow.get_run", json!({"run_id": "r"})),
        ("mlflow.get_version", version.clone()),
        ("mlflow.lineage", version),
        ("mlflow.log_run", json!({"experiment": "e"})),
        (
            "mlflow.metric_history",
            json!({"run_id": "r", "metric": "accuracy"}),
        ),
        (
            "mlflow.promote",
            json!({"model": "m", "version": "1", "alias": "champion"}),
        ),
        ("mlflow.register", json!({"model": "m", "run_id": "r"})),
        ("mlflow.search_runs", json!({"experiments": ["e"]})),
        ("mlflow.search_versions", json!({"model": "m"})),
        ("mlflow.set_tags", json!({"run_id": "r", "tags": {"a": "b"}})),
        ("s3.delete", stored.clone()),
        ("s3.get", stored.clone()),
        ("s3.head", stored),
        ("s3.list", json!({"bucket": "b"})),
        ("s3.put", json!({"bucket": "b", "key": "k", "text": "x"})),
        ("prometheus.alerts", json!({})),
        ("prometheus.query", json!({"query": "up"})),
        (
            "prometheus.range",
            json!({"query": "up", "last": "1m", "step": "1s"}),
        ),
        ("prometheus.rules", json!({})),
        ("prometheus.targets", json!({})),
        ("prometheus.test_rules", json!({"file": file})),
        (
            "traffic.await",
            json!({"request": request, "to": "v1", "window": 1}),
        ),
        ("traffic.split", json!({"request": request, "requests": 1})),
        ("model.hash", json!({"path": file})),
        ("pytest.run", json!({"argv": ["printf", "x"]})),
        (
            "training.twice",
            json!({"argv": ["printf", "x"], "model": {"file": "m.npz"}}),
        ),
    ];
    let mut named: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    let mut known: Vec<&str> = REGISTRY.names().collect();
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known, "each action has its line in this table");
    table
}

/// Those that speak HTTP, whatever the family.
pub fn over_http() -> Vec<(&'static str, Json)> {
    let mut all = all("unused");
    all.retain(|(name, _)| {
        // A load counts what comes back, an object may hold anything, and offline values come from files; their own
        // tests meet them with faults.
        let apart = ["feast.compare", "feast.offline", "load.", "s3."];
        let is_apart = apart.iter().any(|family| name.starts_with(family));
        !is_apart && !starts_programs(name) && !reads_files(name) && !reaches_nothing(name)
    });
    all
}

/// Whether an action starts a program.
fn starts_programs(action: &str) -> bool {
    let single = [
        "kfp.compile",
        "kfp.component",
        "kfp.pipeline",
        "prometheus.test_rules",
    ];
    let families = ["exec.", "k6.", "locust.", "pytest.", "training."];
    single.contains(&action) || families.iter().any(|family| action.starts_with(family))
}

/// Whether an action only reads what it is given.
pub fn reaches_nothing(action: &str) -> bool {
    action.starts_with("istio.") || action == "cost.estimate"
}

/// The families that speak HTTP, each with an endpoint of its own.
pub fn families() -> std::collections::BTreeSet<&'static str> {
    let family = |(action, _): (&'static str, Json)| action.split('.').next().unwrap();
    over_http().into_iter().map(family).chain(["s3"]).collect()
}

/// Whether an action reaches files and nothing else.
pub fn reads_files(action: &str) -> bool {
    ["cost.report", "data.", "drift.", "file.", "model."]
        .iter()
        .any(|family| action.starts_with(family))
}
