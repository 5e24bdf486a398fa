//! A loopback server that gives set answers and remembers what it was asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::action::{Context, DynAction, Failure};
use crate::tools::{Endpoint, Endpoints, Grants, Redactor, Tools};

/// An answer to give.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &Json) -> Self {
        Self {
            status,
            content_type: "application/json".to_owned(),
            body: body.to_string().into_bytes(),
        }
    }

    pub fn text(status: u16, content_type: &str, body: &str) -> Self {
        Self {
            status,
            content_type: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
        }
    }
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET /api/2.0/mlflow/runs/get`
    pub call: String,
    pub query: BTreeMap<String, String>,
    pub body: Json,
}

/// The answer of `tests/recorded/mlflow-3.17/NAME.json`.
pub fn recorded(name: &str) -> Answer {
    let file = format!(
        "{}/tests/recorded/mlflow-3.17/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let record: Json = serde_json::from_str(&text).unwrap();
    let response = &record["response"];
    Answer {
        status: response["status"].as_u64().unwrap().try_into().unwrap(),
        content_type: response["headers"]["content-type"]
            .as_str()
            .unwrap_or("text/plain")
            .to_owned(),
        body: match &response["body"] {
            Json::String(text) => text.clone().into_bytes(),
            json => json.to_string().into_bytes(),
        },
    }
}

/// What a recorded answer says.
pub fn said(name: &str) -> Json {
    serde_json::from_slice(&recorded(name).body).unwrap()
}

type Script = Arc<Mutex<HashMap<String, VecDeque<Answer>>>>;

/// The server; it ends with its test's runtime.
pub struct Fake {
    url: String,
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
}

impl Fake {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Script::default();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (its_script, its_asked) = (Arc::clone(&script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&its_script), Arc::clone(&its_asked)));
            }
        });
        Self {
            url,
            script,
            asked,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Adds an answer to a call (`GET runs/get`, or with the whole path when it is outside the API); the last one
    /// is given again and again.
    pub fn on(self, call: &str, answer: Answer) -> Self {
        let (method, path) = call.split_once(' ').unwrap();
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/api/2.0/mlflow/{path}")
        };
        self.script
            .lock()
            .unwrap()
            .entry(format!("{method} {path}"))
            .or_default()
            .push_back(answer);
        self
    }

    /// Every request so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests of one call.
    pub fn asked_for(&self, call: &str) -> Vec<Asked> {
        let end = format!("/{}", call.split_once(' ').unwrap().1);
        let method = call.split_once(' ').unwrap().0;
        self.asked()
            .into_iter()
            .filter(|a| a.call.starts_with(method) && a.call.ends_with(&end))
            .collect()
    }

    /// Runs an action against this server.
    pub async fn run(&self, action: &str, params: Json) -> Result<Json, Failure> {
        let endpoint = Endpoint {
            url: Some(self.url.clone()),
            ..endpoint()
        };
        run(action, params, &context(Some(endpoint), self.folder.path())).await
    }
}

/// Runs an action of the family.
pub async fn run(action: &str, params: Json, cx: &Context) -> Result<Json, Failure> {
    let action = find(action);
    assert_eq!(
        action.validate(&params),
        [],
        "the parameters of the test are wrong"
    );
    action.run(params, cx).await
}

/// The action with this name.
pub fn find(name: &str) -> &'static dyn DynAction {
    let name = format!("mlflow.{name}");
    super::super::ACTIONS
        .iter()
        .copied()
        .find(|a| a.name() == name)
        .unwrap()
}

/// An endpoint at a port where nothing listens.
pub fn endpoint() -> Endpoint {
    // Bound and released: a port nobody has for now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    Endpoint {
        family: "mlflow".to_owned(),
        url: Some(format!("http://127.0.0.1:{port}")),
        ..Endpoint::default()
    }
}

/// The surroundings of a step.
pub fn context(endpoint: Option<Endpoint>, folder: &std::path::Path) -> Context {
    let endpoints = Endpoints(endpoint.into_iter().map(|e| ("mlflow".to_owned(), e)).collect());
    Context {
        spec: "T00".into(),
        step: "step".into(),
        attempt: 1,
        base_dir: folder.to_owned(),
        artifact_dir: folder.join("artifacts"),
        deadline: Instant::now() + Duration::from_mins(2),
        cancel: tokio_util::sync::CancellationToken::new(),
        prefix: "test".to_owned(),
        seed: 7,
        tools: Arc::new(Tools::new(endpoints, Grants::open(), Redactor::default(), "test")),
        progress: Arc::new(|_| {}),
        checks: crate::action::Checks::default(),
    }
}

async fn serve(mut stream: TcpStream, script: Script, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut received = Vec::new();
    let head = loop {
        if let Some(end) = received.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => received.extend_from_slice(&piece[..n]),
            _ => return,
        }
    };
    let text = String::from_utf8_lossy(&received[..head]).into_owned();
    let length = text
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, n)| n.trim().parse::<usize>().unwrap());
    let mut body = received.split_off(head);
    let have = body.len();
    body.resize(length, 0);
    if length > have && stream.read_exact(&mut body[have..]).await.is_err() {
        return;
    }
    let mut words = text.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let target = url::Url::parse(&format!("http://fake{target}")).unwrap();
    let call = format!("{method} {}", target.path());
    let answer = {
        let mut script = script.lock().unwrap();
        match script.get_mut(&call) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap(),
            Some(answers) => answers[0].clone(),
            None => Answer::text(599, "text/plain", &format!("the test has no answer for {call}")),
        }
    };
    asked.lock().unwrap().push(Asked {
        call,
        query: target.query_pairs().into_owned().collect(),
        body: serde_json::from_slice(&body).unwrap_or(Json::Null),
    });
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.status,
        answer.content_type,
        answer.body.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&answer.body).await;
}
