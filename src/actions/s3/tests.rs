//! The family against a loopback server that speaks a little S3, and against odd peers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::ACTIONS;
use crate::action::{Class, Context, Failure, ParamSchema};
use crate::tools::{Auth, Endpoint, Endpoints, Grants, Redactor, Tools};
use crate::value::Secret;

#[derive(Clone, Default)]
struct Held {
    objects: BTreeMap<String, Vec<u8>>,
    heads: Vec<String>,
    /// Given instead of everything: the whole answer.
    instead: Option<String>,
}

struct Store {
    url: String,
    held: Arc<Mutex<Held>>,
    folder: tempfile::TempDir,
    auth: Option<Auth>,
}

impl Store {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let held = Arc::new(Mutex::new(Held::default()));
        let shared = Arc::clone(&held);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self {
            url,
            held,
            folder: tempfile::tempdir().unwrap(),
            auth: Some(Auth::Basic {
                username: "key".to_owned(),
                password: Secret::new("s3", "hunter22"),
            }),
        }
    }

    fn instead(&self, status: &str, body: &str) {
        self.held.lock().unwrap().instead = Some(format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    async fn run(&self, action: &str, params: Json) -> Result<Json, Failure> {
        let action = ACTIONS.iter().find(|a| a.name() == action).unwrap();
        let problems = ParamSchema::of(*action).problems(&params);
        assert!(problems.is_empty(), "{problems:?}");
        let endpoint = Endpoint {
            family: "s3".to_owned(),
            url: Some(self.url.clone()),
            auth: self.auth.clone(),
            ..Endpoint::default()
        };
        let endpoints = Endpoints([("s3".to_owned(), endpoint)].into());
        let secrets = [Secret::new("s3", "hunter22")];
        let root = self.folder.path();
        let tools =
            Tools::new(endpoints, Grants::open(), Redactor::new(&secrets), "test").rooted(&[root], &[root]);
        let context = Context {
            spec: "T".into(),
            step: "step".into(),
            attempt: 1,
            base_dir: root.to_owned(),
            artifact_dir: root.join("artifacts"),
            deadline: Instant::now() + Duration::from_mins(1),
            cancel: tokio_util::sync::CancellationToken::new(),
            prefix: "sr-test".into(),
            seed: 7,
            tools: Arc::new(tools),
            progress: Arc::new(|_| {}),
            checks: crate::action::Checks::default(),
        };
        action.run(params, &context).await
    }
}

async fn serve(mut stream: TcpStream, held: Arc<Mutex<Held>>) {
    let mut buffer = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
        let header = |name: &str| {
            head.lines()
                .find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)))
                .map(|(_, v)| v.to_owned())
        };
        let length: usize = header("content-length").map_or(0, |n| n.parse().unwrap());
        while buffer.len() < head_end + length {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let body = buffer[head_end..head_end + length].to_vec();
        buffer.drain(..head_end + length);
        let answer = answer(&head, &body, header("range"), &mut held.lock().unwrap());
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn answer(head: &str, body: &[u8], range: Option<String>, held: &mut Held) -> Vec<u8> {
    held.heads.push(head.to_owned());
    if let Some(instead) = &held.instead {
        return instead.clone().into_bytes();
    }
    let (method, rest) = head.split_once(' ').unwrap();
    let target = rest.split(' ').next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let key = path.trim_start_matches("/b/").to_owned();
    let reply = |status: &str, extra: &str, body: &[u8]| {
        let mut all = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nlast-modified: Wed, 21 Oct 2026 07:28:00 GMT\r\netag: \"e1\"\r\n{extra}\r\n",
            body.len()
        )
        .into_bytes();
        all.extend_from_slice(body);
        all
    };
    if path.starts_with("/gone/") {
        let said: &[u8] = match method {
            "HEAD" => b"",
            _ => b"<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>",
        };
        return reply("404 Not Found", "", said);
    }
    match method {
        "PUT" => {
            let uploading = query.contains("partNumber");
            let object = held.objects.entry(key).or_default();
            if !uploading {
                object.clear();
            }
            object.extend_from_slice(body);
            reply("200 OK", "", b"")
        }
        "POST" if query.starts_with("delete") => {
            held.objects.clear();
            reply(
                "200 OK",
                "",
                b"<DeleteResult><Deleted><Key>k.csv</Key></Deleted></DeleteResult>",
            )
        }
        "POST" if query.starts_with("uploads") => reply(
            "200 OK",
            "",
            b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>",
        ),
        "POST" => reply(
            "200 OK",
            "",
            b"<CompleteMultipartUploadResult><ETag>\"e2\"</ETag></CompleteMultipartUploadResult>",
        ),
        "GET" if query.contains("list-type") => {
            let mut rows = String::new();
            for (k, v) in &held.objects {
                let _ = write!(
                    rows,
                    "<Contents><Key>{k}</Key><Size>{}</Size><LastModified>2026-10-21T07:28:00.000Z</LastModified><ETag>\"e\"</ETag></Contents>",
                    v.len()
                );
            }
            let list = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>");
            reply("200 OK", "", list.as_bytes())
        }
        _ => match held.objects.get(&key) {
            None if method == "HEAD" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
            None => reply("404 Not Found", "", b"<Error><Code>NoSuchKey</Code></Error>"),
            Some(object) if method == "HEAD" => {
                let empty = reply("200 OK", "x-amz-meta-a: b\r\ncontent-type: text/csv\r\n", b"");
                String::from_utf8(empty)
                    .unwrap()
                    .replace("content-length: 0", &format!("content-length: {}", object.len()))
                    .into_bytes()
            }
            Some(object) => {
                let range = range.unwrap();
                let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                let extra = format!("content-range: bytes {from}-{to}/{}\r\n", object.len());
                reply("206 Partial Content", &extra, &object[from..=to])
            }
        },
    }
}

