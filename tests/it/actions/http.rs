//! `http.request`

use serde_json::{Value as Json, json};
use specrun::action::{Class, Failure};
use specrun::tools::{Auth, Grants};
use specrun::value::Secret;

use crate::support::actions::{Stage, mistakes, only, reaches};
use crate::support::faults::Faults;

async fn http(stage: &Stage, params: Json) -> Result<Json, Failure> {
    stage.run("http.request", params, Grants::open()).await
}

#[tokio::test]
async fn http_gives_the_answer() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let got = http(&stage, json!({"url": "/ok"})).await.unwrap();
    assert_eq!(got["status"], 200);
    assert_eq!(got["json"], json!({"ok": true}));
    assert_eq!(got["text"], "{\"ok\": true}");
    assert_eq!(got["size"], "12B");
    assert_eq!(got["headers"]["content-type"], "application/json");
    assert!(got["elapsed"].as_str().unwrap().ends_with('s'), "{got}");
    assert_eq!(got.get("file"), None);
    let whole = http(&stage, json!({"url": server.url("/ok")})).await.unwrap();
    assert_eq!(whole["status"], 200);
}

#[tokio::test]
async fn http_sends_every_kind_of_body() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    stage.file("project/specs/rows.csv", "a,b\n1,2\n");
    stage.file(
        "project/specs/body.json.j2",
        "{\"name\": {{ name | tojson }}, \"n\": {{ n }}}",
    );
    for (body, kind, text) in [
        (
            json!({"json": {"a": [1, null]}}),
            "application/json",
            r#"{"a":[1,null]}"#,
        ),
        (
            json!({"text": "some text"}),
            "text/plain; charset=utf-8",
            "some text",
        ),
        (
            json!({"form": {"a": "x y", "b": 2, "c": true}}),
            "application/x-www-form-urlencoded",
            "a=x+y&b=2&c=true",
        ),
        (
            json!({"form": {"a": 1}, "secret_form": {"key": "p&q"}}),
            "application/x-www-form-urlencoded",
            "a=1&key=p%26q",
        ),
        (json!({"file": "rows.csv"}), "text/csv", "a,b\n1,2\n"),
        (
            json!({"template": {"file": "body.json.j2", "values": {"name": "iris \"x\"", "n": 3}}}),
            "application/json",
            r#"{"name": "iris \"x\"", "n": 3}"#,
        ),
        (
            json!({"text": "<a/>", "headers": {"Content-Type": "application/xml"}}),
            "application/xml",
            "<a/>",
        ),
    ] {
        let mut params = json!({"url": "/echo", "method": "POST"});
        params
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        let got = http(&stage, params).await.unwrap();
        let echo = got["text"].as_str().unwrap();
        assert!(
            echo.contains(&format!("content-type: {kind}\r\n")),
            "{body}: {echo}"
        );
        assert!(echo.ends_with(&format!("\r\n\r\n{text}")), "{body}: {echo}");
        assert_eq!(echo.matches("content-length:").count(), 1, "{body}: {echo}");
    }
}

#[tokio::test]
async fn http_sends_queries_headers_and_who_is_asking() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url("/echo"));
    let got = http(
        &stage,
        json!({
            "url": "/x?a=0", "query": {"b": [1, "two"], "c": "&="}, "headers": {"X-N": 5},
            "secret_headers": {"x-key": "hunter22"}, "auth": {"basic": {"username": "u", "password": "p"}}
        }),
    )
    .await
    .unwrap();
    let echo = got["text"].as_str().unwrap();
    assert!(
        echo.starts_with("GET /echo/x?a=0&b=1&b=two&c=%26%3D HTTP/1.1\r\n"),
        "{echo}"
    );
    for line in [
        "x-n: 5",
        "x-key: hunter22",
        "authorization: Basic dTpw",
        "accept-encoding: gzip, deflate, zstd",
    ] {
        assert!(echo.contains(&format!("\r\n{line}\r\n")), "{line}: {echo}");
    }
    let got = http(&stage, json!({"url": "/x", "auth": {"bearer": "t0ken"}}))
        .await
        .unwrap();
    assert!(
        got["text"]
            .as_str()
            .unwrap()
            .contains("\r\nauthorization: Bearer t0ken\r\n"),
        "{got}"
    );
}

