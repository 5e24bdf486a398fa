//! Addresses, redirects, names and headers.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use specrun::action::Class;
use specrun::tools::Grants;
use specrun::tools::http::Lookup;

use super::{May, Prison};
use crate::support::actions::only;

/// Ways to write the address of a server on this machine.
fn spellings(port: u16, granted: u16) -> Vec<String> {
    [
        "http://127.0.0.1:PORT/ok",
        "HTTP://127.0.0.1:PORT/ok",
        "http://localhost:PORT/ok",
        "http://LOCALHOST:PORT/ok",
        "http://127.1:PORT/ok",
        "http://0x7f.1:PORT/ok",
        "http://0x7f000001:PORT/ok",
        "http://2130706433:PORT/ok",
        "http://0177.0.0.1:PORT/ok",
        "http://127.0.0.1.:PORT/ok",
        "http://[::ffff:127.0.0.1]:PORT/ok",
        "http://[::ffff:7f00:1]:PORT/ok",
        "http://[::1]:PORT/ok",
        "http://0.0.0.0:PORT/ok",
        "http://0:PORT/ok",
        "http://①②⑦.⓪.⓪.①:PORT/ok",
        "http://127。0。0。1:PORT/ok",
        "http://127.0.0.1:GRANTED@127.0.0.1:PORT/ok",
        "http://user:pass@127.0.0.1:PORT/ok",
        "http://127.0.0.1:PORT#@127.0.0.1:GRANTED/ok",
        "http://127.0.0.1:PORT?@127.0.0.1:GRANTED/ok",
        "http://127.0.0.1:PORT\\@127.0.0.1:GRANTED/ok",
        "http:\\\\127.0.0.1:PORT\\ok",
        "http:127.0.0.1:PORT/ok",
        "http:///127.0.0.1:PORT/ok",
        "http://127.0.0.1:000PORT/ok",
        "https://127.0.0.1:PORT/ok",
        "ftp://127.0.0.1:PORT/ok",
        "ws://127.0.0.1:PORT/ok",
        "unix://127.0.0.1:PORT/ok",
        "file://127.0.0.1:PORT/etc/passwd",
        "http://127.0.0.1:PORT\t/ok",
        "http://127.0.0.1\r\n:PORT/ok",
    ]
    .map(|s| {
        s.replace("PORT", &port.to_string())
            .replace("GRANTED", &granted.to_string())
    })
    .to_vec()
}

#[tokio::test]
async fn no_spelling_of_an_address_gets_around_the_grants() {
    let mut prison = Prison::new().await;
    for url in spellings(prison.forbidden.port(), prison.granted.port()) {
        let policy = prison.policy();
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                policy,
                &[Class::NotGranted, Class::BadParameter],
            )
            .await;
    }
    assert!(prison.attempts > 30);
    assert!(prison.granted.requests().is_empty());
}

#[tokio::test]
async fn no_redirect_gets_around_the_grants() {
    let mut prison = Prison::new().await;
    let escape = |url: &str| {
        percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut targets = spellings(prison.forbidden.port(), prison.granted.port());
    targets.retain(|t| !t.contains(['\r', '\t']));
    targets.push(format!("//127.0.0.1:{}/ok", prison.forbidden.port()));
    targets.push("file:///etc/passwd".to_owned());
    targets.push("http://169.254.169.254/latest/meta-data/".to_owned());
    for target in &targets {
        let policy = prison.policy();
        let params = json!({"url": format!("/to/{}", escape(target)), "redirects": 5});
        prison
            .refused(
                "http.request",
                params,
                policy,
                &[Class::NotGranted, Class::Redirect, Class::Unreachable],
            )
            .await;
    }
    // Each began with what is granted; a relative one also led back to it.
    assert!(prison.granted.requests().len() >= targets.len());
}

#[tokio::test]
async fn paths_on_an_endpoint_stay_there() {
    let mut prison = Prison::new().await;
    let port = prison.forbidden.port();
    for path in [
        format!("@127.0.0.1:{port}/ok"),
        format!("//127.0.0.1:{port}/ok"),
        format!("/\\127.0.0.1:{port}/ok"),
        format!(":{port}/ok"),
        format!(".127.0.0.1:{port}/ok"),
        format!("?@127.0.0.1:{port}"),
        format!("#@127.0.0.1:{port}/ok"),
        format!("/echo/../@127.0.0.1:{port}/ok"),
    ] {
        let policy = prison.policy();
        // The fault server knows no such mode, so the answer may fail; only the other server is the witness.
        prison
            .attempt("http.request", json!({"url": path}), policy, May::LeadBack)
            .await;
    }
    for host in [
        format!("127.0.0.1:{port}"),
        "localhost".to_owned(),
        "evil.example".to_owned(),
    ] {
        let policy = prison.policy();
        prison
            .attempt(
                "http.request",
                json!({"url": "/echo", "host": host}),
                policy,
                May::LeadBack,
            )
            .await;
        let policy = prison.policy();
        let url = format!("https://127.0.0.1:{}/ok", prison.granted.port());
        let params = json!({"url": url, "host": host, "timeout": "300ms"});
        prison.attempt("http.request", params, policy, May::Fail).await;
    }
}

#[tokio::test]
async fn metadata_services_are_refused_in_every_spelling_even_without_a_policy() {
    let mut prison = Prison::new().await;
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.16689662/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://169.254.170.2/v2/credentials",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://169.254.169.254:8080/",
        "https://169.254.169.254/",
    ] {
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                Grants::open(),
                &[Class::NotGranted],
            )
            .await;
        let everything = only(&[("net", "*".to_owned())]);
        prison
            .refused(
                "http.request",
                json!({"url": url}),
                everything,
                &[Class::NotGranted],
            )
            .await;
    }
}