fn key() -> Json {
    json!({"bucket": "b", "key": "k.csv"})
}

#[tokio::test]
async fn what_is_put_is_listed_read_and_deleted() {
    let store = Store::start().await;
    let put = json!({"bucket": "b", "key": "k.csv", "text": "a,b\n", "content_type": "text/csv", "tags": {"t": "1"}});
    let sent = store.run("s3.put", put).await.unwrap();
    assert_eq!(
        (&sent["size"], &sent["url"]),
        (&json!("4B"), &json!("s3://b/k.csv"))
    );
    let head = store.held.lock().unwrap().heads[0].to_lowercase();
    for wanted in [
        "x-amz-meta-specrun-run: sr-test",
        "x-amz-tagging: t=1",
        "content-type: text/csv",
        "authorization: aws4-hmac-sha256 credential=key/",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    assert!(!head.contains("hunter22"));
    let known = store.run("s3.head", key()).await.unwrap();
    assert_eq!(
        (&known["etag"], &known["metadata"]),
        (&json!("e1"), &json!({"a": "b"}))
    );
    assert_eq!(known["last_modified"], "2026-10-21T07:28:00Z");
    let got = store.run("s3.get", key()).await.unwrap();
    assert_eq!((&got["text"], &got["sha256"]), (&json!("a,b\n"), &sent["sha256"]));
    let list = store.run("s3.list", json!({"bucket": "b"})).await.unwrap();
    assert_eq!(
        (&list["count"], &list["objects"][0]["key"]),
        (&json!(1), &json!("k.csv"))
    );
    store.run("s3.delete", key()).await.unwrap();
    let failure = store.run("s3.head", key()).await.unwrap_err();
    assert_eq!(failure.class, Class::NotFound);
    assert!(
        failure.message.starts_with("asking for s3://b/k.csv: "),
        "{failure}"
    );
    assert_eq!(
        store.run("s3.get", key()).await.unwrap_err().class,
        Class::NotFound
    );
    // That nothing is in a bucket that is not there says nothing of the object.
    for action in ["s3.head", "s3.get"] {
        let failure = store
            .run(action, json!({"bucket": "gone", "key": "k.csv"}))
            .await
            .unwrap_err();
        assert_eq!(failure.class, Class::Missing, "{action}: {failure}");
    }
}

#[tokio::test]
async fn large_files_go_in_parts_and_come_in_parts() {
    let store = Store::start().await;
    let content: Vec<u8> = (0..20_000_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(store.folder.path().join("large"), &content).unwrap();
    let put = json!({"bucket": "b", "key": "k", "file": "large"});
    let sent = store.run("s3.put", put).await.unwrap();
    assert_eq!(store.held.lock().unwrap().objects["k"], content);
    let got = store
        .run("s3.get", json!({"bucket": "b", "key": "k"}))
        .await
        .unwrap();
    assert_eq!((&got["size"], &got["sha256"]), (&json!("20MB"), &sent["sha256"]));
    assert_eq!(std::fs::read(got["file"].as_str().unwrap()).unwrap(), content);
    assert!(got.get("text").is_none());
    let small = json!({"bucket": "b", "key": "k", "max_size": "1MiB"});
    assert_eq!(
        store.run("s3.get", small).await.unwrap_err().class,
        Class::TooLarge
    );
}

#[tokio::test]
async fn refusals_and_odd_answers_have_their_class() {
    let store = Store::start().await;
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>hunter22 it is</Message></Error>");
    let put = json!({"bucket": "b", "key": "k", "text": "x"});
    for (status, body, class) in [
        ("403 Forbidden", xml("AccessDenied"), Class::Forbidden),
        ("403 Forbidden", xml("SignatureDoesNotMatch"), Class::Unauthorized),
        ("404 Not Found", xml("NoSuchBucket"), Class::Missing),
        ("503 Slow", xml("SlowDown"), Class::RateLimited),
        ("500 Broken", xml("InternalError"), Class::Server),
        (
            "404 Not Found",
            "<html>where?</html>".to_owned(),
            Class::UnreadableAnswer,
        ),
        ("302 Found", String::new(), Class::Redirect),
    ] {
        store.instead(status, &body);
        for (action, params) in [("s3.put", put.clone()), ("s3.list", json!({"bucket": "b"}))] {
            let failure = store.run(action, params).await.unwrap_err();
            assert_eq!(failure.class, class, "{action} {status} {body}: {failure:?}");
            assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
        }
    }
    // Answers that say yes and are not what was asked for.
    for body in ["<html>hello</html>", "{}", "", "<ListBucketResult><Contents>"] {
        store.instead("200 OK", body);
        let failure = store.run("s3.list", json!({"bucket": "b"})).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{body}");
    }
    store.instead("200 OK", "<html>hello</html>");
    for action in ["s3.head", "s3.get"] {
        let failure = store.run(action, key()).await.unwrap_err();
        assert_eq!(failure.class, Class::UnreadableAnswer, "{action}: {failure:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_down_and_keys_that_are_none() {
    let mut store = Store::start().await;
    let failure = store
        .run("s3.put", json!({"bucket": "b", "key": "a//b", "text": ""}))
        .await
        .unwrap_err();
    assert_eq!(failure.class, Class::BadParameter);
    store.url = "http://127.0.0.1:1".to_owned();
    for (action, params) in [
        ("s3.put", json!({"bucket": "b", "key": "k", "text": "x"})),
        ("s3.get", key()),
        ("s3.head", key()),
        ("s3.list", json!({"bucket": "b"})),
        ("s3.delete", key()),
    ] {
        let failure = store.run(action, params).await.unwrap_err();
        assert_eq!(failure.class, Class::Unreachable, "{action}: {failure:?}");
    }
    store.auth = Some(Auth::Bearer {
        token: Secret::new("t", "hunter22"),
    });
    let failure = store.run("s3.head", key()).await.unwrap_err();
    assert!(failure.message.contains("takes no `token`"), "{failure}");
}

#[test]
fn a_put_has_one_content() {
    let put = ACTIONS.iter().find(|a| a.name() == "s3.put").unwrap();
    for params in [
        json!({"bucket": "b", "key": "k"}),
        json!({"bucket": "b", "key": "k", "text": "", "file": "f"}),
    ] {
        assert_eq!(put.validate(&params).len(), 1, "{params}");
    }
}
