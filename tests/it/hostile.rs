//! Whatever a peer does wrong has a class, a sentence, a bounded time and bounded memory.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use specrun::check::{Class, Failure};
use specrun::tools::http::{Http, Limits, Lookup, Request, Response, Until};
use specrun::tools::{Grants, Redactor};
use specrun::value::Secret;
use tokio_util::sync::CancellationToken;

use crate::support::certificates::Authority;
use crate::support::faults::Faults;

/// Far more than anything here needs; only waits that have no event end by a limit of their own.
const CAP: Duration = Duration::from_mins(2);

/// Limits under which only what never ends runs into one.
fn patient() -> Limits {
    Limits {
        total: CAP,
        headers: CAP,
        ..Limits::default()
    }
}

fn hasty() -> Limits {
    Limits {
        total: Duration::from_millis(600),
        headers: Duration::from_millis(300),
        ..Limits::default()
    }
}

fn http() -> Http {
    let redactor = Redactor::new(&[Secret::new("token", "hunter22")]);
    Http::new(Arc::new(Grants::open()), Arc::new(redactor))
}

fn until(limit: Duration) -> Until {
    Until {
        deadline: Instant::now() + limit,
        cancel: CancellationToken::new(),
    }
}

async fn get(url: String, limits: Limits) -> Result<Response, Failure> {
    let request = Request {
        limits,
        ..Request::new("GET", url)
    };
    http().send(None, request, &until(CAP)).await
}

/// What an action makes of an answer.
fn read(answer: &Response) -> Result<serde_json::Value, Failure> {
    match answer.failure() {
        Some(failure) => Err(failure),
        None => answer.json(),
    }
}

