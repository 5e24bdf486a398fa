//! A loopback API server that gives set answers and remembers what it was asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use specrun::action::Failure;
use specrun::tools::Grants;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::actions::Stage;

/// What a server says.
#[derive(Clone, Debug)]
pub enum Answer {
    Json(u16, Json),
    Text(&'static str, &'static str),
    /// Lines, one event each; then the connection is closed in good order, or in the middle.
    Events(Vec<Json>, End),
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Good,
    Cut,
    /// It stays open without a word.
    Silent,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET /api/v1/pods`; a watch is `WATCH /api/v1/pods`.
    pub call: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Json,
}

type Script = Arc<Mutex<HashMap<String, VecDeque<Answer>>>>;

pub struct Server {
    pub url: String,
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// A server that knows pods, namespaces, service accounts and jobs.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (script, asked) = (Script::default(), Arc::new(Mutex::new(Vec::new())));
        let (its_script, its_asked) = (Arc::clone(&script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&its_script), Arc::clone(&its_asked)));
            }
        });
        let mut server = Self { url, script, asked };
        for (call, answer) in discovery() {
            server = server.on(call, Answer::Json(200, answer));
        }
        server
            // Its server is down: nobody else suffers.
            .on(
                "GET /apis/metrics.k8s.io/v1beta1",
                Answer::Json(
                    503,
                    json!({"kind": "Status", "code": 503, "message": "service unavailable"}),
                ),
            )
    }

    /// Adds an answer to a call; the last one is given again and again.
    pub fn on(self, call: &str, answer: Answer) -> Self {
        self.script
            .lock()
            .unwrap()
            .entry(call.to_owned())
            .or_default()
            .push_back(answer);
        self
    }

    pub fn asked(&self, call: &str) -> Vec<Asked> {
        let all = self.asked.lock().unwrap();
        all.iter().filter(|a| a.call == call).cloned().collect()
    }

    /// A stage whose cluster this is.
    pub fn stage(&self) -> Stage {
        let mut stage = Stage::new();
        stage.endpoint("kube", self.url.clone());
        stage
    }

    pub async fn run(&self, action: &str, params: Json) -> Result<Json, Failure> {
        self.stage().run(action, params, Grants::open()).await
    }
}

/// What it serves.
pub fn discovery() -> [(&'static str, Json); 4] {
    let row = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "kind": kind, "namespaced": namespaced, "verbs": []});
    [
        (
            "GET /api/v1",
            json!({"kind": "APIResourceList", "resources": [
                row("pods", "Pod", true), row("pods/log", "Pod", true), row("namespaces", "Namespace", false),
                row("serviceaccounts", "ServiceAccount", true), row("nodes", "Node", false),
                row("events", "Event", true)]}),
        ),
        (
            "GET /apis",
            json!({"kind": "APIGroupList", "groups": [
                {"name": "batch", "preferredVersion": {"groupVersion": "batch/v1"},
                 "versions": [{"groupVersion": "batch/v1"}, {"groupVersion": "batch/v1beta1"}]},
                {"name": "metrics.k8s.io", "preferredVersion": {"groupVersion": "metrics.k8s.io/v1beta1"},
                 "versions": [{"groupVersion": "metrics.k8s.io/v1beta1"}]}]}),
        ),
        (
            "GET /apis/batch/v1",
            json!({"resources": [row("jobs", "Job", true)]}),
        ),
        (
            "GET /apis/batch/v1beta1",
            json!({"resources": [row("cronjobs", "CronJob", true)]}),
        ),
    ]
}

/// A pod as the server has it.
#[allow(clippy::needless_pass_by_value, reason = "callers make the value in place")]
pub fn pod(name: &str, uid: &str, version: u32, status: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "Pod", "status": status, "spec": {"nodeName": "node-1"},
           "metadata": {"name": name, "namespace": "ml", "uid": uid, "resourceVersion": version.to_string(), "generation": 1}})
}

pub fn list(version: u32, items: &[Json]) -> Answer {
    Answer::Json(
        200,
        json!({"kind": "PodList", "metadata": {"resourceVersion": version.to_string()}, "items": items}),
    )
}

#[allow(clippy::needless_pass_by_value, reason = "callers make the value in place")]
pub fn event(kind: &str, object: Json) -> Json {
    json!({"type": kind, "object": object})
}

pub fn status(code: u16, reason: &str, message: &str, details: &Json) -> Answer {
    Answer::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code,
               "message": message, "details": details}),
    )
}

/// Reads one request; none when the caller has gone.
pub async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => received.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&received[..head]).into_owned();
    let headers: BTreeMap<String, String> = text
        .lines()
        .skip(1)
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
    let mut body = received.split_off(head);
    let have = body.len();
    body.resize(length, 0);
    if length > have && stream.read_exact(&mut body[have..]).await.is_err() {
        return None;
    }
    let mut words = text.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let target = url::Url::parse(&format!("http://fake{target}")).unwrap();
    let query: BTreeMap<String, String> = target.query_pairs().into_owned().collect();
    let method = if query.contains_key("watch") {
        "WATCH"
    } else {
        method
    };
    Some(Asked {
        call: format!("{method} {}", target.path()),
        query,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Json::Null),
    })
}

pub async fn reply(stream: &mut TcpStream, code: u16, kind: &str, text: &str) {
    let head = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        text.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(text.as_bytes()).await;
}

async fn serve(mut stream: TcpStream, script: Script, asked: Arc<Mutex<Vec<Asked>>>) {
    let Some(one) = read(&mut stream).await else {
        return;
    };
    let call = one.call.clone();
    let answer = {
        let mut script = script.lock().unwrap();
        match script.get_mut(&call) {
            Some(answers) if answers.len() > 1 => answers.pop_front(),
            Some(answers) => answers.front().cloned(),
            None => None,
        }
    };
    asked.lock().unwrap().push(one);
    let absent = json!({"kind": "Status", "code": 404, "reason": "NotFound",
                        "message": "the server could not find the requested resource", "details": {}});
    let (code, kind, text) = match answer.unwrap_or(Answer::Json(404, absent)) {
        Answer::Json(code, json) => (code, "application/json", json.to_string()),
        Answer::Text(kind, text) => (200, kind, text.to_owned()),
        Answer::Events(events, end) => return stream_of(stream, &events, end).await,
    };
    reply(&mut stream, code, kind, &text).await;
}

async fn stream_of(mut stream: TcpStream, events: &[Json], end: End) {
    let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    for event in events {
        let line = format!("{event}\n");
        let chunk = format!("{:x}\r\n{line}\r\n", line.len());
        let _ = stream.write_all(chunk.as_bytes()).await;
    }
    match end {
        End::Good => {
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
        End::Cut => {
            let _ = stream.write_all(b"40\r\n{\"type\": \"MODI").await;
        }
        End::Silent => std::future::pending().await,
    }
}
