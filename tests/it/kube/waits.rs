//! Waits: what they see, and what they survive.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use specrun::action::Class;
use specrun::actions::REGISTRY;
use specrun::tools::Grants;

use super::server::{Answer, End, Server, event, list, pod, status};

const PODS: &str = "/api/v1/namespaces/ml/pods";

fn ready(version: u32, is: bool) -> Json {
    let said = if is { "True" } else { "False" };
    pod(
        "web",
        "u1",
        version,
        json!({"conditions": [{"type": "Ready", "status": said, "reason": "Why"}]}),
    )
}

fn get() -> String {
    format!("GET {PODS}")
}

fn watch() -> String {
    format!("WATCH {PODS}")
}

fn wanted() -> Json {
    json!({"kind": "Pod", "name": "web", "condition": "Ready", "namespace": "ml"})
}

#[tokio::test]
async fn a_change_is_seen_after_the_list() {
    let server = Server::start().await.on(&get(), list(1, &[ready(1, false)])).on(
        &watch(),
        Answer::Events(vec![event("MODIFIED", ready(2, true))], End::Silent),
    );
    let got = server.run("kube.wait", wanted()).await.unwrap();
    assert_eq!(got["items"][0]["resource_version"], "2");
    let asked = &server.asked(&watch())[0];
    assert_eq!(
        (&*asked.query["resourceVersion"], &*asked.query["fieldSelector"]),
        ("1", "metadata.name=web")
    );
}

#[tokio::test]
async fn a_watch_that_ends_is_cut_off_or_is_forgotten_is_taken_up_again() {
    let gone = event(
        "ERROR",
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}),
    );
    let server = Server::start()
        .await
        .on(&get(), list(1, &[]))
        .on(&get(), list(5, &[ready(5, false)]))
        .on(&get(), list(8, &[ready(8, false)]))
        // Cut off: begun anew with a list. Forgotten: with another. Ended in good order: from where it was.
        .on(&watch(), Answer::Events(vec![], End::Cut))
        .on(&watch(), Answer::Events(vec![gone], End::Good))
        .on(
            &watch(),
            Answer::Events(vec![event("MODIFIED", ready(9, false))], End::Good),
        )
        .on(
            &watch(),
            Answer::Events(vec![event("MODIFIED", ready(10, true))], End::Silent),
        );
    let got = server.run("kube.wait", wanted()).await.unwrap();
    assert_eq!(got["items"][0]["resource_version"], "10");
    let from: Vec<String> = server
        .asked(&watch())
        .iter()
        .map(|a| a.query["resourceVersion"].clone())
        .collect();
    assert_eq!(from, ["1", "5", "8", "9"]);
}

#[tokio::test]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let server = Server::start()
        .await
        .on(&get(), list(1, &[ready(1, false)]))
        .on(&get(), status(503, "ServiceUnavailable", "starting", &json!({})))
        .on(&get(), status(500, "InternalError", "starting", &json!({})))
        .on(&get(), list(3, &[ready(3, true)]))
        .on(&watch(), Answer::Events(vec![], End::Cut));
    server.run("kube.wait", wanted()).await.unwrap();
    assert_eq!(server.asked(&get()).len(), 4);
}