#[tokio::test]
async fn the_server_can_also_be_right() {
    let server = Faults::start().await;
    let answer = get(server.url("/ok"), patient()).await.unwrap();
    assert_eq!(answer.json().unwrap(), serde_json::json!({"ok": true}));
    assert_eq!(
        get(server.url("/gzip"), patient()).await.unwrap().body,
        b"unpacked"
    );
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn every_fault_has_its_class_and_its_sentence() {
    let server = Faults::start().await;
    for (path, class, words) in [
        ("/reset-before", Class::Unreachable, "the connection was reset"),
        ("/close-before", Class::Unreachable, "closed before an answer"),
        ("/not-http", Class::UnreadableAnswer, "not HTTP"),
        ("/large-header", Class::TooLarge, "head of the answer"),
        ("/endless-headers", Class::TooLarge, "head of the answer"),
        ("/reset-body", Class::Unreachable, "reset"),
        ("/cut", Class::UnreadableAnswer, "cut off"),
        ("/cut-chunk", Class::UnreadableAnswer, "cut off"),
        ("/bad-chunk", Class::UnreadableAnswer, "not HTTP"),
        ("/two-lengths", Class::UnreadableAnswer, "not HTTP"),
        ("/endless-body", Class::TooLarge, "larger than 16 MiB"),
        ("/endless-chunks", Class::TooLarge, "larger than 16 MiB"),
        ("/huge-length", Class::TooLarge, "more than 16 MiB"),
        ("/gzip-bomb", Class::TooLarge, "bomb"),
        ("/zstd-bomb", Class::TooLarge, "bomb"),
        (
            "/double-gzip",
            Class::UnreadableAnswer,
            "`gzip, gzip`, which was not asked for",
        ),
        ("/gzip-cut", Class::UnreadableAnswer, "damaged"),
        ("/gzip-garbage", Class::UnreadableAnswer, "damaged"),
        (
            "/brotli",
            Class::UnreadableAnswer,
            "`br`, which was not asked for",
        ),
        ("/nan", Class::UnreadableAnswer, "not JSON"),
        ("/deep", Class::UnreadableAnswer, "deeper than 128"),
        ("/doubled", Class::UnreadableAnswer, "stands twice"),
        ("/latin1", Class::UnreadableAnswer, "not UTF-8"),
        ("/bom", Class::UnreadableAnswer, "byte order mark"),
        ("/truncated-json", Class::UnreadableAnswer, "EOF"),
        ("/empty-json", Class::UnreadableAnswer, "empty"),
        ("/status/401", Class::Unauthorized, "HTTP 401"),
        ("/status/403", Class::Forbidden, "HTTP 403"),
        ("/status/404", Class::NotFound, "HTTP 404"),
        ("/status/409", Class::Conflict, "HTTP 409"),
        ("/status/422", Class::Invalid, "HTTP 422"),
        ("/status/429", Class::RateLimited, "HTTP 429"),
        ("/status/500", Class::Server, "HTTP 500"),
        ("/status/503", Class::Unavailable, "HTTP 503"),
        ("/loop", Class::Redirect, "HTTP 302"),
    ] {
        let result = get(server.url(path), patient()).await.and_then(|a| read(&a));
        let failure = result.expect_err(path);
        assert_eq!(failure.class, class, "{path}: {failure:?}");
        assert!(failure.message.contains(words), "{path}: {failure:?}");
        assert!(
            failure.message.starts_with(&format!("GET {}", server.url(path))),
            "{path}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let server = Faults::start().await;
    for (path, words) in [
        ("/slow-headers", "no answer within 300ms, the limit for the head"),
        (
            "/endless-continue",
            "no answer within 300ms, the limit for the head",
        ),
        ("/slow-body", "did not end within 600ms"),
        ("/silent-stall", "did not end within 600ms"),
    ] {
        // A busy machine may spend a limit before the connection stands; the class is the same.
        let failure = get(server.url(path), hasty()).await.expect_err(path);
        assert_eq!(failure.class, Class::Timeout, "{path}: {failure:?}");
        assert!(
            failure.message.contains(words) || failure.message.contains("limit"),
            "{path}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn an_endless_answer_takes_little_of_the_server_and_of_memory() {
    for path in [
        "/endless-body",
        "/endless-chunks",
        "/huge-length",
        "/endless-headers",
    ] {
        let server = Faults::start().await;
        get(server.url(path), patient()).await.expect_err(path);
        // The cap, and what the buffers of both systems held.
        assert!(server.sent() < 64 << 20, "{path}: {} bytes", server.sent());
    }
}

#[tokio::test]
async fn the_steps_deadline_and_a_stop_end_an_exchange() {
    let server = Faults::start().await;
    let request = || Request {
        limits: patient(),
        ..Request::new("GET", server.url("/silent-stall"))
    };
    let failure = http()
        .send(None, request(), &until(Duration::from_millis(300)))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
    assert!(failure.message.contains("the step's deadline"), "{failure}");

    let until = until(CAP);
    let http = http();
    let (result, ()) = tokio::join!(http.send(None, request(), &until), async {
        while server.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        until.cancel.cancel();
    });
    assert_eq!(result.unwrap_err().class, Class::Cancelled);
}

#[tokio::test]
async fn where_nothing_listens_it_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = get(format!("http://127.0.0.1:{port}/"), patient())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
    assert!(failure.message.contains("connection refused"), "{failure}");
}

/// A resolver that knows one answer.
struct Answers(Result<Vec<&'static str>, &'static str>);

impl Lookup for Answers {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let answer = match &self.0 {
            Ok(list) => Ok(list.iter().map(|a| a.parse().unwrap()).collect()),
            Err(why) => Err(std::io::Error::other(*why)),
        };
        Box::pin(async move { answer })
    }
}

/// A resolver that never answers.
struct Silent;

impl Lookup for Silent {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn names_that_do_not_resolve_are_named() {
    for (lookup, words) in [
        (Answers(Err("no such host")), "no such host"),
        (Answers(Ok(Vec::new())), "no address"),
    ] {
        let http = Http::with_lookup(Arc::new(Grants::open()), Arc::default(), Arc::new(lookup));
        let request = Request::new("GET", "http://models.example/x");
        let failure = http.send(None, request, &until(CAP)).await.unwrap_err();
        assert_eq!(failure.class, Class::Unreachable, "{failure:?}");
        assert!(
            failure
                .message
                .contains("the name models.example does not resolve"),
            "{failure}"
        );
        assert!(failure.message.contains(words), "{failure}");
    }
    let http = Http::with_lookup(Arc::new(Grants::open()), Arc::default(), Arc::new(Silent));
    let request = Request {
        limits: hasty(),
        ..Request::new("GET", "http://models.example/x")
    };
    assert_eq!(
        http.send(None, request, &until(CAP)).await.unwrap_err().class,
        Class::Timeout
    );
}

#[tokio::test]
async fn certificates_are_judged_and_the_fault_is_named() {
    let ours = Authority::new();
    let theirs = Authority::new();
    for (server, words) in [
        (ours.server(&["127.0.0.1"], true), "has expired"),
        (ours.server(&["other.example"], false), "for another name"),
        (
            theirs.server(&["127.0.0.1"], false),
            "an authority that is not known",
        ),
        (ours.asking_server(&["127.0.0.1"]), "refused the TLS handshake"),
    ] {
        let server = Faults::tls(server).await;
        let request = Request {
            ca: Some(ours.file()),
            limits: patient(),
            ..Request::new("GET", server.url("/ok"))
        };
        let failure = http().send(None, request, &until(CAP)).await.unwrap_err();
        assert_eq!(failure.class, Class::Tls, "{words}: {failure:?}");
        assert!(failure.message.contains(words), "{words}: {failure:?}");
        assert!(server.requests().is_empty());
    }
    // Another protocol behind the port.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let greet = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"220 mail.example ESMTP\r\n")
            .await
            .unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = greet => {}
        failure = get(url, patient()) => {
            let failure = failure.unwrap_err();
            assert_eq!(failure.class, Class::Tls, "{failure:?}");
            assert!(failure.message.contains("does not speak TLS"), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn the_right_certificates_work() {
    let authority = Authority::new();
    let server = Faults::tls(authority.asking_server(&["models.example"])).await;
    let request = |host: Option<&str>, certificate| Request {
        ca: Some(authority.file()),
        host: host.map(str::to_owned),
        client_certificate: certificate,
        limits: patient(),
        ..Request::new("GET", server.url("/ok"))
    };
    let http = http();
    let answer = http
        .send(
            None,
            request(Some("models.example"), Some(authority.client())),
            &until(CAP),
        )
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        server.requests()[0].contains("host: models.example\r\n"),
        "{:?}",
        server.requests()
    );
    let failure = http
        .send(None, request(None, Some(authority.client())), &until(CAP))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Tls, "{failure:?}");
}

#[tokio::test]
async fn without_its_authority_a_server_is_not_trusted() {
    let authority = Authority::new();
    let server = Faults::tls(authority.server(&["127.0.0.1"], false)).await;
    let failure = get(server.url("/ok"), patient()).await.unwrap_err();
    assert_eq!(failure.class, Class::Tls, "{failure:?}");
}

#[tokio::test]
async fn redirects_are_counted() {
    let server = Faults::start().await;
    let follow = |path: &str, redirects: u32| Request {
        redirects,
        limits: patient(),
        ..Request::new("GET", server.url(path))
    };
    let http = http();
    assert_eq!(
        http.send(None, follow("/hop/3", 4), &until(CAP))
            .await
            .unwrap()
            .status,
        200
    );
    let failure = http
        .send(None, follow("/hop/3", 3), &until(CAP))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.status),
        (Class::Redirect, Some(307)),
        "{failure:?}"
    );
    let failure = http
        .send(None, follow("/loop", 20), &until(CAP))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Redirect);
    assert!(failure.message.contains("after 20 redirects"), "{failure}");
    assert_eq!(
        http.send(None, follow("/loop", 0), &until(CAP))
            .await
            .unwrap()
            .status,
        302
    );
}

#[tokio::test]
async fn a_redirect_after_a_post_asks_for_the_other_page() {
    let server = Faults::start().await;
    let request = Request {
        redirects: 1,
        limits: patient(),
        ..Request::new("POST", server.url("/see-other")).json(&serde_json::json!({"a": 1}))
    };
    let answer = http().send(None, request, &until(CAP)).await.unwrap();
    let text = answer.text().unwrap();
    assert!(
        text.starts_with("GET /echo HTTP/1.1\r\n") && !text.contains("\"a\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_token_that_runs_out_and_a_server_that_asks_to_wait() {
    let server = Faults::start().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let answer = get(server.url("/refuse-later"), patient()).await.unwrap();
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 401, 401]);
    for status in [429, 503] {
        let answer = get(server.url(&format!("/status/{status}")), patient())
            .await
            .unwrap();
        assert_eq!(answer.failure().unwrap().retry_after, Some(7.0));
    }
}

#[tokio::test]
async fn secrets_in_answers_and_addresses_are_masked() {
    let server = Faults::start().await;
    let answer = get(server.url("/html?token=hunter22"), patient()).await.unwrap();
    let failure = answer.json().unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
    assert!(failure.message.contains("token=***"), "{failure:?}");
    let failure = get("http://127.0.0.1:1/hunter22".to_owned(), patient())
        .await
        .unwrap_err();
    assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
}
