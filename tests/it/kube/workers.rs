//! `load.run` with workers in pods: what two of them come to is one result, and a pod that is lost is no result.

use serde_json::{Value as Json, json};

use super::node::{Node, Trouble};
use crate::load::Server;
use crate::support::specrun::{Project, Ran, Running, signal, spec};

/// A project with one load of two pods against a server.
fn project(node: &Node, server: &Server, more: &Json, checks: &[&str]) -> Project {
    let project = Project::new();
    // To pods 127.0.0.1 is themselves, and specrun knows that; these pods are processes here.
    let url = server.url().replace("127.0.0.1", "0.0.0.0");
    project.file(
        "env.yaml",
        &format!(
            "environment: e\nendpoints:\n  http: {{url: \"{url}\"}}\n  kube: {{url: \"{}\", namespace: ml, image: \"specrun:1\"}}\n",
            node.url
        ),
    );
    let mut params = json!({"request": {"http.request": {"url": "/fails"}}, "workers": {"kubernetes": 2},
                            "generator": {"lag": "60s", "cpu": "100%"}});
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    let checks: Vec<String> = checks.iter().map(|c| format!("  - {c}\n")).collect();
    let body = format!(
        "tools: [load, http, kube]\nsteps:\n  - id: traffic\n    load.run: {params}\n    timeout: 5m\nexpect:\n{}",
        checks.concat()
    );
    project.file("specs/a.yaml", &spec("A", &body));
    project
}

const RUN: [&str; 6] = [
    "run",
    "specs",
    "--env",
    "env.yaml",
    "--report",
    "json=report.json",
];

async fn run(project: Project) -> (Ran, Json) {
    tokio::task::spawn_blocking(move || {
        let ran = project.run(&RUN);
        let report = std::fs::read(project.path().join("report.json")).unwrap_or_default();
        (ran, serde_json::from_slice(&report).unwrap_or(Json::Null))
    })
    .await
    .unwrap()
}

fn short() -> Json {
    json!({"arrival": {"rate": "200/s"}, "requests": 101})
}

