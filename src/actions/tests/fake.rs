//! For the tests of families that speak HTTP: a loopback server that gives set answers and remembers what it was asked.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::action::{Context, Failure, OwnCheck};
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

type Script = Arc<Mutex<HashMap<String, VecDeque<Answer>>>>;

/// The server; it ends with its test's runtime.
pub struct Fake {
    pub url: String,
    family: &'static str,
    root: &'static str,
    script: Script,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: tempfile::TempDir,
}

impl Fake {
    /// The server of a family, whose calls are below `root`: `/api/v1/`.
    pub async fn start(family: &'static str, root: &'static str) -> Self {
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
            family,
            root,
            script,
            asked,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Adds an answer to a call (`GET runs/get`, or with the whole path when it is not below the root); the last
    /// one is given again and again.
    pub fn on(self, call: &str, answer: Answer) -> Self {
        let (method, path) = call.split_once(' ').unwrap();
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}{path}", self.root)
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

    /// Runs an action of the family against this server.
    pub async fn run(&self, action: &str, params: Json) -> Result<Json, Failure> {
        run(self.family, action, params, &self.context()).await
    }

    /// Runs an action that must end well, and gives the checks it made itself beside its output.
    pub async fn checked(&self, action: &str, params: Json) -> (Json, Vec<OwnCheck>) {
        let cx = self.context();
        let output = run(self.family, action, params, &cx).await;
        (output.unwrap(), cx.checks.take())
    }

    /// The surroundings of a step against this server.
    pub fn context(&self) -> Context {
        let endpoint = Endpoint {
            url: Some(self.url.clone()),
            ..closed(self.family)
        };
        context(Some(endpoint), self.folder.path())
    }
}

/// Runs an action by its family and verb, with parameters that its own rules take.
pub async fn run(family: &str, verb: &str, params: Json, cx: &Context) -> Result<Json, Failure> {
    let name = format!("{family}.{verb}");
    let action = super::REGISTRY.get(&name).unwrap();
    assert_eq!(
        action.validate(&params),
        [],
        "the parameters of the test are wrong"
    );
    action.run(params, cx).await
}

/// An endpoint at a port where nothing listens.
pub fn closed(family: &str) -> Endpoint {
    // Bound and released: a port nobody has for now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    Endpoint {
        family: family.to_owned(),
        url: Some(format!("http://127.0.0.1:{port}")),
        ..Endpoint::default()
    }
}

/// The surroundings of a step.
pub fn context(endpoint: Option<Endpoint>, folder: &std::path::Path) -> Context {
    let endpoints = Endpoints(endpoint.into_iter().map(|e| (e.family.clone(), e)).collect());
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
