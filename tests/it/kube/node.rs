//! A cluster whose pods are processes of this machine: each Job starts the program that is tested, its attached input is the
//! program's, its log what the program prints.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;

use super::server::{Asked, discovery, read, reply};

/// Sends a signal to a process.
pub fn signal(name: &str, pid: &str) {
    let sent = std::process::Command::new("kill")
        .args([name, pid.trim()])
        .status()
        .unwrap();
    assert!(sent.success());
}

const JOBS: &str = "/apis/batch/v1/namespaces/ml/jobs";
const PODS: &str = "/api/v1/namespaces/ml/pods";

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    #[default]
    None,
    /// Every connection that a log comes over breaks after so many bytes more than the one before.
    LogBreaks(usize),
    /// Every line of the log that holds this text lacks three bytes of it.
    LogTorn(&'static str),
    /// From the first of this text on, so many bytes of the log are never seen.
    LogLoses(&'static str, usize),
    /// No more of the log than this is seen until [`Node::go_on`].
    LogWaits(usize),
    /// The image cannot be had.
    NoImage,
    /// No pod is made.
    NoPods,
    /// Jobs may not be made.
    Forbidden,
}

pub struct Node {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    trouble: Trouble,
    goes_on: AtomicBool,
    pods: Mutex<BTreeMap<String, Pod>>,
    asked: Mutex<Vec<Asked>>,
}

struct Pod {
    labels: Json,
    child: Child,
    input: Option<ChildStdin>,
    log: Arc<watch::Sender<Vec<u8>>>,
    /// Its log will not grow any more.
    ended: watch::Receiver<bool>,
    readings: usize,
}

impl Node {
    pub async fn start(trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            trouble,
            goes_on: AtomicBool::new(false),
            pods: Mutex::default(),
            asked: Mutex::default(),
        });
        let its = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&its)));
            }
        });
        Self { url, shared }
    }

    pub fn asked(&self, call: &str) -> Vec<Asked> {
        let all = self.shared.asked.lock().unwrap();
        all.iter().filter(|a| a.call.starts_with(call)).cloned().collect()
    }

    /// The names of the Jobs that are there.
    pub fn jobs(&self) -> Vec<String> {
        self.shared.pods().keys().cloned().collect()
    }

    /// Waits until this stands in the log of so many pods.
    pub async fn until_said(&self, text: &str, pods: usize) {
        let end = tokio::time::Instant::now() + std::time::Duration::from_mins(2);
        loop {
            let said = |pod: &&Pod| String::from_utf8_lossy(&pod.log.borrow()).contains(text);
            if self.shared.pods().values().filter(said).count() >= pods {
                return;
            }
            assert!(tokio::time::Instant::now() < end, "nobody said {text}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// The log of the pod of a Job.
    pub fn said(&self, job: &str) -> String {
        let pods = self.shared.pods();
        let log = pods[job].log.borrow();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Deletes the pod of a Job as somebody else would: its process is killed, and nobody knows it any more.
    pub fn delete_pod(&self, job: &str) {
        let mut pod = self.shared.pods().remove(job).unwrap();
        pod.child.start_kill().unwrap();
        // It goes on for as long as who reads its log.
        tokio::spawn(async move { pod.child.wait().await });
    }

    /// Kills the program of the pod of a Job; the cluster knows the pod and its log.
    pub fn kill(&self, job: &str) {
        self.shared
            .pods()
            .get_mut(job)
            .unwrap()
            .child
            .start_kill()
            .unwrap();
    }

    /// Logs are seen whole from now on.
    pub fn go_on(&self) {
        self.shared.goes_on.store(true, Ordering::SeqCst);
    }

    /// Whether every program has ended.
    pub async fn all_ended(&self) -> bool {
        let ended: Vec<_> = self.shared.pods().values().map(|p| p.ended.clone()).collect();
        for mut one in ended {
            let wait = one.wait_for(|ended| *ended);
            if tokio::time::timeout(std::time::Duration::from_mins(1), wait)
                .await
                .is_err()
            {
                return false;
            }
        }
        true
    }
}

impl Shared {
    fn pods(&self) -> MutexGuard<'_, BTreeMap<String, Pod>> {
        self.pods.lock().unwrap()
    }

    fn pod_json(&self, job: &str, pod: &Pod) -> Json {
        let mut labels = pod.labels.clone();
        labels["job-name"] = json!(job);
        let state = if self.trouble == Trouble::NoImage {
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"nowhere/specrun:0\""}})
        } else if *pod.ended.borrow() {
            json!({"terminated": {"exitCode": 0, "reason": "Completed"}})
        } else {
            json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
        };
        json!({"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": format!("{job}-x"), "namespace": "ml", "uid": format!("{job}-x"), "labels": labels,
                            "resourceVersion": "1"},
               "status": {"phase": "Running", "containerStatuses": [{"name": "specrun", "state": state}]}})
    }

    fn create(&self, body: &Json) {
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        let template = &body["spec"]["template"];
        let args = template["spec"]["containers"][0]["args"].as_array().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_specrun"))
            .args(args.iter().map(|a| a.as_str().unwrap()))
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, mut output) = (child.stdin.take(), child.stdout.take().unwrap());
        let log = Arc::new(watch::Sender::new(Vec::new()));
        let (say, ended) = watch::channel(false);
        let its = Arc::clone(&log);
        tokio::spawn(async move {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = output.read(&mut piece).await {
                its.send_modify(|log| log.extend_from_slice(&piece[..n]));
            }
            say.send_replace(true);
            say.closed().await;
        });
        let pod = Pod {
            labels: template["metadata"]["labels"].clone(),
            child,
            input,
            log,
            ended,
            readings: 0,
        };
        self.pods().insert(name, pod);
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Some(asked) = read(&mut stream).await else {
        return;
    };
    shared.asked.lock().unwrap().push(asked.clone());
    let call = asked.call.as_str();
    if let Some((_, found)) = discovery().into_iter().find(|(known, _)| *known == call) {
        return reply(&mut stream, 200, "application/json", &found.to_string()).await;
    }
    let (method, path) = call.split_once(' ').unwrap();
    let of_pod = path.strip_prefix(&format!("{PODS}/")).map(|rest| {
        let (pod, sub) = rest.split_once('/').unwrap_or((rest, ""));
        (pod.trim_end_matches("-x").to_owned(), sub.to_owned())
    });
    let of_job = path.strip_prefix(&format!("{JOBS}/")).map(str::to_owned);
    let absent = |name: &str| {
        (
            404,
            json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found",
                                           "details": {"name": name}}),
        )
    };
    let list = |items: Vec<Json>| (200, json!({"metadata": {"resourceVersion": "1"}, "items": items}));
    let (code, json) = match (method, of_pod, of_job) {
        ("WATCH", ..) => {
            let head = "HTTP/1.1 200 X\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            // A pod that is made after the list is seen by the next one.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let gone = "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n";
            let _ = stream
                .write_all(format!("{:x}\r\n{gone}\r\n0\r\n\r\n", gone.len()).as_bytes())
                .await;
            return;
        }
        ("POST", None, None) if path == JOBS && shared.trouble == Trouble::Forbidden => (
            403,
            json!({"kind": "Status", "code": 403, "reason": "Forbidden",
                   "message": "jobs.batch is forbidden: User \"ci\" cannot create resource \"jobs\""}),
        ),
        ("POST", None, None) if path == JOBS => {
            shared.create(&asked.body);
            (201, asked.body.clone())
        }
        ("GET", None, None) if path == PODS && shared.trouble == Trouble::NoPods => list(Vec::new()),
        ("GET", None, None) if path == PODS => list(
            shared
                .pods()
                .iter()
                .map(|(job, pod)| shared.pod_json(job, pod))
                .collect(),
        ),
        ("GET", None, None) if path == JOBS => list(
            shared
                .pods()
                .keys()
                .map(|job| json!({"metadata": {"name": job, "uid": job}}))
                .collect(),
        ),
        ("GET", Some((job, sub)), _) => match sub.as_str() {
            "" => match shared.pods().get(&job) {
                Some(pod) => (200, shared.pod_json(&job, pod)),
                None => absent(&job),
            },
            "log" => return follow(stream, &shared, &job).await,
            "attach" => return attach(stream, &shared, &job, &asked).await,
            _ => absent(&job),
        },
        ("DELETE", None, Some(job)) => match shared.pods().remove(&job) {
            Some(_) => (
                200,
                json!({"kind": "Status", "status": "Success", "details": {"uid": job}}),
            ),
            None => absent(&job),
        },
        _ => absent(""),
    };
    reply(&mut stream, code, "application/json", &json.to_string()).await;
}