/// So long that it ends only when somebody ends it.
fn long() -> Json {
    json!({"arrival": {"rate": "20/s"}, "duration": "4m"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pods_come_to_one_result_and_are_gone() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let checks = [
        "traffic.sent == 101",
        "traffic.errors.count == 2",
        "traffic.generator.threads == 2",
    ];
    let (ran, report) = run(project(&node, &server, &short(), &checks)).await;
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    assert_eq!(server.requests(), 101);
    assert_eq!(node.jobs(), Vec::<String>::new(), "{report}");
    let made = node.asked("POST /apis/batch/v1/namespaces/ml/jobs");
    assert_eq!(made.len(), 2);
    for job in made {
        let labels = &job.body["metadata"]["labels"];
        assert!(
            labels["specrun.io/owner"].as_str().unwrap().starts_with("sr-"),
            "{labels}"
        );
        assert_eq!(labels["specrun.io/step"], "traffic");
        let pod = &job.body["spec"]["template"]["spec"];
        assert_eq!(pod["containers"][0]["image"], "specrun:1");
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(job.body["spec"]["backoffLimit"], 0);
        // What is sent is told over the connection, and stands in no object.
        assert!(!job.body.to_string().contains("/fails"), "{}", job.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_breaks_is_read_again_and_counted_once() {
    let (node, server) = (Node::start(Trouble::LogBreaks(300)).await, Server::start().await);
    let (ran, _) = run(project(&node, &server, &short(), &["traffic.sent == 101"])).await;
    assert_eq!(ran.code, 0, "{} {}", ran.stdout, ran.stderr);
    assert!(node.asked("GET /api/v1/namespaces/ml/pods/").len() > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_word_is_no_result() {
    let (node, server) = (
        Node::start(Trouble::LogTorn("\"live\"")).await,
        Server::start().await,
    );
    let (ran, _) = run(project(&node, &server, &long(), &["traffic.sent > 0"])).await;
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("was torn"), "{}", ran.stdout);
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_deleted_at_work_makes_the_load_errored() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let project = project(&node, &server, &long(), &["traffic.sent > 0"]);
    let running = tokio::task::spawn_blocking(move || (project.run(&RUN), project));
    node.until_said("\"live\"", 2).await;
    node.delete_pod(&node.jobs()[1]);
    let (ran, _) = running.await.unwrap();
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .contains("is lost: it ended before its work was done: it was deleted"),
        "{}",
        ran.stdout
    );
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_pods_from_starting_is_said() {
    for (trouble, more, code, words) in [
        (
            Trouble::NoImage,
            json!({}),
            5,
            "ImagePullBackOff, Back-off pulling image",
        ),
        (Trouble::Forbidden, json!({}), 5, "jobs.batch is forbidden"),
        (
            Trouble::None,
            json!({"workers": {"kubernetes": 2, "image": ""}}),
            3,
            "the text is empty",
        ),
    ] {
        let (node, server) = (Node::start(trouble).await, Server::start().await);
        let mut params = short();
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        let (ran, _) = run(project(&node, &server, &params, &["traffic.sent > 0"])).await;
        assert_eq!(ran.code, code, "{trouble:?}: {} {}", ran.stdout, ran.stderr);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(words), "{trouble:?}: {said}");
        assert_eq!(node.jobs(), Vec::<String>::new(), "{trouble:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_do_not_come_are_waited_for_as_long_as_the_step_may() {
    let (node, server) = (Node::start(Trouble::NoPods).await, Server::start().await);
    let project = project(&node, &server, &short(), &["traffic.sent > 0"]);
    let spec = project.read("specs/a.yaml").replace("timeout: 5m", "timeout: 5s");
    project.file("specs/a.yaml", &spec);
    let (ran, _) = run(project).await;
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    for words in [
        "0 of 2 pods ran before the step's time was over",
        "does the cluster's quota allow them?",
    ] {
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_interrupted_takes_its_pods_along() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let project = project(&node, &server, &long(), &["traffic.sent > 0"]);
    let running = Running::start(project.command(&RUN));
    node.until_said("\"live\"", 2).await;
    signal("-INT", &running.pid().to_string());
    let ran = tokio::task::spawn_blocking(|| running.wait()).await.unwrap();
    assert_eq!(ran.code, 130, "{} {}", ran.stdout, ran.stderr);
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pods_of_a_killed_run_stop_and_clean_removes_them() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let project = project(&node, &server, &long(), &["traffic.sent > 0"]);
    let running = Running::start(project.command(&RUN));
    node.until_said("\"live\"", 2).await;
    signal("-KILL", &running.pid().to_string());
    // Nobody tells them anything any more, so they end by themselves.
    assert!(node.all_ended().await);
    assert_eq!(node.jobs().len(), 2);
    let cleaned = tokio::task::spawn_blocking(move || {
        drop(running);
        project.run(&["clean", "--env", "env.yaml"])
    })
    .await
    .unwrap();
    assert_eq!(cleaned.code, 0, "{} {}", cleaned.stdout, cleaned.stderr);
    assert!(cleaned.stdout.contains("kube.delete"), "{}", cleaned.stdout);
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_calls_is_declared() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let project = project(&node, &server, &short(), &["traffic.sent == 101"]);
    let ran = project
        .run(&["plan", "specs", "--env", "env.yaml", "--rbac"])
        .code(0);
    for rule in [
        "resources: [jobs], verbs: [create, delete, list, watch]",
        "resources: [pods], verbs: [get, list, watch]",
        "resources: [pods/attach], verbs: [create, get]",
        "resources: [pods/log], verbs: [get]",
    ] {
        assert!(ran.stdout.contains(rule), "{rule} is not in\n{}", ran.stdout);
    }
    // Who is granted nothing of it starts nothing.
    let ran = project
        .run(&[
            "run",
            "specs",
            "--env",
            "env.yaml",
            "--deny-kube",
            "*:create:jobs.batch",
        ])
        .code(77);
    assert!(
        ran.stdout.contains("jobs.batch") || ran.stderr.contains("jobs.batch"),
        "{}",
        ran.stdout
    );
    assert_eq!(node.jobs(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_on_the_pods_own_loopback_is_refused_before_anything_is_made() {
    let (node, server) = (Node::start(Trouble::None).await, Server::start().await);
    let project = project(&node, &server, &short(), &["traffic.sent == 101"]);
    let environment = project.read("env.yaml").replace("0.0.0.0", "127.0.0.1");
    project.file("env.yaml", &environment);
    let (ran, _) = run(project).await;
    assert_eq!(ran.code, 5, "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("is the pod itself there"), "{}", ran.stdout);
    assert!(node.asked("POST").is_empty());
}