#[tokio::test]
async fn a_server_that_says_no_at_once_is_not_waited_for() {
    let server = Server::start().await.on(
        &get(),
        status(403, "Forbidden", "User \"x\" cannot list", &json!({})),
    );
    let began = Instant::now();
    let failure = server.run("kube.wait", wanted()).await.unwrap_err();
    assert_eq!(failure.class, Class::Forbidden);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn what_did_not_come_says_how_far_it_was() {
    let server = Server::start()
        .await
        .on(&get(), list(1, &[ready(1, false)]))
        .on(&watch(), Answer::Events(vec![], End::Silent));
    let stage = server.stage();
    let mut context = stage.context(Grants::open());
    context.deadline = Instant::now() + Duration::from_millis(700);
    let failure = REGISTRY
        .get("kube.wait")
        .unwrap()
        .run(wanted(), &context)
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
    assert!(failure.message.contains("Ready=False (Why)"), "{failure}");
}

#[tokio::test]
async fn a_deletion_waits_for_this_object_and_not_for_its_successor() {
    let going = |uid: &str| pod("web", uid, 1, json!({}));
    let server = Server::start()
        .await
        .on(&format!("DELETE {PODS}/web"), Answer::Json(200, going("u1")))
        .on(&get(), list(2, &[going("u1")]))
        .on(
            &watch(),
            Answer::Events(
                vec![event("DELETED", going("u1")), event("ADDED", going("u2"))],
                End::Silent,
            ),
        );
    let got = server
        .run(
            "kube.delete",
            json!({"kind": "Pod", "name": "web", "grace": "1s", "namespace": "ml"}),
        )
        .await
        .unwrap();
    assert_eq!(got["deleted"], 1);
    let sent = &server.asked(&format!("DELETE {PODS}/web"))[0].body;
    assert_eq!(
        (&sent["gracePeriodSeconds"], &sent["propagationPolicy"]),
        (&json!(1), &json!("Background"))
    );
}

#[tokio::test]
async fn what_cannot_go_is_named_with_what_it_waits_for() {
    let mut stuck = pod("web", "u1", 1, json!({}));
    stuck["metadata"]["finalizers"] = json!(["example.com/keep"]);
    stuck["metadata"]["deletionTimestamp"] = json!("2026-11-26T15:00:00Z");
    let server = Server::start()
        .await
        .on(&format!("DELETE {PODS}/web"), Answer::Json(200, stuck.clone()))
        .on(&get(), list(2, &[stuck]))
        .on(&watch(), Answer::Events(vec![], End::Silent));
    let stage = server.stage();
    let mut context = stage.context(Grants::open());
    context.deadline = Instant::now() + Duration::from_millis(700);
    let failure = REGISTRY
        .get("kube.delete")
        .unwrap()
        .run(json!({"kind": "Pod", "name": "web", "namespace": "ml"}), &context)
        .await
        .unwrap_err();
    assert!(
        failure.class == Class::Timeout && failure.message.contains("example.com/keep"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_count_that_falls_to_nothing_is_recorded_as_none() {
    let at = |version: u32, status: Json| pod("web", "u1", version, status);
    let server = Server::start()
        .await
        .on(
            &get(),
            list(1, &[at(1, json!({"replicas": 2, "readyReplicas": 2}))]),
        )
        .on(
            &watch(),
            Answer::Events(
                vec![
                    event("MODIFIED", at(2, json!({"replicas": 2}))),
                    event("MODIFIED", at(3, json!({"replicas": 2, "readyReplicas": 3}))),
                ],
                End::Silent,
            ),
        );
    let params = json!({"kind": "Pod", "name": "web", "namespace": "ml", "field": "status.readyReplicas", "for": "1m",
        "until_at_least": 3});
    let got = server.run("kube.watch", params).await.unwrap();
    assert_eq!(
        (&got["min"], &got["reached"]),
        (&json!(0.0), &json!(true)),
        "{got}"
    );
}

#[tokio::test]
async fn every_change_of_a_field_is_recorded_once() {
    let at = |version: u32, phase: &str| pod("web", "u1", version, json!({"phase": phase, "n": version}));
    let server = Server::start().await.on(&get(), list(1, &[at(1, "Pending")])).on(
        &watch(),
        Answer::Events(
            vec![
                event("MODIFIED", at(2, "Pending")),
                event("MODIFIED", at(3, "Running")),
                event("MODIFIED", at(4, "Succeeded")),
            ],
            End::Silent,
        ),
    );
    let params = |field: &str| json!({"kind": "Pod", "name": "web", "field": field, "for": "700ms", "namespace": "ml"});
    let got = server.run("kube.watch", params("status.phase")).await.unwrap();
    let values: Vec<&Json> = got["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["value"])
        .collect();
    assert_eq!(values, ["Pending", "Running", "Succeeded"]);
    assert_eq!((&got["relists"], &got["reached"]), (&json!(0), &json!(false)));
    let mut until = params("status.n");
    until["until_at_least"] = json!(3);
    let got = server.run("kube.watch", until).await.unwrap();
    assert_eq!((&got["max"], &got["reached"]), (&json!(3.0), &json!(true)));
}

#[tokio::test]
async fn a_job_that_fails_says_where_and_how() {
    let jobs = "/apis/batch/v1/namespaces/ml/jobs";
    let job = |conditions: Json| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "status": {"conditions": conditions},
               "metadata": {"name": "train", "namespace": "ml", "uid": "j1", "creationTimestamp": "2026-11-26T15:00:00Z"}})
    };
    let ended = |code: i64, message: &str| {
        pod(
            "train-x",
            "p1",
            1,
            json!({"phase": if code == 0 { "Succeeded" } else { "Failed" }, "containerStatuses": [{"restartCount": 0,
                "state": {"terminated": {"exitCode": code, "reason": "Error", "message": message,
                    "startedAt": "2026-11-26T15:00:02Z", "finishedAt": "2026-11-26T15:00:07Z"}}}]}),
        )
    };
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {
        "cloud.google.com/gke-spot": "true"}}, "spec": {"taints": [{"key": "spot", "value": "true", "effect": "NoSchedule"}]}});
    let one = |name: &str| json!([{"type": "SuccessCriteriaMet", "status": "True"}, {"type": name, "status": "True", "reason": "R"}]);
    let server = |name: &str, code: i64, message: &str| {
        let (job, done, pods, node) = (
            job(json!([])),
            job(one(name)),
            list(1, &[ended(code, message)]),
            node.clone(),
        );
        async move {
            Server::start()
                .await
                .on(&format!("POST {jobs}"), Answer::Json(201, job))
                .on(&format!("GET {jobs}"), list(1, &[done]))
                .on(&get(), pods)
                .on("GET /api/v1/nodes/node-1", Answer::Json(200, node))
        }
    };
    let params = json!({"manifest": {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}}, "namespace": "ml"});
    let good = server("Complete", 0, "{\"loss\": 0.1}").await;
    let got = good.run("kube.job", params.clone()).await.unwrap();
    assert_eq!((&got["duration"], &got["queued"]), (&json!("5s"), &json!("2s")));
    assert_eq!(
        (&got["result"]["loss"], &got["node"]["capacity"]),
        (&json!(0.1), &json!("spot"))
    );
    assert_eq!(got["node"]["taints"], json!(["spot=true:NoSchedule"]));
    let bad = server("Failed", 3, "out of memory").await;
    let failure = bad.run("kube.job", params).await.unwrap_err();
    assert_eq!((failure.class, failure.exit_code), (Class::ExitCode, Some(3)));
    assert!(failure.details[0].contains("out of memory"), "{failure:?}");
}