/// Sends a log from its beginning for as long as its program runs.
async fn follow(mut stream: TcpStream, shared: &Shared, job: &str) {
    let found = shared.pods().get_mut(job).map(|pod| {
        pod.readings += 1;
        (pod.log.subscribe(), pod.ended.clone(), pod.readings)
    });
    let Some((mut log, mut ended, reading)) = found else {
        let text = json!({"kind": "Status", "code": 404, "details": {"name": job}}).to_string();
        return reply(&mut stream, 404, "application/json", &text).await;
    };
    let head = "HTTP/1.1 200 X\r\ncontent-type: text/plain\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let _ = stream.write_all(head.as_bytes()).await;
    let mut sent = 0;
    loop {
        let over = *ended.borrow_and_update();
        let mut whole = log.borrow_and_update().clone();
        let place = |log: &[u8], text: &str| log.windows(text.len()).position(|w| w == text.as_bytes());
        match shared.trouble {
            Trouble::LogTorn(text) => {
                while let Some(at) = place(&whole, text) {
                    whole.drain(at..at + 3);
                }
            }
            Trouble::LogLoses(text, bytes) => {
                if let Some(at) = place(&whole, text) {
                    whole.drain(at..whole.len().min(at + bytes));
                }
            }
            Trouble::LogWaits(bytes) if !shared.goes_on.load(Ordering::SeqCst) => whole.truncate(bytes),
            _ => {}
        }
        if whole.len() > sent {
            let mut piece = &whole[sent..];
            if let Trouble::LogBreaks(bytes) = shared.trouble {
                piece = &piece[..piece.len().min((bytes * reading).saturating_sub(sent))];
            }
            sent += piece.len();
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(piece);
            chunk.extend_from_slice(b"\r\n");
            if piece.is_empty() || stream.write_all(&chunk).await.is_err() {
                return;
            }
        } else if over {
            let _ = stream.write_all(b"0\r\n\r\n").await;
            return;
        }
        tokio::select! {
            _ = log.changed() => {}
            _ = ended.changed() => {}
            // Whoever killed it took the senders along.
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
        }
    }
}

