//! A run that has something of everything.

use serde_json::json;
use specrun::check::{CheckOutcome, Class, Evidence, Failure, Verdict};
use specrun::event::{CleanupInfo, Event, EventKind, Role, Severity};

use super::{Story, outcome, spec};

/// A run with every verdict and most of what a report can show.
pub fn every_verdict() -> Vec<Event> {
    let mut warning = spec(
        "T14",
        "Image size",
        "security",
        &["size"],
        &[("expect[0]", "size.bytes < 512MiB")],
    );
    warning.severity = Severity::Warning;
    let mut latency = spec(
        "T07",
        "Inference latency SLA",
        "serving",
        &["ready", "traffic"],
        &[
            ("ready.eventually", ".phase == \"Ready\""),
            ("expect[0]", "traffic.sent == 100"),
            ("expect[1]", "traffic.latency.p95 < inputs.limit"),
            ("expect[2]", "traffic.errors.rate == 0%"),
        ],
    );
    latency.checks[2].because = Some("serving contract, matrix row T07".into());
    let mut s = Story::new(vec![
        spec(
            "T06",
            "Metric gate",
            "registry",
            &["train", "register", "extra"],
            &[("expect[0]", "train.accuracy > 90%"), ("extra.expect[0]", ".ok")],
        ),
        latency,
        spec(
            "T08",
            "Error budget",
            "serving",
            &["load"],
            &[("expect[0]", "load.errors.rate < 1%")],
        ),
        spec(
            "T09",
            "Batch scoring",
            "serving",
            &["job"],
            &[("expect[0]", "job.rows == 1000")],
        ),
        spec(
            "T10[model=iris]",
            "Scale to zero",
            "kubernetes",
            &["cluster", "scale"],
            &[("expect[0]", "scale.replicas == 0")],
        ),
        spec(
            "T11",
            "No critical vulnerability",
            "security",
            &["scan"],
            &[("expect[0]", "scan.findings.all(.severity != \"critical\")")],
        ),
        spec(
            "T12",
            "Feature freshness",
            "features",
            &["get"],
            &[("expect[0]", "get.age < 5m")],
        ),
        spec(
            "T13",
            "Rollback",
            "serving",
            &["roll"],
            &[("expect[0]", "roll.version == 1")],
        ),
        warning,
        spec(
            "T18",
            "Promotion",
            "registry",
            &["promote"],
            &[("expect[0]", "promote.version == {\"stage\": \"Production\"}")],
        ),
    ]);
    let service = |state: &str| EventKind::Service {
        name: "mlflow".into(),
        state: state.into(),
        message: None,
    };
    s.add(None, None, service("starting"))
        .wait(1.5)
        .add(None, None, service("ready"));

    s.begin("T06").start(
        "T06",
        "train",
        Role::Step,
        "exec.run",
        json!({"argv": ["python3", "train.py"], "env": {"TOKEN": "***"}}),
    );
    s.add(
        Some("T06"),
        Some("register"),
        EventKind::CleanupRegistered {
            cleanup: CleanupInfo {
                id: "c1".into(),
                action: "mlflow.delete".into(),
                params: None,
            },
        },
    );
    s.wait(0.2).add(
        Some("T06"),
        Some("train"),
        EventKind::StepProgress {
            message: "epoch 1/2".into(),
        },
    );
    s.pass(
        "T06",
        "train",
        Role::Step,
        json!({"accuracy": "97.3%", "exit_code": 0}),
        2.1,
    );
    s.start(
        "T06",
        "register",
        Role::Step,
        "mlflow.register",
        json!({"name": "iris"}),
    );
    s.pass("T06", "register", Role::Step, json!({"version": 3}), 0.3);
    s.skip("T06", "extra");
    s.checked(
        "T06",
        None,
        "expect[0]",
        outcome(Verdict::Passed, "actual 97.3%", json!("97.3%"), json!("90%")),
    );
    s.add(
        Some("T06"),
        None,
        EventKind::CleanupFinished {
            id: "c1".into(),
            done: true,
            failure: None,
        },
    );
    s.end("T06", Verdict::Passed, None, 2.6, 1);

    s.begin("T07").start(
        "T07",
        "ready",
        Role::Precondition,
        "kserve.ready",
        json!({"model": "iris"}),
    );
    for (n, phase) in ["Pending", "Pending", "Pulling", "Ready"].iter().enumerate() {
        s.wait(0.5).add(
            Some("T07"),
            Some("ready"),
            EventKind::Polled {
                attempt: u32::try_from(n).unwrap() + 1,
                held: *phase == "Ready",
                message: format!(".phase is \"{phase}\""),
            },
        );
    }
    s.checked(
        "T07",
        Some("ready"),
        "ready.eventually",
        CheckOutcome::new(Verdict::Passed, "held after 4 polls"),
    );
    s.pass("T07", "ready", Role::Precondition, json!({"phase": "Ready"}), 0.1);
    s.start(
        "T07",
        "traffic",
        Role::Step,
        "load.run",
        json!({"request": {"kserve.infer": {"model": "iris"}}, "arrival": {"rate": "20/s"}, "requests": 100}),
    );
    let latency = json!({"quantity": "duration", "missing": 2,
        "buckets": [[0.08, 10], [0.1, 32], [0.12, 25], [0.15, 14], [0.18, 9], [0.24, 6], [0.4, 2]]});
    s.pass(
        "T07",
        "traffic",
        Role::Step,
        json!({"sent": 100, "latency": latency, "errors": {"k": 2, "n": 100}}),
        5.0,
    );
    s.checked(
        "T07",
        None,
        "expect[0]",
        outcome(Verdict::Passed, "actual 100", json!(100), json!(100)),
    );
    let mut slow = outcome(
        Verdict::Failed,
        "p95 is 240ms; 10 of 100 were not below the limit",
        json!("240ms"),
        json!("200ms"),
    );
    slow.statistics = map(json!({"n": 100, "k": 10, "bound": 0.055, "confidence": 0.95}));
    slow.evidence = vec![
        Evidence {
            expression: "traffic.latency.p95".into(),
            value: json!("240ms"),
        },
        Evidence {
            expression: "inputs.limit".into(),
            value: json!("200ms"),
        },
    ];
    s.checked("T07", None, "expect[1]", slow);
    s.checked(
        "T07",
        None,
        "expect[2]",
        outcome(Verdict::Failed, "actual 2%", json!("2%"), json!("0%")),
    );
    s.end("T07", Verdict::Failed, None, 7.2, 1);

    s.begin("T08")
        .start("T08", "load", Role::Step, "load.run", json!({}));
    s.pass(
        "T08",
        "load",
        Role::Step,
        json!({"errors": {"k": 0, "n": 100}}),
        1.0,
    );
    let mut few = outcome(
        Verdict::Inconclusive,
        "0 of 100: at 95% confidence the rate is below 2.95%; 299 without error would prove 1%",
        json!("0%"),
        json!("1%"),
    );
    few.statistics = map(json!({"n": 100, "k": 0, "bound": 0.0295, "confidence": 0.95}));
    s.checked("T08", None, "expect[0]", few);
    s.end("T08", Verdict::Inconclusive, None, 1.1, 1);

    let mut down = Failure::new(
        Class::Unreachable,
        "POST http://127.0.0.1:8080/v2/models/iris/infer: connection refused",
    )
    .detail("> POST /v2/models/iris/infer\n> authorization: ***")
    .help("is the service up? `specrun env status` says");
    down.retry_after = None;
    s.begin("T09")
        .start("T09", "job", Role::Step, "kserve.infer", json!({"model": "iris"}));
    s.wait(0.3).add(
        Some("T09"),
        Some("job"),
        EventKind::AttemptFailed {
            attempt: 1,
            failure: down.clone(),
            next_in: 1.0,
        },
    );
    s.fail("T09", "job", Role::Step, down, 1.3);
    s.checked(
        "T09",
        None,
        "expect[0]",
        CheckOutcome::new(
            Verdict::Errored,
            "not evaluated: step `job` has no output (errored)",
        ),
    );
    s.end(
        "T09",
        Verdict::Errored,
        Some("step `job`: connection refused"),
        1.7,
        1,
    );

    s.begin("T10[model=iris]").start(
        "T10[model=iris]",
        "cluster",
        Role::Precondition,
        "kube.get",
        json!({}),
    );
    s.fail(
        "T10[model=iris]",
        "cluster",
        Role::Precondition,
        Failure::new(Class::Missing, "no endpoint `kube` in environment lab"),
        0.01,
    );
    s.end(
        "T10[model=iris]",
        Verdict::Blocked,
        Some("precondition `cluster` is not met"),
        0.02,
        1,
    );

    s.begin("T11").start(
        "T11",
        "scan",
        Role::Step,
        "scan.image",
        json!({"image": "registry/iris:1"}),
    );
    let findings = json!([
        {"id": "CVE-2026-0001", "severity": "critical", "message": "openssl: remote code execution", "file": "usr/lib/libssl.so", "url": "https://example.org/CVE-2026-0001"},
        {"id": "CVE-2026-0002", "severity": "low", "message": "bash: cosmetic"}
    ]);
    s.pass("T11", "scan", Role::Step, json!({"findings": findings}), 0.8);
    s.checked(
        "T11",
        None,
        "expect[0]",
        CheckOutcome::new(Verdict::Failed, "false for element 0"),
    );
    s.end("T11", Verdict::Failed, None, 0.9, 1);

    for attempt in 1..=2 {
        s.begin("T12")
            .start("T12", "get", Role::Step, "feast.online", json!({}));
        s.pass("T12", "get", Role::Step, json!({"age": "10m"}), 0.2);
        let verdict = if attempt == 1 {
            Verdict::Failed
        } else {
            Verdict::Passed
        };
        s.checked(
            "T12",
            None,
            "expect[0]",
            outcome(verdict, "compared", json!("10m"), json!("5m")),
        );
        s.end("T12", verdict, None, 0.25, attempt);
    }

    s.begin("T14")
        .start("T14", "size", Role::Step, "scan.size", json!({}));
    s.pass("T14", "size", Role::Step, json!({"bytes": "1GiB"}), 0.1);
    s.checked(
        "T14",
        None,
        "expect[0]",
        outcome(Verdict::Failed, "actual 1GiB", json!("1GiB"), json!("512MiB")),
    );
    s.end("T14", Verdict::Failed, None, 0.1, 1);

    s.begin("T18");
    s.add(
        Some("T18"),
        Some("promote"),
        EventKind::CleanupRegistered {
            cleanup: CleanupInfo {
                id: "c2".into(),
                action: "mlflow.set_alias".into(),
                params: None,
            },
        },
    );
    s.start(
        "T18",
        "promote",
        Role::Step,
        "mlflow.promote",
        json!({"name": "iris", "stage": "Production"}),
    );
    s.pass(
        "T18",
        "promote",
        Role::Step,
        json!({"version": {"stage": "Staging", "tags": ["a", "b"]}}),
        0.4,
    );
    let mut differs = outcome(
        Verdict::Failed,
        "actual {stage: Staging, ...}, expected {stage: Production, ...}",
        json!({"stage": "Staging", "tags": ["a", "b"]}),
        json!({"stage": "Production", "tags": ["a", "b"]}),
    );
    differs.details = [
        "@@ -1,4 +1,4 @@",
        " {",
        "-  \"stage\": \"Production\",",
        "+  \"stage\": \"Staging\",",
    ]
    .map(str::to_owned)
    .to_vec();
    s.checked("T18", None, "expect[0]", differs);
    s.add(
        Some("T18"),
        None,
        EventKind::CleanupFinished {
            id: "c2".into(),
            done: false,
            failure: Some(Failure::new(Class::Timeout, "no answer in 10s")),
        },
    );
    s.end("T18", Verdict::Failed, None, 0.6, 1);
    s.add(
        None,
        None,
        EventKind::Signalled {
            signal: "SIGTERM".into(),
        },
    );
    s.finish(143);
    s.events
}

/// A JSON object's keys and values.
fn map(object: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    match object {
        serde_json::Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}