#[tokio::test]
async fn credentials_stay_with_whom_they_are_for() {
    let (ours, theirs) = (Faults::start().await, Faults::start().await);
    let mut stage = Stage::new();
    stage.endpoint("http", ours.url(""));
    let endpoint = stage.endpoints.0.get_mut("http").unwrap();
    endpoint.auth = Some(Auth::Bearer {
        token: Secret::new("t", "endpoint-token"),
    });
    endpoint.headers.insert("x-endpoint".to_owned(), "yes".to_owned());
    let target =
        percent_encoding::utf8_percent_encode(&theirs.url("/echo"), percent_encoding::NON_ALPHANUMERIC)
            .to_string();

    http(&stage, json!({"url": "/echo"})).await.unwrap();
    assert!(
        ours.requests()[0].contains("authorization: Bearer endpoint-token\r\n"),
        "{:?}",
        ours.requests()
    );
    assert!(ours.requests()[0].contains("x-endpoint: yes\r\n"));
    // A redirect to another server, and another server from the start.
    let params =
        json!({"url": format!("/to/{target}"), "redirects": 1, "secret_headers": {"x-key": "own-secret"}});
    http(&stage, params).await.unwrap();
    http(&stage, json!({"url": theirs.url("/echo")})).await.unwrap();
    assert_eq!(theirs.requests().len(), 2);
    for request in theirs.requests() {
        for secret in [
            "endpoint-token",
            "x-endpoint",
            "x-key",
            "own-secret",
            "authorization",
        ] {
            assert!(
                !request.contains(secret),
                "{secret} went to another server: {request}"
            );
        }
    }
}

#[tokio::test]
async fn http_statuses_are_failures_unless_they_are_accepted() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let failure = http(&stage, json!({"url": "/status/404"})).await.unwrap_err();
    assert_eq!((failure.class, failure.status), (Class::NotFound, Some(404)));
    for accept in [json!([404]), json!(["4xx"]), json!(["any"]), json!([409, 404])] {
        let got = http(&stage, json!({"url": "/status/404", "accept": accept}))
            .await
            .unwrap();
        assert_eq!(got["status"], 404);
    }
    let failure = http(&stage, json!({"url": "/status/500", "accept": ["4xx", 503]}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Server);
    let failure = http(&stage, json!({"url": "/loop"})).await.unwrap_err();
    assert_eq!(failure.class, Class::Redirect);
    assert!(
        failure.details.contains(&"location: /loop".to_owned()),
        "{failure:?}"
    );
    let got = http(&stage, json!({"url": "/loop", "accept": ["3xx"]}))
        .await
        .unwrap();
    assert_eq!(got["headers"]["location"], "/loop");
}

#[tokio::test]
async fn http_answers_that_break_their_promise_are_failures() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    for path in ["/nan", "/doubled", "/deep", "/html", "/latin1", "/truncated-json"] {
        let failure = http(&stage, json!({"url": path})).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{path}");
    }
    let got = http(&stage, json!({"url": "/empty-json"})).await.unwrap();
    assert_eq!((got.get("json"), &got["text"]), (None, &json!("")));
    let got = http(&stage, json!({"url": "/gzip"})).await.unwrap();
    assert_eq!((got.get("json"), &got["text"]), (None, &json!("unpacked")));
}

