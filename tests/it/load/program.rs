//! Loads as the program runs them: verdicts, workers, secrets.

use serde_json::{Value as Json, json};

use super::server::Server;
use crate::support::specrun::{Project, Ran, spec};

/// Runs one load with these checks against a server.
async fn run(server: &Server, params: Json, checks: &[&str]) -> (Ran, Json) {
    let project = Project::new();
    project.file(
        "env.yaml",
        &format!(
            "environment: e\nendpoints:\n  http: {{url: \"{}\"}}\n",
            server.url()
        ),
    );
    let checks: Vec<String> = checks.iter().map(|c| format!("  - {c}\n")).collect();
    let body = format!(
        "tools: [load, http]\nsteps:\n  - id: traffic\n    load.run: {params}\nexpect:\n{}",
        checks.concat()
    );
    project.file("specs/a.yaml", &spec("A", &body));
    tokio::task::spawn_blocking(move || {
        let ran = project.run(&[
            "run",
            "specs",
            "--env",
            "env.yaml",
            "--report",
            "json=report.json",
        ]);
        let report = serde_json::from_str(&project.read("report.json")).unwrap_or(Json::Null);
        (ran, report)
    })
    .await
    .unwrap()
}

fn load(path: &str, more: &Json) -> Json {
    super::of(path, more)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_tests_with_a_confidence() {
    let server = Server::start().await;
    let users = |requests: u64| json!({"arrival": {"users": 4}, "requests": requests});
    let (ran, _) = run(
        &server,
        load("/x", &users(400)),
        &["traffic.latency.p95 < 30s", "traffic.errors.rate < 1%"],
    )
    .await;
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    // 2 % of errors are not less than 1 %; 200 requests cannot tell, 2,000 can.
    let (ran, _) = run(
        &server,
        load("/fails", &users(200)),
        &["traffic.errors.rate < 1%"],
    )
    .await;
    assert_eq!(ran.code, 6, "{}", ran.stdout);
    let (ran, _) = run(
        &server,
        load("/fails", &users(2000)),
        &["traffic.errors.rate < 1%"],
    )
    .await;
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    // One observation is called one.
    let (ran, _) = run(&server, load("/x", &users(1)), &["traffic.latency.p50 < 30s"]).await;
    assert_eq!(ran.code, 6, "{}", ran.stdout);
    assert!(ran.stdout.contains("a single observation"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_generator_as_bottleneck_never_passes_and_never_fails_the_service() {
    let server = Server::start().await;
    let params = json!({"arrival": {"rate": "400/s"}, "requests": 80, "max_connections": 1});
    let (ran, report) = run(&server, load("/steady", &params), &["traffic.latency.p50 < 1ms"]).await;
    assert_eq!(ran.code, 6, "{}", ran.stdout);
    let checks = report["specs"][0]["checks"].to_string();
    assert!(checks.contains("bottleneck"), "{checks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_that_no_machine_keeps_up_with_is_inconclusive() {
    let server = Server::start().await;
    let params = json!({
        "request": {"http.request": {"url": "/x"}},
        "arrival": {"rate": "900000/s"}, "requests": 90_000, "max_connections": 20,
    });
    // Neither does it pass where that would be easy, nor does the service fail where it would have to.
    for check in ["traffic.latency.p50 < 30s", "traffic.latency.p50 < 1us"] {
        let (ran, report) = run(&server, params.clone(), &[check]).await;
        assert_eq!(ran.code, 6, "{check}: {}", ran.stdout);
        let checks = report["specs"][0]["checks"].to_string();
        assert!(checks.contains("bottleneck"), "{checks}");
    }
}

/// A kind whose turn never comes has no percentile and no rate: that is no pass and no fault of the service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_percentile_of_nothing_is_inconclusive() {
    let server = Server::start().await;
    let kind = |tag: &str, weight: u32| json!({"tag": tag, "weight": weight, "request": {"http.request": {"url": "/x"}}});
    let params = json!({
        "mix": [kind("often", 1000), kind("seldom", 1)],
        "arrival": {"users": 1}, "requests": 3, "generator": super::loose(),
    });
    for check in [
        "traffic.tags.seldom.latency.p95 < 30s",
        "traffic.tags.seldom.errors.rate < 50%",
        "traffic.tags.seldom.rejected == 100%",
    ] {
        let (ran, _) = run(&server, params.clone(), &["traffic.tags.seldom.sent == 0", check]).await;
        assert_eq!(ran.code, 6, "{check}: {}", ran.stdout);
        assert!(ran.stdout.contains("the sample is empty"), "{}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_the_work_and_one_judge_decides() {
    let server = Server::start().await;
    let params = json!({"arrival": {"rate": "200/s"}, "requests": 101, "workers": 2});
    let (ran, report) = run(
        &server,
        load("/fails", &params),
        &["traffic.sent == 101", "traffic.errors.count == 2"],
    )
    .await;
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    assert_eq!(server.requests(), 101);
    let output = &report["specs"][0]["steps"][0]["output"];
    assert_eq!(output["generator"]["threads"], 2, "{output}");
    let params = json!({"arrival": {"users": 4}, "requests": 50, "workers": 2, "threads": 2});
    let (ran, _) = run(
        &server,
        load("/x", &params),
        &["traffic.sent == 50", "traffic.generator.threads == 4"],
    )
    .await;
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
}

#[test]
fn a_worker_says_what_is_wrong_and_ends_with_its_coordinator() {
    use std::io::Write as _;
    let worker = |input: &str| {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_specrun"))
            .arg("load-worker")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, said) = worker("");
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let (code, said) = worker("nonsense\n");
    assert!(
        code == Some(0) && said.contains("the job cannot be read"),
        "{said}"
    );
}

#[test]
fn what_can_never_pass_is_warned_of_before_the_run() {
    let warned = |params: &Json, check: &str| {
        let project = Project::new();
        let body = format!(
            "tools: [load, http]\nsteps:\n  - id: traffic\n    load.run: {params}\nexpect:\n  - {check}\n"
        );
        project.file("specs/a.yaml", &spec("A", &body));
        let ran = project.run(&["check", "specs"]).code(0);
        format!("{}{}", ran.stdout, ran.stderr)
    };
    let hundred = load("/x", &json!({"arrival": {"rate": "20/s"}, "requests": 100}));
    let said = warned(&hundred, "traffic.errors.rate < 1%");
    assert!(said.contains("at least 299 are needed"), "{said}");
    assert!(!warned(&hundred, "traffic.latency.p95 < 1s").contains("are needed"));
    // Of a tag its part counts: a quarter of 400.
    let kind = |tag: &str, weight: u32| json!({"tag": tag, "weight": weight, "request": {"http.request": {"url": "/x"}}});
    let mixed = json!({"mix": [kind("a", 3), kind("b", 1)], "arrival": {"rate": "20/s"}, "requests": 400});
    assert!(warned(&mixed, "traffic.tags.b.errors.rate < 1%").contains("a sample of 100 cannot prove"));
    assert!(!warned(&mixed, "traffic.tags.a.errors.rate < 1%").contains("cannot prove"));
    // What may be extended may suffice in the end.
    let more = json!({"extend_to": 1000, "errors": "1%"});
    let extended = load(
        "/x",
        &json!({"arrival": {"rate": "20/s"}, "requests": 100, "on_inconclusive": more}),
    );
    assert!(!warned(&extended, "traffic.errors.rate < 1%").contains("cannot prove"));
}
