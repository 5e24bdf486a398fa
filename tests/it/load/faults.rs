//! Servers that are down, wrong, slow or hostile.

use serde_json::{Value as Json, json};
use specrun::action::Class;
use specrun::tools::Grants;

use super::server::Server;
use super::{of, output, run, stage};
use crate::support::actions::only;
use crate::support::certificates::Authority;
use crate::support::faults::Faults;

fn few() -> Json {
    json!({"arrival": {"users": 2}, "requests": 6, "timeout": "5s"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_listens_the_load_ends_before_it_begins() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let failure = run(&stage(&closed), of("/x", &few())).await.0.unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
    assert!(failure.message.contains("connection refused"), "{failure}");
    // No name server has to be asked for a name that none can have.
    let nowhere = format!("http://{}.test", "a".repeat(64));
    let failure = run(&stage(&nowhere), of("/x", &few())).await.0.unwrap_err();
    assert_eq!(failure.class, Class::Unreachable, "{failure}");
    assert!(failure.message.contains(&nowhere["http://".len()..]), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_ends_it_too() {
    let authority = Authority::new();
    let server = Faults::tls(authority.server(&["127.0.0.1"], false)).await;
    let failure = run(&stage(&server.url("")), of("/ok", &few()))
        .await
        .0
        .unwrap_err();
    assert_eq!(failure.class, Class::Tls, "{failure}");

    let mut trusting = stage(&server.url(""));
    trusting.endpoints.0.get_mut("http").unwrap().ca = Some(authority.file());
    let out = output(&trusting, of("/ok", &few())).await;
    assert_eq!(
        (&out["sent"], &out["errors"]["count"]),
        (&json!(6), &json!(0)),
        "{out}"
    );
    // It speaks no HTTP/2.
    let mut second = few();
    second["http"] = json!("2");
    let failure = run(&trusting, of("/ok", &second)).await.0.unwrap_err();
    assert_eq!(failure.class, Class::Tls, "{failure}");
    // For another name it is not trusted.
    trusting.endpoints.0.get_mut("http").unwrap().host = Some("models.example".to_owned());
    let failure = run(&trusting, of("/ok", &few())).await.0.unwrap_err();
    assert!(
        failure.class == Class::Tls && failure.message.contains("another name"),
        "{failure}"
    );
}

/// Each exchange that breaks is an error of its class, and when all do the step is errored with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_has_its_class() {
    let server = Faults::start().await;
    for (path, class) in [
        ("/close-before", Class::Unreachable),
        ("/reset-before", Class::Unreachable),
        ("/not-http", Class::UnreadableAnswer),
        ("/cut", Class::UnreadableAnswer),
        ("/bad-chunk", Class::UnreadableAnswer),
        ("/endless-headers", Class::TooLarge),
        ("/huge-length", Class::TooLarge),
    ] {
        let mut params = of(path, &few());
        params["request"]["http.request"]["max_body"] = json!("1MiB");
        let failure = run(&stage(&server.url("")), params).await.0.unwrap_err();
        assert_eq!(failure.class, class, "{path}: {failure} {:?}", failure.details);
        assert!(failure.message.contains("none of 6"), "{failure}");
        assert!(!failure.details.is_empty());
    }
    for path in ["/silent-stall", "/slow-headers", "/slow-body"] {
        let mut params = of(path, &few());
        params["timeout"] = json!("300ms");
        let failure = run(&stage(&server.url("")), params).await.0.unwrap_err();
        assert_eq!(failure.class, Class::Timeout, "{path}: {failure}");
    }
}

/// Answers that are wrong are counted by their class.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_answers_are_errors_and_slow() {
    let faults = Faults::start().await;
    for (path, class) in [
        ("/status/500", "server"),
        ("/status/503", "unavailable"),
        ("/status/429", "rate_limited"),
        ("/status/404", "not_found"),
        ("/truncated-json", "unreadable_answer"),
        ("/loop", "redirect"),
    ] {
        let out = output(&stage(&faults.url("")), of(path, &few())).await;
        assert_eq!(out["errors"]["classes"], json!({class: 6}), "{path}");
        assert_eq!(out["errors"]["rate"]["k"], 6, "{path}");
        assert_eq!(
            (&out["latency"]["missing"], &out["answered"]),
            (&json!(6), &json!(6)),
            "{path}"
        );
    }
    let server = Server::start().await;
    let out = output(&stage(&server.url()), of("/garbage", &few())).await;
    assert_eq!(out["errors"]["classes"], json!({"unreadable_answer": 6}));
    let out = output(
        &stage(&server.url()),
        of("/fails", &json!({"arrival": {"users": 1}, "requests": 94})),
    )
    .await;
    // Six came before: the 50th and the 100th fail.
    assert_eq!(out["errors"]["classes"], json!({"server": 2}));
    // What should be refused and is not.
    let params = json!({
        "mix": [{"tag": "invalid", "want": "rejection", "request": {"http.request": {"url": "/x"}}}],
        "arrival": {"users": 1}, "requests": 5, "generator": super::loose(),
    });
    let out = output(&stage(&server.url()), params).await;
    assert_eq!(out["errors"]["classes"], json!({"accepted": 5}));
    assert_eq!(out["tags"]["invalid"]["rejected"], json!({"k": 0, "n": 5}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_granted_is_not_connected_to() {
    let server = Server::start().await;
    let stage = stage(&server.url());
    let failure = stage
        .run("load.run", of("/x", &few()), only(&[("net", "10.0.0.1".into())]))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotGranted);
    let failure = stage
        .run("load.run", of("http://169.254.169.254/x", &few()), Grants::open())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotGranted);
    assert_eq!(
        server.seen.connections.load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_stops_the_load() {
    let server = Server::start().await;
    let stage = stage(&server.url());
    let context = stage.context(Grants::open());
    let cancel = context.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        cancel.cancel();
    });
    let action = specrun::actions::REGISTRY.get("load.run").unwrap();
    let params = of("/x", &json!({"arrival": {"rate": "50/s"}, "duration": "60s"}));
    let failure = action.run(params, &context).await.unwrap_err();
    assert_eq!(failure.class, Class::Cancelled);
}

/// The step's end comes first: what was sent is told, and no verdict rests on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_is_cut_off_is_inconclusive() {
    let server = Server::start().await;
    let stage = stage(&server.url());
    let mut context = stage.context(Grants::open());
    context.deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
    let action = specrun::actions::REGISTRY.get("load.run").unwrap();
    let params = of(
        "/steady",
        &json!({"arrival": {"users": 1}, "requests": 100_000, "timeout": "1s"}),
    );
    let out = action.run(params, &context).await.unwrap();
    assert!(out["sent"].as_u64().unwrap() > 0, "{out}");
    let checks = context.checks.take();
    assert!(
        checks[0].outcome.message.contains("stopped before all was sent"),
        "{checks:?}"
    );

    // When it is known before, it is not begun.
    let mut context = stage.context(Grants::open());
    context.deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
    let params = of("/x", &json!({"arrival": {"rate": "1/s"}, "duration": "10m"}));
    let failure = action.run(params, &context).await.unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    assert!(failure.help.unwrap().contains("timeout"), "{}", failure.message);
}