#[tokio::test]
async fn http_limits_are_the_steps_own() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let failure = http(&stage, json!({"url": "/ok", "max_body": "11B"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::TooLarge);
    assert!(
        http(&stage, json!({"url": "/ok", "max_body": "12B"}))
            .await
            .is_ok()
    );
    let failure = http(&stage, json!({"url": "/silent-stall", "timeout": "200ms"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Timeout);
}

#[tokio::test]
async fn large_answers_are_kept_as_files() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let body = "x".repeat((1 << 20) + 1);
    let got = http(&stage, json!({"url": "/echo", "method": "POST", "text": body}))
        .await
        .unwrap();
    assert_eq!(got.get("text"), None);
    let kept = std::fs::read_to_string(got["file"].as_str().unwrap()).unwrap();
    assert!(kept.starts_with("POST /echo") && kept.ends_with(&body));
}

#[tokio::test]
async fn http_without_an_endpoint_or_a_server() {
    let stage = Stage::new();
    let failure = http(&stage, json!({"url": "/ok"})).await.unwrap_err();
    assert_eq!(failure.class, Class::Missing);
    assert!(failure.help.unwrap().contains("endpoints: {http: {url: ...}}"));
    let failure = http(&stage, json!({"url": "http://127.0.0.1:1/ok"}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::Unreachable);
}

#[tokio::test]
async fn an_endpoint_is_granted_by_its_family() {
    let server = Faults::start().await;
    let mut stage = Stage::new();
    stage.endpoint("http", server.url(""));
    let run = |params: Json, grants: Grants| stage.run("http.request", params, grants);
    let family = only(&[("endpoint", "http".to_owned())]);
    assert!(run(json!({"url": "/ok"}), family.clone()).await.is_ok());
    let other = Faults::start().await;
    let failure = run(json!({"url": other.url("/ok")}), family.clone())
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::NotGranted);
    let mut denied = family;
    denied
        .deny
        .push(("net".to_owned(), specrun::tools::Rule("127.0.0.1".to_owned())));
    assert_eq!(
        run(json!({"url": "/ok"}), denied).await.unwrap_err().class,
        Class::NotGranted
    );
}

#[test]
fn http_mistakes_are_found_before_the_run() {
    for (params, message) in [
        (json!({}), ": `url` is missing"),
        (
            json!({"url": "/x", "metod": "GET"}),
            ": unknown parameter `metod`",
        ),
        (
            json!({"url": "/x", "method": "FETCH"}),
            "/method: expected one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`, got `FETCH`",
        ),
        (
            json!({"url": "/x", "method": "POST", "json": 1, "text": "a"}),
            ": `json` and `text` both give the body",
        ),
        (json!({"url": "/x", "json": 1}), ": a GET request has no body"),
        (
            json!({"url": "http://[::1/x"}),
            "/url: not a URL: invalid IPv6 address",
        ),
        (
            json!({"url": "/x", "accept": [99]}),
            "/accept/0: the number `99` is less than 100",
        ),
        (
            json!({"url": "/x", "accept": ["200"]}),
            "/accept/0: expected a whole number or `any` or `3xx` or `4xx` or `5xx`, got `200`",
        ),
        (
            json!({"url": "/x", "timeout": 5}),
            "/timeout: expected a duration such as `30s`, got the number `5`",
        ),
        (
            json!({"url": "/x", "max_body": "5s"}),
            "/max_body: expected a size such as `16MiB`, got `5s`",
        ),
        (
            json!({"url": "/x", "auth": {"basic": {"username": "u"}}}),
            "/auth/basic: `password` is missing",
        ),
        (
            json!({"url": "/x", "query": {"a": {"b": 1}}}),
            "/query/a: expected text or a number or true or false or a list, got a mapping with 1 keys",
        ),
        (
            json!({"url": "/x", "redirects": 21}),
            "/redirects: the number `21` is more than 20",
        ),
        (json!({"url": ""}), "/url: the text is empty"),
    ] {
        assert_eq!(mistakes("http.request", &params), [message], "{params}");
    }
}

#[test]
fn what_http_reaches_is_known_before_the_run() {
    assert_eq!(reaches("http.request", &json!({"url": "/x"})), ["endpoint http"]);
    assert_eq!(
        reaches("http.request", &json!({"url": "https://h.example/x"})),
        ["net h.example:443"]
    );
    assert_eq!(
        reaches("http.request", &json!({"url": "http://h:81/x", "file": "a.csv"})),
        ["net h:81", "read a.csv"]
    );
    assert_eq!(
        reaches("http.request", &json!({"url": "${{ a.url }}"})),
        ["net ?"]
    );
    assert_eq!(reaches("http.request", &json!({})), ["net ?"]);
}