/// A web socket whose messages of channel 0 are the program's input.
async fn attach(mut stream: TcpStream, shared: &Shared, job: &str, asked: &Asked) {
    let input = shared.pods().get_mut(job).and_then(|pod| pod.input.take());
    let Some(mut input) = input else {
        return reply(&mut stream, 404, "text/plain", "").await;
    };
    let key = format!(
        "{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        asked.headers["sec-websocket-key"]
    );
    let accept = base64::engine::general_purpose::STANDARD.encode(sha1(key.as_bytes()));
    let head = format!(
        "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\
         sec-websocket-protocol: v4.channel.k8s.io\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes()).await;
    while let Some((opcode, message)) = frame(&mut stream).await {
        match (opcode, message.split_first()) {
            (8, _) => return,
            (2, Some((0, text))) => {
                let _ = input.write_all(text).await;
                let _ = input.flush().await;
            }
            _ => {}
        }
    }
}

/// One frame of a client, which masks it.
async fn frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let length = match stream.read_u8().await.ok()? & 0x7f {
        126 => u64::from(stream.read_u16().await.ok()?),
        127 => stream.read_u64().await.ok()?,
        short => u64::from(short),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await.ok()?;
    let mut message = vec![0; length as usize];
    stream.read_exact(&mut message).await.ok()?;
    for (byte, mask) in message.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Some((first & 0xf, message))
}

/// SHA-1 (FIPS 180-4), which the handshake of web sockets asks for.
fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state = [
        0x6745_2301_u32,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> = block
            .chunks(4)
            .map(|c| u32::from_be_bytes(c.try_into().unwrap()))
            .collect();
        for i in 16..80 {
            w.push((w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, w) in w.iter().enumerate() {
            let (f, k) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a
                .rotate_left(5)
                .wrapping_add(f)
                .wrapping_add(e)
                .wrapping_add(k)
                .wrapping_add(*w);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(part);
        }
    }
    let mut digest = [0; 20];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