/// A resolver that gives each of its answers once, then the last for ever.
struct Changing {
    answers: Vec<&'static str>,
    asked: AtomicUsize,
}

impl Lookup for Changing {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>> {
        let at = self
            .asked
            .fetch_add(1, Ordering::SeqCst)
            .min(self.answers.len() - 1);
        let addresses = self.answers[at].split(' ').map(|a| a.parse().unwrap()).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

#[tokio::test]
async fn names_that_change_their_address_gain_nothing() {
    let mut prison = Prison::new().await;
    for answers in [
        vec!["169.254.169.254"],
        vec!["fe80::1"],
        vec!["::ffff:169.254.169.254"],
        vec!["127.0.0.1"],
        vec!["::1"],
        vec!["93.184.216.34 169.254.169.254"],
        vec!["93.184.216.34 127.0.0.1"],
        vec!["127.0.0.1", "93.184.216.34"],
    ] {
        prison.stage.lookup = Arc::new(Changing {
            answers,
            asked: AtomicUsize::new(0),
        });
        let port = prison.forbidden.port();
        let grants = only(&[("net", format!("rebind.example:{port}"))]);
        let params = json!({"url": format!("http://rebind.example:{port}/ok")});
        prison
            .refused("http.request", params, grants, &[Class::NotGranted])
            .await;
    }
    // Without a policy a name may lead to this machine, and the second answer is judged like the first.
    let port = prison.granted.port();
    prison.stage.lookup = Arc::new(Changing {
        answers: vec!["127.0.0.1", "169.254.169.254"],
        asked: AtomicUsize::new(0),
    });
    let target = format!("http%3A%2F%2Fsecond.example%3A{port}%2Fok");
    let params = json!({"url": format!("http://first.example:{port}/to/{target}"), "redirects": 1});
    prison
        .refused("http.request", params, Grants::open(), &[Class::NotGranted])
        .await;
    assert_eq!(prison.granted.requests().len(), 1);
}

#[tokio::test]
async fn no_header_is_smuggled_in() {
    let mut prison = Prison::new().await;
    for headers in [
        json!({"x": "a\r\nevil: 1"}),
        json!({"x": "a\nevil: 1"}),
        json!({"x": "a\revil: 1"}),
        json!({"x": "a\u{0}b"}),
        json!({"x\r\nevil": "1"}),
        json!({"x: 1\r\nevil": "1"}),
        json!({"": "1"}),
        json!({"x y": "1"}),
        json!({"x:": "1"}),
        json!({"content-length": "0"}),
        json!({"Transfer-Encoding": "chunked"}),
        json!({"connection": "upgrade"}),
        json!({"upgrade": "h2c"}),
        json!({"host": "evil.example"}),
        json!({"te": "trailers"}),
        json!({"expect": "100-continue"}),
    ] {
        let policy = prison.policy();
        prison
            .refused(
                "http.request",
                json!({"url": "/ok", "headers": headers}),
                policy,
                &[Class::BadParameter],
            )
            .await;
    }
    for params in [
        json!({"url": "/ok", "secret_headers": {"x": "a\r\nevil: 1"}}),
        json!({"url": "/ok", "auth": {"bearer": "a\r\nevil: 1"}}),
        json!({"url": "/ok", "host": "a\r\nevil: 1"}),
        json!({"url": "/ok\r\nevil: 1"}),
        json!({"url": "/ok HTTP/1.1\r\nevil: 1\r\n\r\n"}),
    ] {
        let policy = prison.policy();
        prison
            .refused("http.request", params, policy, &[Class::BadParameter])
            .await;
    }
    for params in [
        json!({"url": "/echo", "query": {"q": "a\r\nevil: 1"}}),
        json!({"url": "/echo", "query": {"a\r\nevil: 1": "q"}}),
        json!({"url": "/echo", "method": "POST", "form": {"q": "a\r\nevil: 1"}}),
        json!({"url": "/echo", "auth": {"basic": {"username": "a\r\nevil: 1", "password": "p\r\nevil: 1"}}}),
        json!({"url": "/echo?q=a\u{85}evil: 1"}),
    ] {
        let policy = prison.policy();
        prison
            .attempt("http.request", params, policy, May::LeadBack)
            .await;
    }
}
